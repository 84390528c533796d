"""Questions about orders. Each names the customer whose they are."""

from datetime import date

from atlas.errors import NotFound
from atlas.identity import CustomerId, OrderId, SubscriberId
from atlas.oms.records import Fulfilment, Order, PlanChange
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def orders_of(conn: Connection, customer_id: CustomerId, most: int = 20) -> list[Order]:
    """The customer's orders, latest first, with the reason of their last change; at most `most`."""
    return await SQL.all(conn, Order, "orders_of", customer_id=customer_id, order_id=None, most=most)


async def order_of(conn: Connection, customer_id: CustomerId, order_id: OrderId) -> Order:
    """One order of this customer. Raises NotFound for anybody else's."""
    found = await SQL.first(conn, Order, "orders_of", customer_id=customer_id, order_id=order_id, most=1)
    if found is None:
        raise NotFound("order", order_id)
    return found


async def fulfilment(conn: Connection, order_id: OrderId) -> Fulfilment:
    """What it takes to carry out an order for another plan. Raises NotFound where it is no such order."""
    found = await SQL.first(conn, Fulfilment, "fulfilment", order_id=order_id)
    if found is None:
        raise NotFound("order for another plan", order_id)
    return found


async def plan_changes(
    conn: Connection, customer_id: CustomerId, code: str, day: date, subscriber_id: SubscriberId | None = None
) -> list[PlanChange]:
    """What a change to the plan of this code or name would mean, for each line of the customer or for the one named."""
    return await SQL.all(conn, PlanChange, "plan_changes", customer_id=customer_id, code=code.strip(), day=day, subscriber_id=subscriber_id)
