"""What an agent may ask about orders, and order."""

from datetime import date

from atlas.errors import InvalidField
from atlas.identity import CustomerId, OrderId, SubscriberId
from atlas.oms import reads
from atlas.oms.records import Order, PlanChange
from atlas.oms.rules import checked_reason, state_when_cancelled, the_change
from atlas.principal import Assurance
from forge.actions.oms.plans import CancelOrder, RequestPlanChange
from forge.propose import Proposed
from tools.turn import Turn, needs


@needs(Assurance.VERIFIED)
async def my_orders(turn: Turn) -> list[Order]:
    """The customer's last 20 orders, latest first, with their state and why it last changed."""
    return await reads.orders_of(turn.conn, turn.customer_id)


async def orders_of(turn: Turn, customer_id: CustomerId) -> list[Order]:
    """This customer's last 20 orders, latest first, with their state and why it last changed. For staff."""
    turn.for_staff_only()
    return await reads.orders_of(turn.conn, customer_id)


@needs(Assurance.VERIFIED)
async def quote_plan_change(turn: Turn, plan: str, line: SubscriberId | None = None) -> PlanChange:
    """What a change to `plan` (its code or name) would mean: prices a month without tax, before and after. Changes nothing.

    Where the customer has several lines, `line` says which. Fails with the reason where the line cannot have the plan.
    """
    return the_change(await reads.plan_changes(turn.conn, turn.customer_id, plan, turn.now.date(), line), plan)


@needs(Assurance.VERIFIED)
async def request_plan_change(turn: Turn, plan: str, line: SubscriberId | None = None, wanted_on: date | None = None) -> Proposed:
    """Orders `plan` (its code or name) for the customer's line, from `wanted_on`, else from today. Quote it first.

    Answers with a reference, and whether it is ordered or waits for a person. A second wish while an order is open fails.
    """
    today = turn.now.date()
    change = the_change(await reads.plan_changes(turn.conn, turn.customer_id, plan, today, line), plan)
    if wanted_on is not None and wanted_on < today:
        raise InvalidField("wanted_on", "a plan is not changed in the past")
    return await turn.propose(RequestPlanChange.of(change, wanted_on or today), "the customer asks for another plan")


@needs(Assurance.VERIFIED)
async def cancel_order(turn: Turn, order: OrderId, reason: str) -> Proposed:
    """Withdraws one of the customer's orders. Fails where it has ended; once work began, the withdrawal is assessed first."""
    found = await reads.order_of(turn.conn, turn.customer_id, order)
    state_when_cancelled(found.id, found.state)
    return await turn.propose(
        CancelOrder(turn.customer_id, found.id, found.state_changed_at, checked_reason(reason)), "the customer withdraws the order"
    )
