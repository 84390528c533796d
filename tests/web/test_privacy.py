"""The room of privacy: who asked for what about whom, and what became of it."""

from datetime import UTC, datetime

import httpx
import pytest

from forge.privacy import apply_rules
from tests import given
from tests.web.browsing import Site, grown_stale, posted, signed_in

NAME = "Asha Patel"


async def test_a_wish_to_be_forgotten_is_taken_down_and_waits_for_another(client: httpx.AsyncClient, owner: given.Owner) -> None:
    customer = await given.customer(owner, "Zinnia Zanzibar")
    await signed_in(client, owner, NAME, "customer_care")

    page = await posted(client, "/privacy/erase", customer=customer, source="letter of 2 March")

    asked = await (await owner.execute("SELECT name, state, approver_roles, proposed_for FROM actions.action")).fetchall()
    assert asked == [("erase_customer", "waiting", ["care_lead"], customer)]
    assert ("is waiting, for care lead to rule on" in page.text, "letter of 2 March" in page.text) == (True, True)
    assert "Zinnia" not in page.text


async def test_a_hold_waits_for_the_director(client: httpx.AsyncClient, owner: given.Owner) -> None:
    customer = await given.customer(owner)
    await signed_in(client, owner, NAME, "care_lead")

    page = await posted(client, "/privacy/hold", customer=customer, source="court order 7", reason="a court asks", is_held="true")

    asked = await (await owner.execute("SELECT name, state, approver_roles FROM actions.action")).fetchall()
    assert (asked, "court order 7" in page.text) == ([("hold_customer_records", "waiting", ["operations_director"])], True)


async def test_a_copy_is_handed_out_as_a_file_and_the_room_says_who_took_it(client: httpx.AsyncClient, owner: given.Owner) -> None:
    customer = await given.customer(owner, "Zinnia Zanzibar")
    await signed_in(client, owner, NAME, "care_lead")

    answer = await posted(client, "/privacy/copy", customer=customer)

    assert answer.headers["content-disposition"] == f'attachment; filename="customer-{customer}.json"'
    assert answer.json()["content"]["crm.customer"][0]["name"] == "Zinnia Zanzibar"
    assert "Copies taken" in (await client.get("/privacy")).text


async def test_a_copy_is_nobodys_to_take_who_does_not_answer_for_it_nor_from_a_sign_in_of_this_morning(
    client: httpx.AsyncClient, owner: given.Owner
) -> None:
    customer = await given.customer(owner)
    await signed_in(client, owner, NAME, "customer_care")
    refused = await posted(client, "/privacy/copy", customer=customer)
    await signed_in(client, owner, "Carl Lead", "care_lead")
    await grown_stale(owner)

    stale = await posted(client, "/privacy/copy", customer=customer)

    assert (refused.status_code, stale.status_code, stale.headers["location"]) == (403, 303, "/prove?to=/privacy")


@pytest.mark.parametrize("path", ["/privacy/erase", "/privacy/copy"])
async def test_of_nobody_there_is_nothing_to_ask(client: httpx.AsyncClient, owner: given.Owner, path: str) -> None:
    await signed_in(client, owner, NAME, "care_lead")

    page = await posted(client, path, customer=4711, source="letter")

    count = await (await owner.execute("SELECT count(*) FROM actions.action")).fetchone()
    assert (page.status_code in (404, 409), count, "4711" in page.text) == (True, (0,), True)


async def test_the_proof_of_the_last_night_is_shown_for_each_rule(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "auditor")
    before = (await client.get("/privacy")).text

    await apply_rules(here.atlas, datetime.now(UTC))

    after = (await client.get("/privacy/list")).text
    assert (before.count("not yet"), after.count("not yet")) == (after.count("<tr>") - 1, 0)


async def test_an_auditor_looks_and_asks_for_nothing(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "auditor")

    page, answer = await client.get("/privacy"), await posted(client, "/privacy/erase", customer=1, source="letter")

    assert ("You may look." in page.text, answer.status_code) == (True, 403)


async def test_whom_it_does_not_concern_is_shown_no_such_room(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "noc_engineer")

    assert (await client.get("/privacy")).status_code == 403
    assert 'href="/privacy"' not in (await client.get("/incidents")).text
