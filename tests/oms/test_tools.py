from datetime import timedelta

import pytest

from atlas import principal
from atlas.connection import Atlas
from atlas.errors import InvalidField, NotFound
from atlas.identity import CustomerId, OrderId, StaffId, SubscriberId
from atlas.money import Money
from atlas.oms.records import OrderState
from atlas.oms.rules import IllegalTransition, PlanUnavailable, WhichLine
from atlas.principal import NotPermittedHere
from forge.actions.oms.plans import CancelOrder, RequestPlanChange
from tests import given
from tests.asking import asking
from tests.billing.arranged import customer_with_line
from tests.given import NOW, Owner, member, row
from tools import oms


async def with_order(owner: Owner, state: str = "acknowledged") -> tuple[CustomerId, OrderId]:
    customer, line = await customer_with_line(owner)
    faster = await given.offering(owner, "fibre-900", 4500)
    order = await row(
        owner,
        "oms.product_order",
        customer_id=customer,
        subscriber_id=line,
        kind="modify",
        state=state,
        offering_version_id=faster,
        action_id=await given.action(owner),
    )
    return customer, OrderId(order)


async def test_a_customer_sees_their_own_orders_with_what_was_ordered(atlas: Atlas, owner: Owner) -> None:
    customer, order = await with_order(owner)
    await with_order(owner)

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        found = await oms.my_orders(turn)

    assert [(one.id, one.plan, one.state) for one in found] == [(order, "fibre-900", OrderState.ACKNOWLEDGED)]


async def test_staff_see_the_orders_of_a_customer(atlas: Atlas, owner: Owner) -> None:
    customer, order = await with_order(owner)
    cara = principal.staff(StaffId(await member(owner, "Cara Care", "customer_care")), "Cara Care", frozenset())

    async with asking(atlas, cara) as (turn, _):
        assert [one.id for one in await oms.orders_of(turn, customer)] == [order]


async def test_a_customer_cannot_ask_for_the_orders_of_somebody_else(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await with_order(owner)

    async with asking(atlas, principal.customer(CustomerId(customer + 1))) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await oms.orders_of(turn, customer)


@pytest.mark.parametrize("plan", ["fibre-900", " Fibre-900 "])
async def test_a_quote_names_the_price_before_and_after_and_changes_nothing(atlas: Atlas, owner: Owner, plan: str) -> None:
    customer, _ = await customer_with_line(owner)
    await given.offering(owner, "fibre-900", 4500)

    async with asking(atlas, principal.customer(customer)) as (turn, proposed):
        quote = await oms.quote_plan_change(turn, plan)

    assert (quote.monthly_before, quote.monthly_after, quote.difference, proposed) == (Money("30.00"), Money("45.00"), Money("15.00"), [])


async def test_another_plan_is_ordered_from_today_for_the_one_line(atlas: Atlas, owner: Owner) -> None:
    customer, line = await customer_with_line(owner)
    await given.offering(owner, "fibre-900", 4500)

    async with asking(atlas, principal.customer(customer)) as (turn, proposed):
        await oms.request_plan_change(turn, "fibre-900")

    (action,) = proposed
    assert isinstance(action, RequestPlanChange)
    assert (action.customer_id, action.subscriber_id, action.monthly_after, action.wanted_on) == (
        customer,
        line,
        Money("45.00"),
        NOW.date(),
    )


async def test_the_line_of_somebody_else_cannot_be_changed(atlas: Atlas, owner: Owner) -> None:
    maya, _ = await customer_with_line(owner)
    _, other = await customer_with_line(owner, "Omar Haddad")
    await given.offering(owner, "fibre-900", 4500)

    async with asking(atlas, principal.customer(maya)) as (turn, proposed):
        with pytest.raises(PlanUnavailable):
            await oms.request_plan_change(turn, "fibre-900", SubscriberId(other))

    assert proposed == []


async def test_a_customer_with_two_lines_is_asked_which(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await given.subscriber(owner, customer, await given.device(owner, "olt-2"))
    await given.offering(owner, "fibre-900", 4500)

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        with pytest.raises(WhichLine):
            await oms.request_plan_change(turn, "fibre-900")


async def test_a_plan_is_not_changed_in_the_past(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await given.offering(owner, "fibre-900", 4500)

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        with pytest.raises(InvalidField, match="wanted_on"):
            await oms.request_plan_change(turn, "fibre-900", wanted_on=NOW.date() - timedelta(days=1))


async def test_an_own_order_is_withdrawn_with_the_reason_given(atlas: Atlas, owner: Owner) -> None:
    customer, order = await with_order(owner)

    async with asking(atlas, principal.customer(customer)) as (turn, proposed):
        await oms.cancel_order(turn, order, " too\nexpensive ")

    (action,) = proposed
    assert isinstance(action, CancelOrder)
    assert (action.order_id, action.reason) == (order, "too expensive")


async def test_the_order_of_somebody_else_cannot_be_withdrawn(atlas: Atlas, owner: Owner) -> None:
    maya, _ = await customer_with_line(owner)
    _, other = await with_order(owner)

    async with asking(atlas, principal.customer(maya)) as (turn, proposed):
        with pytest.raises(NotFound):
            await oms.cancel_order(turn, other, "not mine")

    assert proposed == []


async def test_what_has_ended_is_not_withdrawn(atlas: Atlas, owner: Owner) -> None:
    customer, order = await with_order(owner, state="completed")

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        with pytest.raises(IllegalTransition):
            await oms.cancel_order(turn, order, "too late")
