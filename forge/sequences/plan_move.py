"""From an order for another plan to a line that has it: eight steps, three of them at the network, each of which can be taken back."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from atlas.cmdb.reads import equipment_of
from atlas.errors import Conflict, NotFound
from atlas.identity import CorrelationId, CustomerId, OfferingVersionId, OrderId, SubscriberId
from atlas.oms.reads import fulfilment
from atlas.oms.records import OrderState
from atlas.statements import Connection
from forge.action import Action
from forge.actions.cmdb.plant import ConfigureLine
from forge.actions.crm.customers import MovePlan, RecordInteraction
from forge.actions.oms.plans import AdvanceOrder
from forge.sequences.advance import begin
from forge.sequences.lines import closes
from forge.sequences.records import Making, SequenceKind, SoFar, Step

# Longer than any outage of the provisioning platform that a customer should have to sit out with half a change.
WITHIN: Final = timedelta(minutes=30)


async def begin_plan_move(conn: Connection, order_id: OrderId, correlation_id: CorrelationId) -> int:
    """Begins to carry out one order, in the caller's transaction as the executor; the sequence's id. An order is carried out once.

    Raises NotFound where it is no order for another plan, Conflict where it is not yet or no longer to be carried out.
    """
    order = await fulfilment(conn, order_id)
    if await equipment_of(conn, order.subscriber_id) is None:
        raise NotFound("line with equipment", order.subscriber_id)
    if order.state not in (OrderState.ACKNOWLEDGED, OrderState.PENDING):
        raise Conflict(f"order {order_id} is {order.state.value}")
    reason = f"order {order_id}: {order.plan_before} to {order.plan_after}"
    return await begin(conn, PLAN_MOVE, str(order_id), asdict(order), reason=reason, correlation_id=correlation_id)


def _advances(was: OrderState, becomes: OrderState, because: str) -> Making:
    async def making(conn: Connection, so_far: SoFar, now: datetime) -> Action:  # noqa: ARG001
        order = so_far.arguments
        return AdvanceOrder(CustomerId(order["customer_id"]), OrderId(order["order_id"]), was, becomes, because)

    return making


async def _begins(conn: Connection, so_far: SoFar, now: datetime) -> Action:  # noqa: ARG001
    """From where it stands: one that was held before is pending, and not acknowledged."""
    order = await fulfilment(conn, OrderId(so_far.arguments["order_id"]))
    return AdvanceOrder(order.customer_id, order.order_id, order.state, OrderState.IN_PROGRESS, "it is being carried out")


def _configures(operation: str, speed: str) -> Making:
    """`speed`: that of the plan before or after."""

    async def making(conn: Connection, so_far: SoFar, now: datetime) -> Action:  # noqa: ARG001
        order = so_far.arguments
        return ConfigureLine(
            customer=CustomerId(order["customer_id"]),
            line=SubscriberId(order["subscriber_id"]),
            operation=operation,
            down_kbps=order[f"down_kbps_{speed}"],
            up_kbps=order[f"up_kbps_{speed}"],
            order=OrderId(order["order_id"]),
            attempt=so_far.attempt,
        )

    return making


def _moves(before: str, after: str) -> Making:
    async def making(conn: Connection, so_far: SoFar, now: datetime) -> Action:  # noqa: ARG001
        order = so_far.arguments
        line, customer = SubscriberId(order["subscriber_id"]), CustomerId(order["customer_id"])
        return MovePlan(customer, line, _version(order, before), _version(order, after), OrderId(order["order_id"]))

    return making


def _version(order: Any, which: str) -> OfferingVersionId:
    return OfferingVersionId(order[f"version_{which}"])


def _notes(words: str) -> Making:
    async def making(conn: Connection, so_far: SoFar, now: datetime) -> Action:  # noqa: ARG001
        order = so_far.arguments
        said = words.format(plan=order["plan_after"], line=order["subscriber_id"])
        return RecordInteraction(CustomerId(order["customer_id"]), "plan", said, f"order:{order['order_id']}:{words}")

    return making


PLAN_MOVE: Final = SequenceKind(
    "plan_move",
    (
        # Failed, or cancelled where it was withdrawn meanwhile: then it is in progress no more.
        Step("begin the order", _begins, closes),
        Step("reserve room", _configures("reserve", "after"), _configures("release", "after")),
        Step("keep the profile", _configures("add_profile", "after"), _configures("remove_profile", "after")),
        Step("apply the speed", _configures("set_speed", "after"), _configures("set_speed", "before")),
        Step("move the plan", _moves("before", "after"), _moves("after", "before")),
        Step("refresh the session", _configures("refresh_session", "after"), _configures("refresh_session", "before")),
        Step("note it", _notes("Line {line} has {plan} now."), _notes("The change of line {line} to {plan} was taken back.")),
        Step("complete the order", _advances(OrderState.IN_PROGRESS, OrderState.COMPLETED, "the line has the plan")),
    ),
    within=WITHIN,
)
