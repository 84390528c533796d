from datetime import date, timedelta

import pytest

from atlas import principal
from atlas.billing.records.compensation import CreditKind
from atlas.billing.rules.comparison import NothingToCompare
from atlas.billing.rules.compensation import NothingToCredit
from atlas.connection import Atlas
from atlas.errors import NotFound
from atlas.identity import CustomerId, StaffId
from atlas.money import Money
from atlas.principal import NotPermittedHere
from forge.actions.billing.compensation import IssueCredits, RequestCredit
from tests import carried
from tests.asking import asking
from tests.billing.arranged import bill, customer_with_line, outage, payment
from tests.billing.arranged import compensation as rates
from tests.billing.billed import billed as run_billed
from tests.billing.billed import charged_line, plan
from tests.given import NOW, Owner, member
from tools.billing import bills, compensation, debts

JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)


async def billed(owner: Owner, customer: int) -> None:
    """February with a plan alone, March with calls on top, and a draft of April."""
    await bill(owner, customer, JANUARY, {"Fibre 100": 2800})
    await bill(owner, customer, FEBRUARY, {"Fibre 100": 3000})
    await bill(owner, customer, MARCH, {"Fibre 100": 3000, "International calls": 620})
    await bill(owner, customer, date(2026, 4, 1), {"Fibre 100": 9900}, issued_at=None)


async def staff(owner: Owner) -> principal.Principal:
    return principal.staff(StaffId(await member(owner, "Ada Lead", "billing_lead")), "Ada Lead", frozenset({principal.Role.BILLING_LEAD}))


