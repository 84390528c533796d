"""Showing again who one is, in place: a ruling on money waits for it, and goes on by itself."""

import re
import uuid

import httpx
import pyotp
import pytest

from atlas.billing.records.compensation import Credit
from atlas.identity import CorrelationId, CustomerId, IncidentId, SubscriberId
from atlas.money import Money
from atlas.principal import executor
from forge.actions.billing.compensation import IssueCredits
from forge.propose import propose
from tests import given
from tests.web.authenticator import Authenticator
from tests.web.browsing import HERE, PASSWORD, Site, form_token, grown_stale, posted, signed_in
from tests.web.test_passkeys import added, asked
from tests.web.test_second_factor import enrolled

NAME = "Helen Brooks"


async def asked_for(here: Site, owner: given.Owner) -> int:
    """A credit of 30.00 to one customer, which waits for a billing lead."""
    customer = CustomerId(await given.customer(owner))
    line = SubscriberId(await given.subscriber(owner, customer, await given.device(owner, "olt-1")))
    arranged = await given.action(owner)
    cause = IncidentId(
        await given.row(
            owner,
            "itsm.incident",
            cause="feeder",
            is_outage=True,
            confidence=0.9,
            hypotheses={},
            first_alarm_at=given.NOW,
            correlation_id=uuid.uuid4(),
            action_id=arranged,
        )
    )
    await given.row(owner, "itsm.incident_subscriber", incident_id=cause, subscriber_id=line, lost_at=given.NOW, action_id=arranged)
    credit = IssueCredits(cause, (Credit(customer, line, Money("30.00"), "a day"),))
    waiting = await propose(here.forge, executor("playbook"), credit, reason="Monday's outage", correlation_id=CorrelationId(uuid.uuid4()))
    return int(waiting.action_id)


async def ruled(client: httpx.AsyncClient, action_id: int, **form: str) -> httpx.Response:
    """Pressed on the card, as it is shown."""
    page = await client.get("/approvals")
    digest = re.search(r'name="digest" value="([0-9a-f]+)"', page.text)
    assert digest is not None, page.text[:400]
    return await posted(client, f"/approvals/{action_id}", digest=digest[1], answer="approve", **form)


def carried_by(page: httpx.Response) -> dict[str, str]:
    """The hidden fields with which the page that asks goes on."""
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text.partition('action="/approvals/')[2]))
    assert found["answer"] == "approve", page.text
    return found


async def state_of(owner: given.Owner, action_id: int) -> str:
    row = await (await owner.execute("SELECT state FROM actions.action WHERE id = %s", (action_id,))).fetchone()
    return str(row[0]) if row else ""


async def test_a_ruling_on_money_from_a_fresh_sign_in_is_taken_at_once(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    action_id = await asked_for(here, owner)

    answer = await ruled(client, action_id, note="fair")

    assert (answer.status_code, await state_of(owner, action_id)) == (200, "approved")


async def test_a_ruling_on_money_waits_until_one_has_shown_who_one_is_and_then_goes_on(
    client: httpx.AsyncClient, here: Site, owner: given.Owner
) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    action_id = await asked_for(here, owner)
    await grown_stale(owner)

    page = await ruled(client, action_id, note="fair")
    held = await state_of(owner, action_id)
    await client.post(f"/approvals/{action_id}", data={**carried_by(page), "password": PASSWORD})

    assert ("Show that it is you" in page.text, held, await state_of(owner, action_id)) == (True, "waiting", "approved")
    (note,) = await (await owner.execute("SELECT note FROM actions.ruling")).fetchone() or ("",)
    assert note == "fair"


async def test_a_wrong_password_leaves_the_ruling_waiting(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    action_id = await asked_for(here, owner)
    await grown_stale(owner)

    answer = await ruled(client, action_id, password="a guess")

    assert (answer.status_code, await state_of(owner, action_id)) == (401, "waiting")


@pytest.mark.parametrize(("shows_the_code", "state"), [(True, "approved"), (False, "waiting")])
async def test_with_an_app_the_password_alone_rules_on_no_money(
    client: httpx.AsyncClient, here: Site, owner: given.Owner, shows_the_code: bool, state: str
) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    app, _ = await enrolled(client, here)
    action_id = await asked_for(here, owner)
    await grown_stale(owner)

    await ruled(client, action_id, password=PASSWORD, code=pyotp.TOTP(app.secret).at(here.clock.now()) if shows_the_code else "")

    assert await state_of(owner, action_id) == state


async def test_with_a_passkey_only_the_password_alone_rules_on_no_money_and_the_passkey_does(
    client: httpx.AsyncClient, here: Site, owner: given.Owner
) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    key = Authenticator(HERE)
    await added(client, key)
    action_id = await asked_for(here, owner)
    await grown_stale(owner)

    page = await ruled(client, action_id, password=PASSWORD)
    held = await state_of(owner, action_id)
    token = await form_token(client)
    question = await asked(client, "/prove/passkey", **{"X-Form-Token": token})
    shown = {"asked": question["asked"], "answer": key.shown(question["options"])}
    await client.post("/prove/passkey", data=shown, headers={"X-Form-Token": token})
    await ruled(client, action_id)

    assert (page.status_code, held, await state_of(owner, action_id)) == (401, "waiting", "approved")


async def test_browsers_are_signed_out_only_by_whoever_showed_lately_who_they_are(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    await grown_stale(owner)

    answer = await posted(client, "/account/sessions/end")

    assert (answer.status_code, answer.headers["location"]) == (303, "/prove?to=/account")


async def test_what_asks_for_a_doubt_to_be_settled_goes_back_to_that_room(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    await grown_stale(owner)

    answer = await posted(client, "/doubts/settle", reference="N-1", happened="yes", note="the carrier's page says so")

    assert answer.headers["location"] == "/prove?to=/doubts"
