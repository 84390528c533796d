"""Whoever left and has money to come is given it, by the way they paid; where there is no way, somebody is told why."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from atlas import principal
from atlas.billing.reads.books import broken_invariants
from atlas.billing.reads.documents import paper
from atlas.billing.reads.leavers import final_statements, owed_to_leavers, ways_back
from atlas.billing.records.leavers import OwedToLeaver, PartBack, WayBack
from atlas.billing.records.money_in import EventKind, MoneyEvent
from atlas.billing.rules.leavers import NothingOwedToThem, PayoutExceedsOwed, parts_of, why_it_waits
from atlas.billing.writes.money_in import hear
from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.identity import CustomerId, StaffId
from atlas.money import ZERO, Money
from atlas.principal import NotPermittedHere, executor, intake
from forge.actions.billing.leavers import IssueFinalStatements, PayBackLeaver, RecordPayout
from forge.invoices.documents import document
from forge.invoices.words import invoice_words
from forge.leavers import settle_with_leavers
from forge.matrix_in_force import write_in_force
from forge.propose import Forge, MatrixInForce, Proposed
from forge.register import Register
from forge.wording import LANGUAGES
from governance.matrix import SHIPPED, load
from tests import carried, given
from tests.asking import asking
from tests.billing.arranged import bill, one, owed, payment
from tests.billing.billed import billed, charged_line, drafted, plan
from tests.given import NOW, Owner, row
from tests.web import browsing
from tools.billing import leavers

TODAY = NOW.date()
FIRST = TODAY.replace(day=1) - timedelta(days=1)
BEGUN = FIRST.replace(day=1)
HELD = "SELECT count(*) FROM billing.invoice WHERE number IS NULL AND state = 'onHold'"


async def leaver(owner: Owner, method: str = "card", minor: int = 3000, days: int = 9, name: str = "Maya Patel") -> CustomerId:
    """Somebody who paid for a whole month, and left so many days into it: the rest of it is drafted in their favour."""
    found = await one(
        owner,
        "SELECT id FROM catalogue.offering_version WHERE offering_id = (SELECT id FROM catalogue.offering WHERE code = %s)",
        f"plan-{minor}",
    )
    version = found or await plan(owner, f"plan-{minor}", minor)
    customer, line, charge = await charged_line(owner, version, BEGUN, name=name)
    await billed(owner, BEGUN, customer)
    if method:
        bill_of = await one(owner, "SELECT total_net_minor + total_tax_minor FROM billing.invoice WHERE customer_id = %s", customer)
        await owner.execute(
            "SELECT billing.receive_payment(%s, %s, %s, %s, %s)", (customer, bill_of, NOW - timedelta(days=20), method, f"pi_{customer}")
        )
    await owner.execute("UPDATE billing.charge SET ends_on = %s WHERE id = %s", (BEGUN + timedelta(days=days), charge))
    await owner.execute("UPDATE crm.subscriber SET state = 'terminated' WHERE id = %s", (line,))
    await drafted(owner, BEGUN + timedelta(days=days + 1), customer)
    await owner.execute("UPDATE billing.bill_run SET state = 'done'")
    return CustomerId(customer)


async def settled_with(atlas: Atlas, owner: Owner) -> Sequence[Proposed]:
    matrix = load(SHIPPED)
    await write_in_force(owner, matrix)
    return await settle_with_leavers(Forge(atlas, Register.of_modules(), MatrixInForce(matrix), lambda: NOW, ZoneInfo("Europe/London")))


async def listed(atlas: Atlas) -> list[OwedToLeaver]:
    async with atlas.transaction(executor("test")) as conn:
        return await owed_to_leavers(conn, TODAY)


async def the_books_hold(atlas: Atlas) -> bool:
    async with atlas.transaction(executor("test")) as conn:
        return await broken_invariants(conn) == []


async def test_the_days_that_a_leaver_paid_for_go_back_to_their_card_the_same_night(atlas: Atlas, owner: Owner) -> None:
    customer = await leaver(owner)
    due = -await one(owner, "SELECT total_net_minor + total_tax_minor FROM billing.invoice WHERE number IS NULL")

    made = await settled_with(atlas, owner)

    errand = "SELECT arguments FROM actions.errand WHERE port = 'payments' AND operation = 'refund'"
    assert [one.state.value for one in made] == ["done", "done"]
    assert await one(owner, errand) == {"reference": f"pi_{customer}", "amount_minor": due}
    assert (await one(owner, HELD), await owed(owner, customer), await listed(atlas)) == (0, 0, [])
    assert await the_books_hold(atlas)


async def test_the_night_after_nothing_goes_back_a_second_time(atlas: Atlas, owner: Owner) -> None:
    await leaver(owner)
    await settled_with(atlas, owner)

    assert await settled_with(atlas, owner) == []
    assert await one(owner, "SELECT count(*) FROM actions.errand WHERE operation = 'refund'") == 1


async def test_a_final_statement_settles_what_a_leaver_still_owes_before_anything_goes_back(atlas: Atlas, owner: Owner) -> None:
    customer = await leaver(owner)
    due = -await one(owner, "SELECT total_net_minor + total_tax_minor FROM billing.invoice WHERE number IS NULL")
    await bill(owner, customer, BEGUN, {"Films": 500})

    await settled_with(atlas, owner)

    assert await one(owner, "SELECT (arguments ->> 'amount_minor')::int FROM actions.errand WHERE operation = 'refund'") == due - 500
    assert await owed(owner, customer) == 0
    assert await the_books_hold(atlas)


async def test_a_large_sum_waits_for_a_billing_lead_and_is_listed_as_such(atlas: Atlas, owner: Owner) -> None:
    customer = await leaver(owner, minor=30000)

    made = await settled_with(atlas, owner)

    (waiting,) = await listed(atlas)
    assert [one.state.value for one in made] == ["done", "waiting"]
    assert (waiting.customer_id, why_it_waits(waiting), waiting.action_id is not None) == (customer, "waits_for_approval", True)


@pytest.mark.parametrize(("method", "why"), [("cheque", "paid_over_the_counter"), ("", "never_paid")])
async def test_whoever_paid_by_no_way_that_leads_back_is_listed_with_the_reason(atlas: Atlas, owner: Owner, method: str, why: str) -> None:
    customer = await leaver(owner, method)
    if not method:
        statement = (
            "SELECT billing.post_credits('goodwill', ARRAY[%s]::bigint[], ARRAY[%s]::bigint[], ARRAY[9000::bigint], ARRAY['late'], %s)"
        )
        await owner.execute(statement, (customer, await one(owner, "SELECT id FROM crm.subscriber"), NOW))

    made = await settled_with(atlas, owner)

    (waiting,) = await listed(atlas)
    assert [one.state.value for one in made] == ["done"]
    assert (waiting.customer_id, why_it_waits(waiting), waiting.statement_id) == (customer, why, None)
    assert waiting.owed > ZERO


async def test_what_a_bank_took_back_is_no_way_and_no_payment_gives_back_more_than_it_brought(atlas: Atlas, owner: Owner) -> None:
    customer = await leaver(owner)
    await owner.execute("SELECT billing.return_payment(%s, %s, 'no funds')", (f"pi_{customer}", NOW))
    small = await payment(owner, customer, 100)

    async with atlas.transaction(executor("test")) as conn:
        ways = await ways_back(conn, customer)

    assert ways == [WayBack(small, Money("1.00"))]
    assert parts_of(Money("3.00"), ways) == (PartBack(small, Money("1.00"), Money("1.00")),)


async def test_a_transfer_that_a_person_made_is_kept_once_and_never_more_than_is_owed(atlas: Atlas, owner: Owner) -> None:
    customer = await leaver(owner, "cash")
    await settled_with(atlas, owner)
    (waiting,) = await listed(atlas)

    async with atlas.transaction(executor("test")) as conn:
        with pytest.raises(PayoutExceedsOwed):
            await RecordPayout.of(conn, customer, waiting.owed + Money("0.01"), "SEPA 1", TODAY, NOW)
        with pytest.raises(InvalidField, match="paid_on"):
            await RecordPayout.of(conn, customer, waiting.owed, "SEPA 1", TODAY + timedelta(days=1), NOW)
        order = await RecordPayout.of(conn, customer, waiting.owed, "SEPA 1", TODAY, NOW)
    await carried.out(atlas, order, NOW)

    assert (await owed(owner, customer), await listed(atlas)) == (0, [])
    assert await one(owner, "SELECT count(*) FROM actions.errand WHERE operation = 'refund'") == 0
    assert await the_books_hold(atlas)


async def test_who_is_still_served_or_has_an_order_on_its_way_has_not_left(atlas: Atlas, owner: Owner) -> None:
    customer = await leaver(owner)
    placed = {"kind": "add", "state": "inProgress", "customer_id": customer, "action_id": await given.action(owner)}
    order = await row(owner, "oms.product_order", **placed)

    assert await settled_with(atlas, owner) == []
    async with atlas.transaction(executor("test")) as conn:
        with pytest.raises(NothingOwedToThem):
            await PayBackLeaver.of(conn, customer, NOW)
    await owner.execute("UPDATE oms.product_order SET state = 'cancelled' WHERE id = %s", (order,))
    await owner.execute("UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'voluntary'")

    assert (await settled_with(atlas, owner), await one(owner, HELD)) == ([], 1)


async def test_a_bill_of_somebody_who_is_served_is_no_final_statement_whoever_orders_it(atlas: Atlas, owner: Owner) -> None:
    await leaver(owner)
    async with atlas.transaction(executor("test")) as conn:
        order = IssueFinalStatements(tuple(await final_statements(conn)))
    await owner.execute("UPDATE crm.subscriber SET state = 'active'")

    with pytest.raises(InvalidField, match="only a bill in favour of somebody who left"):
        await carried.out(atlas, order, NOW)
    assert await one(owner, HELD) == 1


async def test_a_last_bill_that_charges_something_twice_is_looked_at_first(atlas: Atlas, owner: Owner) -> None:
    await leaver(owner)
    await owner.execute("UPDATE billing.invoice SET anomalies = '{negative,duplicate}' WHERE number IS NULL")

    assert await settled_with(atlas, owner) == []
    assert [why_it_waits(each) for each in await listed(atlas)] == ["look_at_final_statement"]


async def test_nothing_goes_to_the_card_of_somebody_who_died(atlas: Atlas, owner: Owner) -> None:
    await leaver(owner)
    await owner.execute("UPDATE crm.customer SET state = 'deceased'")

    await settled_with(atlas, owner)

    assert [why_it_waits(each) for each in await listed(atlas)] == ["deceased"]


async def test_what_the_provider_says_went_back_to_a_leaver_agrees_with_the_books(atlas: Atlas, owner: Owner) -> None:
    customer = await leaver(owner)
    await settled_with(atlas, owner)
    amount = await one(owner, "SELECT (arguments ->> 'amount_minor')::int FROM actions.errand WHERE operation = 'refund'")

    async with atlas.transaction(intake("stripe")) as conn:
        events = [
            MoneyEvent("stripe", f"evt_{minor}", EventKind.REFUNDED, f"pi_{customer}", Money.of_minor(minor), "GBP", NOW, customer)
            for minor in (amount, amount + 1)
        ]
        heard = [await hear(conn, event) for event in events]
        back = MoneyEvent("stripe", "evt_back", EventKind.CHARGED_BACK, f"pi_{customer}", Money.of_minor(amount), "GBP", NOW, customer)
        taken = await hear(conn, back)

    assert [each.state for each in heard] == ["nothing_to_do", "parked"]
    assert (taken.state, "given back already" in taken.why) == ("parked", True)


async def test_a_payment_back_that_a_new_debt_overtook_pays_nothing(atlas: Atlas, owner: Owner) -> None:
    customer = await leaver(owner)
    async with atlas.transaction(executor("test")) as conn:
        statements = IssueFinalStatements(tuple(await final_statements(conn)))
    await carried.out(atlas, statements, NOW)
    async with atlas.transaction(executor("test")) as conn:
        order = await PayBackLeaver.of(conn, customer, NOW)
    await bill(owner, customer, date(2026, 1, 1), {"Box not given back": 9900})

    with pytest.raises(PayoutExceedsOwed):
        await carried.out(atlas, order, NOW)
    assert await one(owner, "SELECT count(*) FROM actions.errand WHERE operation = 'refund'") == 0


async def test_staff_ask_what_we_owe_to_leavers_and_have_it_issued_and_paid_and_a_customer_does_not(atlas: Atlas, owner: Owner) -> None:
    customer = await leaver(owner)
    helen = principal.staff(StaffId(await given.member(owner, "Helen Brooks", "billing_lead")), "Helen Brooks", frozenset())

    async with asking(atlas, helen) as (turn, proposed):
        (before,) = await leavers.owed_to_leavers(turn)
        await leavers.issue_final_statement(turn, customer)
    await carried.out(atlas, proposed[0], NOW)
    async with asking(atlas, helen) as (turn, proposed):
        (after,) = await leavers.owed_to_leavers(turn)
        await leavers.pay_back_leaver(turn, customer)
        await leavers.record_payout(turn, customer, after.owed, "SEPA 7")
    async with asking(atlas, principal.customer(customer)) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await leavers.owed_to_leavers(turn)

    assert (before.why, before.owed, before.statement) == ("final_statement_to_come", ZERO, after.owed)
    assert (after.why, [order.facts().money for order in proposed]) == ("", [after.owed, after.owed])


async def test_the_room_of_leaks_shows_what_we_owe_to_whoever_left_and_why_it_waits(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    customer = await leaver(owner, "cheque")
    await settled_with(atlas, owner)

    async with browsing.browser((await browsing.site(atlas, tmp_path)).app) as browser:
        await browsing.signed_in(browser, owner, "Nora Reed", "customer_care")
        page = (await browser.get("/leaks")).text

    shown = page[page.index("Owed to whoever left") :]
    assert all(words in shown for words in (f"/customers/{customer}", "they paid over the counter", "£"))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_final_statement_says_on_paper_that_nothing_is_to_be_paid_and_what_goes_back(
    atlas: Atlas, owner: Owner, language: str
) -> None:
    customer = await leaver(owner)
    await owner.execute("UPDATE crm.customer SET language = %s WHERE id = %s", (language, customer))
    await settled_with(atlas, owner)
    number = await one(owner, "SELECT max(number) FROM billing.invoice WHERE number IS NOT NULL")

    async with atlas.transaction(executor("test")) as conn:
        last = await paper(conn, number)
    words = invoice_words(language, last.head.currency)

    assert words.money(-last.total) in words.to_pay(last)
    assert words.title(last) != words["title"]
    assert (await document(atlas, number, "Harbour Broadband")).startswith(b"%PDF-")