async def test_a_dearer_bill_is_explained_by_the_line_that_rose(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await billed(owner, customer)

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        found = await bills.explain_bill_change(turn)

    assert [(change.label, change.amount) for change in found.changes] == [("International calls", Money("6.20"))]


async def test_with_no_months_named_the_two_latest_issued_bills_are_compared(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await billed(owner, customer)

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        found = await bills.explain_bill_change(turn)

    assert (found.before, found.after, found.total_before, found.total_after) == (FEBRUARY, MARCH, Money("30.00"), Money("36.20"))


async def test_any_two_months_may_be_compared_and_any_day_names_its_month(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await billed(owner, customer)

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        found = await bills.explain_bill_change(turn, before=date(2026, 1, 17), after=MARCH)

    assert (found.before, found.difference) == (JANUARY, Money("8.20"))


async def test_a_month_without_a_bill_is_said_to_have_none(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await billed(owner, customer)

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        with pytest.raises(NotFound, match="2026-04"):
            await bills.explain_bill_change(turn, after=date(2026, 4, 1))


async def test_one_bill_alone_cannot_be_compared(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await bill(owner, customer, MARCH, {"Fibre 100": 3000})

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        with pytest.raises(NothingToCompare):
            await bills.explain_bill_change(turn)


async def test_tax_is_part_of_what_a_line_cost(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await bill(owner, customer, FEBRUARY, {"Fibre 100": 3000})
    await bill(owner, customer, MARCH, {"Fibre 100": 3000, "International calls": 620}, tax={"International calls": 124})

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        found = await bills.explain_bill_change(turn)

    assert found.changes[0].amount == Money("7.44")


async def test_nobody_sees_the_bill_of_somebody_else(atlas: Atlas, owner: Owner) -> None:
    (maya, _), (omar, _) = await customer_with_line(owner), await customer_with_line(owner, "Omar Haddad")
    await billed(owner, omar)

    async with asking(atlas, principal.customer(maya)) as (turn, _):
        with pytest.raises(NothingToCompare):
            await bills.explain_bill_change(turn)


async def test_even_naming_another_customer_shows_a_customer_nothing(atlas: Atlas, owner: Owner) -> None:
    (maya, _), (omar, _) = await customer_with_line(owner), await customer_with_line(owner, "Omar Haddad")
    await billed(owner, omar)

    async with asking(atlas, principal.customer(maya)) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await bills.balance_of(turn, omar)


async def test_the_latest_bill_is_the_last_one_issued_with_its_lines(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await billed(owner, customer)

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        found = await bills.latest_bill(turn)

    assert (found.invoice.month, found.invoice.total, [line.label for line in found.lines]) == (
        MARCH,
        Money("36.20"),
        ["Fibre 100", "International calls"],
    )


async def test_the_balance_is_what_was_billed_less_what_was_paid(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await billed(owner, customer)
    await payment(owner, customer, 2800)

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        found = await bills.balance(turn)

    assert (found.owed, found.overdue, found.last_payment) == (Money("66.20"), Money("30.00"), Money("28.00"))


async def test_a_customer_who_asks_for_a_credit_gets_what_the_outage_gives_a_right_to(atlas: Atlas, owner: Owner) -> None:
    await rates(owner, flat_minor=500)
    (maya, hers), (_, other) = await customer_with_line(owner), await customer_with_line(owner, "Omar Haddad")
    incident = await outage(owner, hers, other)

    async with asking(atlas, principal.customer(maya)) as (turn, proposed):
        answered = await compensation.request_credit(turn)

    assert answered.reference == "A-1"
    (action,) = proposed
    assert isinstance(action, RequestCredit)
    assert (action.customer_id, action.cause, [(credit.subscriber_id, credit.amount) for credit in action.credits]) == (
        maya,
        incident,
        [(hers, Money("5.00"))],
    )


async def test_without_an_outage_no_credit_is_asked_for(atlas: Atlas, owner: Owner) -> None:
    await rates(owner)
    customer, line = await customer_with_line(owner)
    await outage(owner, line, lost_at=NOW - timedelta(days=40))

    async with asking(atlas, principal.customer(customer)) as (turn, proposed):
        with pytest.raises(NothingToCredit):
            await compensation.request_credit(turn)

    assert proposed == []


async def test_an_outage_that_was_credited_is_not_credited_again_on_request(atlas: Atlas, owner: Owner) -> None:
    await rates(owner, share="0")
    customer, line = await customer_with_line(owner)
    incident = await outage(owner, line)
    async with atlas.transaction(principal.executor("test")) as conn:
        due = await IssueCredits.due_for(conn, incident, CreditKind.GOODWILL, NOW)
    await carried.out(atlas, due, NOW)

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        with pytest.raises(NothingToCredit):
            await compensation.request_credit(turn)


async def test_a_customer_sees_the_credits_they_were_given(atlas: Atlas, owner: Owner) -> None:
    await rates(owner, flat_minor=500)
    customer, line = await customer_with_line(owner)
    incident = await outage(owner, line)
    async with atlas.transaction(principal.executor("test")) as conn:
        due = await IssueCredits.due_for(conn, incident, CreditKind.GOODWILL, NOW)
    await carried.out(atlas, due, NOW)

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        found = await compensation.my_credits(turn)

    assert [(credit.cause, credit.amount, credit.formula) for credit in found] == [
        (f"incident:{incident}", Money("5.00"), "5.00 for the outage")
    ]


async def test_staff_see_who_owes_most_by_age(atlas: Atlas, owner: Owner) -> None:
    maya, _ = await customer_with_line(owner)
    await billed(owner, maya)

    async with asking(atlas, await staff(owner)) as (turn, _):
        found = await debts.aged_debt(turn)

    assert [(debt.name, debt.days_1_to_30, debt.days_31_to_60, debt.total) for debt in found] == [
        ("Maya Patel", Money("30.00"), Money("28.00"), Money("58.00"))
    ]


async def test_aged_debt_is_for_staff_only(atlas: Atlas) -> None:
    async with asking(atlas, principal.customer(CustomerId(1))) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await debts.aged_debt(turn)


async def test_a_line_is_explained_by_its_days_and_its_price(atlas: Atlas, owner: Owner) -> None:
    customer, _, _ = await charged_line(owner, await plan(owner, "p", 3000), date(2026, 4, 16))
    await run_billed(owner, date(2026, 4, 16), customer)

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        (line,) = await bills.explain_invoice_line(turn, label="p")
        with pytest.raises(NotFound):
            await bills.explain_invoice_line(turn, label="something else")

    assert (line.net, line.tax, line.days, line.of_days, line.price) == (Money("15.00"), Money("3.00"), 15, 30, Money("30.00"))
