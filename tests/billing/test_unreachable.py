"""Who owes and heard nothing of it: they are never cut off, so somebody has to see them."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from atlas import principal
from atlas.billing.reads.dunning import owing_and_unreachable
from atlas.billing.records.dunning import Unreachable
from atlas.connection import Atlas
from atlas.identity import CustomerId, StaffId
from atlas.money import Money
from atlas.principal import NotPermittedHere, executor
from forge.dunning import chase
from forge.matrix_in_force import write_in_force
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.dunning import SHIPPED, load
from governance.matrix import SHIPPED as MATRIX_FILE
from governance.matrix import load as load_matrix
from tests import given
from tests.asking import asking
from tests.billing.arranged import bill, customer_with_line, one
from tests.given import NOW, Owner, row
from tests.web import browsing
from tests.web.browsing import signed_in
from tools.billing import debts

LADDER = load(SHIPPED)
TODAY = NOW.date()
LETTERS = ("reminder", "second-reminder", "final-notice")
WARNING = "told-from-when"
TO_BE_CUT_OFF = (
    "SELECT array_agg(DISTINCT (debt ->> 'customer_id')::bigint)"
    "  FROM actions.action, jsonb_array_elements(arguments -> 'debts') AS debt WHERE name = 'suspend_for_non_payment'"
)


async def in_debt(owner: Owner, days: int, phone: str | None = "+447700900001", **columns: object) -> CustomerId:
    """A customer whose one bill of 35.00 is so many days late, with this one contact."""
    customer, _ = await customer_with_line(owner, phone=phone, **columns)
    due = TODAY - timedelta(days=days)
    await bill(owner, customer, due.replace(day=1), {"Fibre 100": 3500}, due_on=due)
    return customer


async def taken(owner: Owner, customer: CustomerId, days: int, *steps: str, state: str | None = None) -> None:
    """These steps, each taken and recorded; with `state`, each with words that are in it."""
    due = TODAY - timedelta(days=days)
    for step in steps:
        action = await given.action(owner)
        columns = {"step": step, "oldest_due_on": due, "owed_minor": 3500, "taken_at": NOW - timedelta(days=9)}
        if step == WARNING:
            columns["announced_for"] = TODAY
        await row(owner, "billing.dunning_step", customer_id=customer, action_id=action, **columns)
        if state is not None:
            words = {"channel": "sms", "address": "+447700900001", "language": "en", "template": "reminder.en", "words": "pay"}
            key = f"{step}:{customer}"
            await row(owner, "helpdesk.notice", customer_id=customer, action_id=action, purpose="reminder", key=key, state=state, **words)


async def closed(owner: Owner, customer: CustomerId, *purposes: str) -> None:
    for purpose in purposes:
        given_or_not = {"purpose": purpose, "channel": "sms", "is_given": False, "source": "asked on the phone"}
        await row(owner, "crm.consent", customer_id=customer, **given_or_not)


async def listed(atlas: Atlas) -> list[Unreachable]:
    async with atlas.transaction(executor("test")) as conn:
        return await owing_and_unreachable(conn, LADDER, NOW)


async def chased_for_two_months(atlas: Atlas, owner: Owner) -> None:
    """Night after night; what is written arrives the same night, and somebody agrees to slow the lines down."""
    matrix = load_matrix(MATRIX_FILE)
    await write_in_force(owner, matrix)
    for night in range(60):
        now = NOW + timedelta(days=night)
        forge = Forge(atlas, Register.of_modules(), MatrixInForce(matrix), lambda at=now: at, ZoneInfo("Europe/London"))
        await chase(forge, LADDER)
        await owner.execute("UPDATE helpdesk.notice SET state = 'sent', sent_at = %s WHERE state = 'queued'", (now,))
        await owner.execute(
            "UPDATE crm.subscriber SET restricted_for = 'non_payment'"
            " WHERE EXISTS (SELECT FROM actions.action WHERE name = 'restrict_for_non_payment')"
        )


async def test_whoever_closed_every_channel_is_never_cut_off_and_is_listed(atlas: Atlas, owner: Owner) -> None:
    customer, told = await in_debt(owner, 2), await in_debt(owner, 2)
    await closed(owner, customer, "billing", "service")

    await chased_for_two_months(atlas, owner)
    async with atlas.transaction(executor("test")) as conn:
        (found,) = await owing_and_unreachable(conn, LADDER, NOW + timedelta(days=60))

    assert await one(owner, TO_BE_CUT_OFF) == [told]
    assert (found.customer_id, found.step, found.why, found.channels) == (customer, WARNING, "consent_withdrawn", ("sms",))
    assert (found.owed, found.oldest_due_on, found.stops_cutting_off) == (Money("35.00"), TODAY - timedelta(days=2), True)


async def test_whoever_has_no_address_is_listed_from_the_day_of_the_first_letter(atlas: Atlas, owner: Owner) -> None:
    due = await in_debt(owner, 3, phone=None)
    await in_debt(owner, 2, phone=None)

    found = await listed(atlas)

    assert [(each.customer_id, each.step, each.why, each.stops_cutting_off) for each in found] == [(due, "reminder", "no_address", False)]


async def test_whoever_wants_no_bills_but_can_be_warned_of_their_line_is_listed_until_the_warning(atlas: Atlas, owner: Owner) -> None:
    early, warned = await in_debt(owner, 15), await in_debt(owner, 28)
    for customer, days, steps in ((early, 15, LETTERS[:1]), (warned, 28, LETTERS)):
        await closed(owner, customer, "billing")
        await taken(owner, customer, days, *steps)

    found = await listed(atlas)

    assert [(each.customer_id, each.step) for each in found] == [(early, "second-reminder")]


@pytest.mark.parametrize("state", ["queued", "sent", "delivered", "in_doubt"])
async def test_whoever_was_told_or_is_about_to_be_is_not_listed(atlas: Atlas, owner: Owner, state: str) -> None:
    customer = await in_debt(owner, 40)
    await taken(owner, customer, 40, *LETTERS, WARNING, state=state)
    await closed(owner, customer, "billing", "service")

    assert await listed(atlas) == []


async def test_whoever_no_word_arrived_at_is_listed_though_their_channel_is_open(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner, 40)
    await taken(owner, customer, 40, *LETTERS, WARNING, state="failed")

    (found,) = await listed(atlas)

    assert (found.step, found.why, found.channels) == (WARNING, "not_delivered", ("sms",))


async def test_a_warning_that_found_nobody_is_listed_until_it_is_said_again(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner, 40)
    await taken(owner, customer, 40, *LETTERS, WARNING)

    (found,) = await listed(atlas)

    assert (found.why, found.stops_cutting_off) == ("was_unreachable", True)


async def test_a_letter_that_found_nobody_is_made_good_by_the_next_one(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner, 10)
    await taken(owner, customer, 10, "reminder")

    assert await listed(atlas) == []


async def test_whoever_is_no_longer_a_customer_and_owes_is_listed_as_such(atlas: Atlas, owner: Owner) -> None:
    await in_debt(owner, 5, state="former")

    assert [each.why for each in await listed(atlas)] == ["not_a_customer"]


async def test_whoever_died_or_promised_a_day_is_not_listed_for_nothing_is_to_be_said(atlas: Atlas, owner: Owner) -> None:
    await in_debt(owner, 20, phone=None, state="deceased")
    promised = await in_debt(owner, 20, phone=None)
    action = await given.action(owner)
    promise = {"amount_minor": 3500, "due_on": TODAY, "made_at": NOW, "action_id": action}
    await row(owner, "billing.promise_to_pay", customer_id=promised, **promise)

    assert await listed(atlas) == []


async def test_whoever_is_never_cut_off_is_listed_for_a_letter_and_not_for_the_warning(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner, 40, phone=None, is_vulnerable=True)
    await taken(owner, customer, 40, *LETTERS, WARNING)

    assert [(each.step, each.stops_cutting_off) for each in await listed(atlas)] == [("final-notice", False)]


async def test_what_is_in_dispute_is_left_out_of_what_is_owed_and_the_largest_debt_stands_first(atlas: Atlas, owner: Owner) -> None:
    less, more = await in_debt(owner, 5, phone=None), await in_debt(owner, 5, phone=None)
    invoice = await one(owner, "SELECT id FROM billing.invoice WHERE customer_id = %s", less)
    columns = {"invoice_id": invoice, "label": "Fibre 100", "amount_minor": 1000, "reason": "never ordered", "opened_at": NOW}
    await row(owner, "billing.dispute", customer_id=less, action_id=await given.action(owner), **columns)

    assert [(each.customer_id, each.owed) for each in await listed(atlas)] == [(more, Money("35.00")), (less, Money("25.00"))]


async def test_staff_ask_who_owes_and_cannot_be_told_and_a_customer_does_not(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner, 5, phone=None)
    helen = principal.staff(StaffId(await given.member(owner, "Helen Brooks", "billing_lead")), "Helen Brooks", frozenset())

    async with asking(atlas, helen) as (turn, _):
        found = await debts.owing_and_unreachable(turn)
    async with asking(atlas, principal.customer(customer)) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await debts.owing_and_unreachable(turn)

    assert [(each.name, each.why) for each in found] == [("Maya Patel", "no_address")]


@pytest.fixture
async def browser(atlas: Atlas, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing.browser((await browsing.site(atlas, tmp_path)).app) as client:
        yield client


async def test_the_room_of_leaks_shows_who_owes_and_cannot_be_told(browser: httpx.AsyncClient, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner, phone="+447700900001")
    await bill(owner, customer, date(2026, 1, 1), {"Fibre 100": 3500})
    await closed(owner, customer, "billing")
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    page = (await browser.get("/leaks")).text

    shown = page[page.index("Owing, and cannot be told") :]
    assert all(words in shown for words in (f"/customers/{customer}", "2026-01-15", "reminder", "consent withdrawn for sms", "£35.00"))


async def test_where_everybody_was_told_the_room_of_leaks_says_so(browser: httpx.AsyncClient, owner: Owner) -> None:
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    assert "Everybody who owes was told" in (await browser.get("/leaks")).text
