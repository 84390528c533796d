"""The rooms where something is stopped, tried out, explained and settled."""

import httpx
import pytest

from governance.matrix import SHIPPED
from tests import given
from tests.web.browsing import Site, posted, signed_in

NAME = "Asha Patel"


async def test_anybody_who_works_here_stops_and_a_lead_lets_run_again(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "noc_lead")

    stopped = await posted(client, "/switches/stop", scope="channel", name="sms", reason="the carrier sends everything twice")
    released = await posted(client, "/switches/release", scope="channel", name="sms", reason="they mended it")

    assert ("the carrier sends everything twice" in stopped.text, "Running again: the channel sms." in released.text) == (True, True)


async def test_somebody_without_that_role_lets_nothing_run_again(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "customer_care")
    await posted(client, "/switches/stop", scope="action", name="issue_credits", reason="a wrong price list")

    answer = await posted(client, "/switches/release", scope="action", name="issue_credits", reason="I think it is fine")

    (is_on,) = await (await owner.execute("SELECT is_on FROM actions.kill_switch")).fetchone() or (None,)
    assert (answer.status_code, is_on) == (403, True)


@pytest.mark.parametrize("form", [{"scope": "house"}, {"name": "'; DROP"}, {"reason": ""}])
async def test_a_switch_that_is_none_is_not_moved(client: httpx.AsyncClient, owner: given.Owner, form: dict[str, str]) -> None:
    await signed_in(client, owner, NAME, "noc_lead")

    answer = await posted(client, "/switches/stop", **{"scope": "action", "name": "issue_credits", "reason": "because", **form})

    assert answer.status_code == 422
    assert await (await owner.execute("SELECT 1 FROM actions.kill_switch")).fetchone() is None


async def test_an_edit_of_the_matrix_shows_which_decisions_it_changes(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "operations_director")
    edited = SHIPPED.read_text().replace("rule: one-crew\n", "rule: one-crew-alone\n", 1)

    same, other = await posted(client, "/matrix/compare", text=SHIPPED.read_text()), await posted(client, "/matrix/compare", text=edited)

    assert [("No decision changes." in page.text, page.status_code) for page in (same, other)] == [(True, 200), (True, 200)]


async def test_a_matrix_that_would_not_load_says_where(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "operations_director")

    answer = await posted(client, "/matrix/compare", text="quiet_hours: [")

    assert (answer.status_code, "would not load" in answer.text) == (422, True)


async def test_an_action_is_explained_with_its_trail(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "auditor")
    action_id = await given.action(owner)

    page, found = await client.get(f"/actions/{action_id}"), await client.get("/actions", params={"q": f"a-{action_id}"})

    assert ("arranged by a test" in page.text, f"A-{action_id}" in found.text) == (True, True)


async def test_what_a_model_said_is_shown_as_text(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "auditor")
    action_id = await given.action(owner)
    await owner.execute("UPDATE actions.action SET reason = '<img src=x onerror=alert(1)>'")

    page = await client.get(f"/actions/{action_id}")

    assert ("<img src=x" in page.text, "&lt;img src=x" in page.text) == (False, True)


async def test_nothing_in_doubt_is_said_so(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "noc_lead")

    page = await client.get("/doubts")

    assert ("Nothing is in doubt." in page.text, "Nothing was given up." in page.text) == (True, True)


async def test_a_doubt_that_is_none_is_not_settled(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "noc_lead", "operations_director")

    answer = await posted(client, "/doubts/settle", reference="N-404", happened="yes", note="the carrier's page says so")

    assert answer.status_code == 409
