"""Changes to orders; each leaves an event that says why."""

from datetime import date, datetime

from atlas.errors import Conflict
from atlas.identity import CustomerId, OfferingVersionId, OrderId, SubscriberId
from atlas.oms.records import OrderState
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def lock_line(conn: Connection, subscriber_id: SubscriberId) -> None:
    """Holds the line until the transaction ends, so that two orders for it are placed one after the other."""
    await SQL.run(conn, "lock_line", subscriber_id=subscriber_id)


async def place_plan_change(
    conn: Connection,
    customer_id: CustomerId,
    subscriber_id: SubscriberId,
    offering_version_id: OfferingVersionId,
    *,
    state: OrderState,
    wanted_on: date,
    reason: str,
    at: datetime,
) -> OrderId:
    """The new order's id."""
    placed = await SQL.value(
        conn,
        "place_plan_change",
        customer_id=customer_id,
        subscriber_id=subscriber_id,
        offering_version_id=offering_version_id,
        state=state.value,
        wanted_on=wanted_on,
        reason=reason,
        at=at,
    )
    return OrderId(placed)


async def change_order_state(conn: Connection, order_id: OrderId, was: OrderState, state: OrderState, reason: str, at: datetime) -> None:
    """Moves the order on. Raises Conflict where it is no longer as it `was`."""
    changed = await SQL.run(conn, "change_order_state", order_id=order_id, was=was.value, state=state.value, reason=reason, at=at)
    if not changed:
        raise Conflict(f"order {order_id} is no longer {was.value}")
