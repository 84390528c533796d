from dataclasses import replace
from datetime import timedelta

import pytest

from atlas.connection import Atlas
from atlas.identity import CustomerId, OrderId
from atlas.money import ZERO, Money
from atlas.oms.reads import order_of, orders_of, plan_changes
from atlas.oms.records import Order, OrderState
from atlas.oms.rules import IllegalTransition, OfferChanged, OrderOpen, PlanUnavailable
from atlas.principal import executor
from forge.actions.oms.plans import CancelOrder, RequestPlanChange
from tests import carried, given
from tests.billing.arranged import customer_with_line
from tests.given import NOW, Owner


async def wish(atlas: Atlas, customer: CustomerId, code: str = "fibre-900") -> RequestPlanChange:
    async with atlas.transaction(executor("test")) as conn:
        (change,) = await plan_changes(conn, customer, code, NOW.date())
    return RequestPlanChange.of(change, NOW.date())


async def customer_who_could_have_more(owner: Owner) -> CustomerId:
    customer, _ = await customer_with_line(owner)
    await given.offering(owner, "fibre-900", 4500)
    return customer


async def orders(atlas: Atlas, customer: CustomerId) -> list[Order]:
    async with atlas.transaction(executor("test")) as conn:
        return await orders_of(conn, customer)


async def test_a_plan_change_is_an_order_that_says_from_what_to_what(atlas: Atlas, owner: Owner) -> None:
    customer = await customer_who_could_have_more(owner)

    outcome = await carried.out(atlas, await wish(atlas, customer), NOW)

    (order,) = await orders(atlas, customer)
    assert (outcome["order"], order.kind, order.state, order.plan, order.last_reason) == (
        order.id,
        "modify",
        OrderState.ACKNOWLEDGED,
        "fibre-900",
        "fibre-100 to fibre-900",
    )


async def test_an_order_changes_nothing_at_the_line_yet(atlas: Atlas, owner: Owner) -> None:
    customer = await customer_who_could_have_more(owner)

    await carried.out(atlas, await wish(atlas, customer), NOW)

    async with atlas.transaction(executor("test")) as conn:
        assert (await plan_changes(conn, customer, "fibre-900", NOW.date()))[0].plan_before == "fibre-100"


async def test_the_order_of_a_suspended_line_is_held(atlas: Atlas, owner: Owner) -> None:
    customer = await customer_who_could_have_more(owner)
    await owner.execute("UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'non_payment'")

    outcome = await carried.out(atlas, await wish(atlas, customer), NOW)

    assert outcome["state"] == "held"


async def test_a_plan_change_is_judged_by_how_much_dearer_a_month_becomes(atlas: Atlas, owner: Owner) -> None:
    customer = await customer_who_could_have_more(owner)

    facts = (await wish(atlas, customer)).facts()

    assert (facts.money, facts.customers) == (Money("15.00"), 1)


