"""Changes to orders; each leaves an event that says why."""

from datetime import date, datetime

from atlas.errors import Conflict
from atlas.identity import CustomerId, JobId, OfferingVersionId, OrderId, PremiseId, QuoteId, SubscriberId
from atlas.money import Money
from atlas.oms.records import Evidence, OrderState
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


async def order_of_key(conn: Connection, key: str) -> OrderId | None:
    """The order that was placed under this key, where one was."""
    found: int | None = await SQL.value(conn, "order_of_key", key=key)
    return None if found is None else OrderId(found)


async def place_order(
    conn: Connection,
    customer_id: CustomerId,
    subscriber_id: SubscriberId,
    kind: str,
    *,
    key: str,
    reason: str,
    at: datetime,
    version: OfferingVersionId | None = None,
    wanted_on: date | None = None,
    premise_id: PremiseId | None = None,
    monthly: Money | None = None,
    needs_visit: bool = False,
    serial: str | None = None,
    follows: OrderId | None = None,
) -> OrderId:
    """A new order with its one item; its id."""
    placed = await SQL.value(
        conn,
        "place_order",
        customer_id=customer_id,
        subscriber_id=subscriber_id,
        kind=kind,
        key=key,
        reason=reason,
        at=at,
        offering_version_id=version,
        wanted_on=wanted_on,
        premise_id=premise_id,
        monthly_minor=None if monthly is None else monthly.minor,
        needs_visit=needs_visit,
        serial=serial,
        follows_id=follows,
    )
    return OrderId(placed)


async def move_items(conn: Connection, order_id: OrderId, state: OrderState, at: datetime) -> None:
    """The items go where their order goes; what has ended stays as it ended."""
    await SQL.run(conn, "move_items", order_id=order_id, state="failed" if state is OrderState.PARTIAL else state.value, at=at)


async def note_why(conn: Connection, order_id: OrderId, cause_class: str | None, retry_at: datetime | None) -> None:
    """What sort of cause an order's state has, and when it is looked at again."""
    await SQL.run(conn, "note_why", order_id=order_id, cause_class=cause_class, retry_at=retry_at)


async def look_again_in(conn: Connection, building_id: int) -> int:
    """Orders of the building that are held are looked at again at once; how many."""
    return await SQL.run(conn, "look_again_in", building_id=building_id)


async def pass_return(conn: Connection, order_id: OrderId, at: datetime, evidence: Evidence | None = None) -> None:
    """From now on the order cannot be taken back. Raises Conflict where it is not being carried out, as when it is being withdrawn."""
    seen = {"evidence": evidence.what if evidence else None, "evidence_at": evidence.at if evidence else None}
    if not await SQL.run(conn, "pass_return", order_id=order_id, at=at, **seen):
        raise Conflict(f"order {order_id} is not being carried out, or cannot be taken back already")


async def is_past_return(conn: Connection, order_id: OrderId) -> bool:
    """Asked of the row itself, held until the transaction ends: whoever would pass it waits, and sees what became of the order."""
    return not await SQL.value(conn, "not_past_return", order_id=order_id)


async def amend_order(conn: Connection, order_id: OrderId, version: OfferingVersionId, monthly: Money, reason: str, at: datetime) -> None:
    """Another version of what we sell in an order that can still be changed. Raises Conflict where it cannot."""
    changed = await SQL.run(
        conn, "amend_order", order_id=order_id, offering_version_id=version, monthly_minor=monthly.minor, reason=reason, at=at
    )
    if not changed:
        raise Conflict(f"order {order_id} can no longer be changed: place one for another plan")


async def keep_quote(
    conn: Connection,
    customer_id: CustomerId,
    premise_id: PremiseId,
    version: OfferingVersionId,
    monthly: Money,
    at: datetime,
    until: datetime,
) -> QuoteId:
    """What was offered, and until when it stands; the quote's id."""
    kept = await SQL.value(
        conn,
        "keep_quote",
        customer_id=customer_id,
        premise_id=premise_id,
        version=version,
        monthly_minor=monthly.minor,
        at=at,
        until=until,
    )
    return QuoteId(kept)


async def order_from_quote(conn: Connection, quote_id: QuoteId, order_id: OrderId) -> None:
    """The quote became this order. Raises Conflict where it became one already."""
    if not await SQL.run(conn, "order_from_quote", quote_id=quote_id, order_id=order_id):
        raise Conflict(f"quote {quote_id} became another order first")


async def keep_visit(conn: Connection, order_id: OrderId, job_id: JobId) -> None:
    """The job is a visit of this order; the one before it no longer counts."""
    await SQL.run(conn, "keep_visit", order_id=order_id, job_id=job_id)


async def move_dates(conn: Connection, order_id: OrderId, day: date, reason: str, *, is_own: bool, at: datetime) -> list[OrderId]:
    """What follows the order is wanted no sooner than `day` from now on, and so is the order itself where `is_own`; which were moved."""
    moved = await SQL.column(conn, "move_dates", order_id=order_id, day=day, reason=reason, is_own=is_own, at=at)
    return [OrderId(found) for found in moved]


async def name_serial(conn: Connection, order_id: OrderId, serial: str) -> None:
    await SQL.run(conn, "name_serial", order_id=order_id, serial=serial)
