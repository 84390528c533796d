"""What a customer, and what staff, may ask of money that comes in, debts and disputes: each as the door knows them."""

from datetime import date, timedelta

import pytest

from atlas import principal
from atlas.billing.rules.dunning import ChargeUnknown
from atlas.billing.rules.money_in import NothingToPay, RefundExceedsPayment
from atlas.connection import Atlas
from atlas.identity import CustomerId, StaffId
from atlas.money import Money
from atlas.principal import Assurance, NotPermittedHere, Role
from forge.actions.billing.dunning import OpenDispute, TakePromiseToPay
from forge.actions.billing.money_in import RequestPaymentLink
from tests.asking import asking
from tests.billing.arranged import bill, customer_with_line, payment
from tests.given import NOW, Owner, member
from tools.billing import money
from tools.turn import NotSureEnough


async def in_debt(owner: Owner) -> CustomerId:
    customer, _ = await customer_with_line(owner)
    await bill(owner, customer, date(2026, 1, 1), {"Fibre 100": 3000, "Films": 500})
    return customer


async def staff(owner: Owner) -> principal.Principal:
    return principal.staff(StaffId(await member(owner, "Bill Lead", "billing_lead")), "Bill Lead", frozenset({Role.BILLING_LEAD}))


async def test_whoever_is_cut_off_is_told_for_which_debt_and_since_when(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner)
    await owner.execute("UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'non_payment'")

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        why = await money.why_suspended(turn)

    assert (why.state, why.reason, why.overdue, why.oldest_due_on) == ("suspended", "non_payment", Money("35.00"), date(2026, 1, 15))


async def test_a_promise_a_link_and_a_dispute_are_proposed_for_the_customer_who_asks(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner)

    async with asking(atlas, principal.customer(customer)) as (turn, proposed):
        await money.promise_to_pay(turn, NOW.date() + timedelta(days=7))
        await money.request_payment_link(turn)
        await money.dispute_charge(turn, "films")

    assert [type(action) for action in proposed] == [TakePromiseToPay, RequestPaymentLink, OpenDispute]
    assert {action.for_customer for action in proposed} == {customer}


async def test_the_charge_of_somebody_else_cannot_be_disputed(atlas: Atlas, owner: Owner) -> None:
    await in_debt(owner)
    other, _ = await customer_with_line(owner, "Omar Haddad")

    async with asking(atlas, principal.customer(other)) as (turn, _):
        with pytest.raises(ChargeUnknown):
            await money.dispute_charge(turn, "Films")


async def test_whoever_owes_nothing_is_made_no_link(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        with pytest.raises(NothingToPay):
            await money.request_payment_link(turn)


async def test_a_number_on_file_alone_is_told_nothing_of_debts(atlas: Atlas, owner: Owner) -> None:
    async with asking(atlas, principal.customer(await in_debt(owner)), level=Assurance.ADDRESS_ON_FILE) as (turn, _):
        with pytest.raises(NotSureEnough):
            await money.why_suspended(turn)


async def test_no_more_is_given_back_than_no_debt_has_used(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner)
    await payment(owner, customer, 4000)

    async with asking(atlas, await staff(owner)) as (turn, proposed):
        with pytest.raises(RefundExceedsPayment):
            await money.refund_payment(turn, customer, Money("5.01"))
        await money.refund_payment(turn, customer, Money("5.00"))

    assert [action.facts().money for action in proposed] == [Money("5.00")]


@pytest.mark.parametrize("tool", [money.money_parked, money.leak_totals, money.show_leaks])
async def test_a_customer_sees_nothing_of_the_house(atlas: Atlas, owner: Owner, tool: object) -> None:
    async with asking(atlas, principal.customer(await in_debt(owner))) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await tool(turn)  # type: ignore[operator]
