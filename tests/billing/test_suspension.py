from datetime import timedelta
from typing import Any

import pytest

from atlas.billing.rules.debts import PaymentArrived, ProtectedFromDisconnection
from atlas.billing.rules.dunning import NotTold
from atlas.connection import Atlas
from atlas.identity import CustomerId
from atlas.money import Money
from atlas.principal import executor
from forge.actions.billing.suspension import SuspendForNonPayment
from tests import carried
from tests.billing.arranged import bill, customer_with_line, payment, told_from_when
from tests.given import NOW, Owner

LONG_AGO = (NOW - timedelta(days=70)).date().replace(day=1)


async def in_debt(owner: Owner, **columns: Any) -> CustomerId:
    customer, _ = await customer_with_line(owner, **columns)
    await bill(owner, customer, LONG_AGO, {"Fibre 100": 3000})
    await told_from_when(owner, customer, LONG_AGO + timedelta(days=14))
    return customer


async def suspension(atlas: Atlas) -> SuspendForNonPayment:
    async with atlas.transaction(executor("test")) as conn:
        return await SuspendForNonPayment.due(conn, NOW)


async def states(owner: Owner) -> list[tuple[str, str | None]]:
    return await (await owner.execute("SELECT state, suspended_for FROM crm.subscriber ORDER BY id")).fetchall()


async def test_nobody_is_cut_off_who_was_not_told_from_when(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await bill(owner, customer, LONG_AGO, {"Fibre 100": 3000})
    told = await in_debt(owner)

    assert [debt.customer_id for debt in (await suspension(atlas)).debts] == [told]


@pytest.mark.parametrize("undone", ["state = 'failed'", "state = 'queued', sent_at = NULL", "sent_at = sent_at + interval '5 days'"])
async def test_words_that_never_arrived_or_came_late_are_no_notice(atlas: Atlas, owner: Owner, undone: str) -> None:
    await in_debt(owner)
    action = await suspension(atlas)
    await owner.execute(f"UPDATE helpdesk.notice SET {undone}".encode())  # noqa: S608 - from the list above

    with pytest.raises(NotTold):
        await carried.out(atlas, action, NOW)
    async with atlas.transaction(executor("test")) as conn:
        assert (await action.refreshed(conn, NOW)).debts == ()
    assert await states(owner) == [("active", None)]


async def test_what_was_told_of_an_older_debt_is_no_notice_for_a_new_one(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner)
    await bill(owner, customer, LONG_AGO, {"Fibre 100": 3000}, due_on=LONG_AGO + timedelta(days=20))
    await payment(owner, customer, 3000)

    assert (await suspension(atlas)).debts == ()


async def test_a_debt_that_was_asked_for_and_not_paid_is_cut_off(atlas: Atlas, owner: Owner) -> None:
    await in_debt(owner)

    outcome = await carried.out(atlas, await suspension(atlas), NOW)

    assert (outcome, await states(owner)) == ({"customers": 1, "lines_suspended": 1, "owed": "30.00"}, [("suspended", "non_payment")])


async def test_cutting_off_is_judged_as_a_disconnection_with_the_money_owed(atlas: Atlas, owner: Owner) -> None:
    await in_debt(owner)

    facts = (await suspension(atlas)).facts()

    assert (facts.is_disconnection, facts.money, facts.customers, facts.is_protected) == (True, Money("30.00"), 1, False)


async def test_nobody_whom_something_protects_is_proposed_for_cutting_off(atlas: Atlas, owner: Owner) -> None:
    await in_debt(owner, is_vulnerable=True)
    await in_debt(owner, has_emergency_line=True)
    await in_debt(owner, state="deceased")
    disputed = await in_debt(owner)
    await owner.execute("UPDATE billing.invoice SET is_disputed = true WHERE customer_id = %s", (disputed,))

    assert (await suspension(atlas)).debts == ()


async def test_a_payment_that_arrived_since_the_approval_stops_the_cutting_off(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner)
    action = await suspension(atlas)
    await payment(owner, customer, 3000)

    with pytest.raises(PaymentArrived):
        await carried.out(atlas, action, NOW)

    assert await states(owner) == [("active", None)]


async def test_somebody_found_to_be_vulnerable_since_the_approval_is_not_cut_off(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner)
    action = await suspension(atlas)
    await owner.execute("UPDATE crm.customer SET is_vulnerable = true WHERE id = %s", (customer,))

    with pytest.raises(ProtectedFromDisconnection):
        await carried.out(atlas, action, NOW)

    assert await states(owner) == [("active", None)]


async def test_whoever_paid_is_left_out_when_the_facts_are_taken_again(atlas: Atlas, owner: Owner) -> None:
    paid, still_owing = await in_debt(owner), await in_debt(owner)
    action = await suspension(atlas)
    await payment(owner, paid, 3000)

    async with atlas.transaction(executor("test")) as conn:
        refreshed = await action.refreshed(conn, NOW)

    assert [debt.customer_id for debt in refreshed.debts] == [still_owing]


async def test_a_payment_settles_the_oldest_bill_first(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner)
    await bill(owner, customer, NOW.date().replace(day=1), {"Fibre 100": 3000})
    await payment(owner, customer, 3000)

    assert (await suspension(atlas)).debts == ()


async def test_a_part_payment_leaves_the_rest_of_the_oldest_bill_open(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner)
    await payment(owner, customer, 1000)

    action = await suspension(atlas)

    assert [debt.owed for debt in action.debts] == [Money("20.00")]