async def test_a_cheaper_plan_costs_nothing_more(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await given.offering(owner, "fibre-50", 2000)

    assert (await wish(atlas, customer, "fibre-50")).facts().money == ZERO


async def test_the_same_wish_twice_is_one_operation(atlas: Atlas, owner: Owner) -> None:
    customer = await customer_who_could_have_more(owner)

    first, second = await wish(atlas, customer), await wish(atlas, customer)

    assert first.operation_key == second.operation_key


async def test_a_wish_after_a_withdrawn_order_is_another_operation(atlas: Atlas, owner: Owner) -> None:
    customer = await customer_who_could_have_more(owner)
    first = await wish(atlas, customer)
    outcome = await carried.out(atlas, first, NOW)
    await carried.out(atlas, CancelOrder(customer, OrderId(outcome["order"]), NOW, "changed their mind"), NOW)

    assert (await wish(atlas, customer)).operation_key != first.operation_key


async def test_a_second_order_for_the_line_is_refused_while_one_is_open(atlas: Atlas, owner: Owner) -> None:
    customer = await customer_who_could_have_more(owner)
    action = await wish(atlas, customer)
    await carried.out(atlas, action, NOW)

    with pytest.raises(OrderOpen):
        await carried.out(atlas, action, NOW)

    assert len(await orders(atlas, customer)) == 1


async def test_a_price_that_moved_since_it_was_named_needs_consent_anew(atlas: Atlas, owner: Owner) -> None:
    customer = await customer_who_could_have_more(owner)
    action = await wish(atlas, customer)
    await given.repriced(owner, "fibre-900", 4600)

    with pytest.raises(OfferChanged):
        await carried.out(atlas, action, NOW)


async def test_an_offering_retired_between_wish_and_order_is_not_ordered(atlas: Atlas, owner: Owner) -> None:
    customer = await customer_who_could_have_more(owner)
    action = await wish(atlas, customer)
    await owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'retired' WHERE code = 'fibre-900'")

    with pytest.raises(PlanUnavailable):
        await carried.out(atlas, action, NOW)


async def test_a_price_that_moved_changes_the_facts_that_are_judged(atlas: Atlas, owner: Owner) -> None:
    customer = await customer_who_could_have_more(owner)
    action = await wish(atlas, customer)
    await given.repriced(owner, "fibre-900", 9900)

    async with atlas.transaction(executor("test")) as conn:
        refreshed = await action.refreshed(conn, NOW)

    assert refreshed.facts().money == Money("69.00")


async def ordered(atlas: Atlas, owner: Owner) -> Order:
    customer = await customer_who_could_have_more(owner)
    await carried.out(atlas, await wish(atlas, customer), NOW)
    (order,) = await orders(atlas, customer)
    return order


async def test_an_order_may_be_withdrawn_before_anybody_works_on_it(atlas: Atlas, owner: Owner) -> None:
    order = await ordered(atlas, owner)

    await carried.out(atlas, CancelOrder(order.customer_id, order.id, NOW, "changed my mind"), NOW + timedelta(hours=1))

    (found,) = await orders(atlas, order.customer_id)
    assert (found.state, found.last_reason) == (OrderState.CANCELLED, "changed my mind")


async def test_once_work_began_the_withdrawal_is_assessed(atlas: Atlas, owner: Owner) -> None:
    order = await ordered(atlas, owner)
    await owner.execute("UPDATE oms.product_order SET state = 'inProgress'")

    outcome = await carried.out(atlas, CancelOrder(order.customer_id, order.id, NOW, "changed my mind"), NOW)

    assert outcome["state"] == "assessingCancellation"


async def test_a_completed_order_cannot_be_withdrawn(atlas: Atlas, owner: Owner) -> None:
    order = await ordered(atlas, owner)
    await owner.execute("UPDATE oms.product_order SET state = 'completed'")

    with pytest.raises(IllegalTransition):
        await carried.out(atlas, CancelOrder(order.customer_id, order.id, NOW, "changed my mind"), NOW)


async def test_every_state_of_an_order_leaves_an_event_with_its_action(atlas: Atlas, owner: Owner) -> None:
    order = await ordered(atlas, owner)
    await carried.out(atlas, CancelOrder(order.customer_id, order.id, NOW, "changed my mind"), NOW)

    events = await (
        await owner.execute("SELECT e.state, a.name FROM oms.order_event e JOIN actions.action a ON a.id = e.action_id ORDER BY e.id")
    ).fetchall()

    assert events == [("acknowledged", "request_plan_change"), ("cancelled", "cancel_order")]


async def test_an_order_of_somebody_else_is_not_there(atlas: Atlas, owner: Owner) -> None:
    order = await ordered(atlas, owner)

    with pytest.raises(Exception, match="there is no order"):
        async with atlas.transaction(executor("test")) as conn:
            await order_of(conn, CustomerId(order.customer_id + 1), order.id)


def test_a_withdrawal_asked_again_after_the_order_moved_is_another_operation() -> None:
    once = CancelOrder(CustomerId(1), OrderId(1), NOW, "changed my mind")

    assert once.operation_key != replace(once, since=NOW + timedelta(hours=1)).operation_key
