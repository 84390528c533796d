"""Charges begin, change and end; each order does so once."""

from collections.abc import Iterable
from datetime import date, datetime

from atlas.billing.rules.charges import ChargedAlready, NotCharged
from atlas.errors import NotFound
from atlas.identity import ChargeId, CustomerId, OfferingVersionId, OrderId, SubscriberId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def start_charge(
    conn: Connection,
    customer_id: CustomerId,
    subscriber_id: SubscriberId,
    offering_version_id: OfferingVersionId,
    *,
    at: datetime,
    evidence: str,
    order_id: OrderId | None,
    is_add_on: bool = False,
) -> ChargeId:
    """From the customer's day of `at` on; the same order again finds its charge. Raises ChargedAlready, NotFound."""
    await _lock(conn, customer_id, subscriber_id)
    known = await _of_order(conn, order_id, subscriber_id, offering_version_id)
    if known is not None:
        return known
    await SQL.run(conn, "open_account", customer_id=customer_id, at=at)
    return await _started(
        conn,
        customer_id,
        subscriber_id,
        offering_version_id,
        at=at,
        evidence=evidence,
        order_id=order_id,
        is_add_on=is_add_on,
        is_change=False,
    )


async def change_charge(
    conn: Connection,
    customer_id: CustomerId,
    subscriber_id: SubscriberId,
    offering_version_id: OfferingVersionId,
    *,
    at: datetime,
    evidence: str,
    order_id: OrderId | None,
) -> ChargeId:
    """The plan's charge ends and another begins, on the day that the convention says; add-ons go on. Raises NotCharged, NotFound."""
    await _lock(conn, customer_id, subscriber_id)
    known = await _of_order(conn, order_id, subscriber_id, offering_version_id)
    if known is not None:
        return known
    if not await _stopped(conn, subscriber_id, at, f"changed to version {offering_version_id}", order_id, with_add_ons=False):
        raise NotCharged(subscriber_id)
    return await _started(
        conn, customer_id, subscriber_id, offering_version_id, at=at, evidence=evidence, order_id=order_id, is_add_on=False, is_change=True
    )


async def move_charges(
    conn: Connection,
    groups: Iterable[tuple[OfferingVersionId, date]],
    onto: OfferingVersionId,
    *,
    at: datetime,
    evidence: str,
) -> list[SubscriberId]:
    """The plans charged for a version since a day, group by group, move to another from the day the convention says; the lines.

    Their discounts and contracts are counted from when they began, and what is charged once is not charged again.
    """
    named = list(groups)
    moved = await SQL.column(
        conn,
        "move_charges",
        versions=[version for version, _ in named],
        begun=[begun for _, begun in named],
        onto=onto,
        at=at,
        evidence=evidence,
    )
    return [SubscriberId(one) for one in moved]


async def stop_charges(
    conn: Connection,
    customer_id: CustomerId,
    subscriber_id: SubscriberId,
    *,
    at: datetime,
    because: str,
    order_id: OrderId | None,
    add_on: OfferingVersionId | None = None,
) -> list[ChargeId]:
    """Everything charged to the line ends, or one add-on; those that ended. The same order again finds what it ended. Raises NotCharged."""
    await _lock(conn, customer_id, subscriber_id)
    if order_id is not None:
        known = await SQL.column(conn, "stopped_by_order", order_id=order_id, subscriber_id=subscriber_id)
        if known:
            return [ChargeId(one) for one in known]
    stopped = await _stopped(conn, subscriber_id, at, because, order_id, with_add_ons=True, only=add_on)
    if not stopped:
        raise NotCharged(subscriber_id)
    return stopped


async def stop_add_on_charges(
    conn: Connection,
    subscriber_id: SubscriberId,
    versions: Iterable[OfferingVersionId],
    *,
    at: datetime,
    because: str,
    order_id: OrderId | None,
) -> list[ChargeId]:
    """What is charged to the line for these add-ons ends, on the day that the convention says; those that ended."""
    stopped = await SQL.column(
        conn,
        "stop_add_on_charges",
        subscriber_id=subscriber_id,
        versions=list(versions),
        at=at,
        because=because,
        order_id=order_id,
    )
    return [ChargeId(one) for one in stopped]


async def take_back_charge(conn: Connection, order_id: OrderId, because: str) -> bool:
    """What the order began to charge for an add-on was never charged at all; False where it charges nothing."""
    return bool(await SQL.column(conn, "take_back_charge", order_id=order_id, because=because))


async def charge_add_ons_again(
    conn: Connection, subscriber_id: SubscriberId, order_id: OrderId, *, at: datetime, evidence: str
) -> list[ChargeId]:
    """The add-ons whose charges the order ended are charged on as if it had not."""
    again = await SQL.column(conn, "charge_add_ons_again", subscriber_id=subscriber_id, order_id=order_id, at=at, evidence=evidence)
    return [ChargeId(one) for one in again]


async def _lock(conn: Connection, customer_id: CustomerId, subscriber_id: SubscriberId) -> None:
    if await SQL.value(conn, "lock_charged_line", customer_id=customer_id, subscriber_id=subscriber_id) is None:
        raise NotFound("line", subscriber_id)


async def _of_order(
    conn: Connection, order_id: OrderId | None, subscriber_id: SubscriberId, offering_version_id: OfferingVersionId
) -> ChargeId | None:
    if order_id is None:
        return None
    found = await SQL.value(
        conn, "charge_of_order", order_id=order_id, subscriber_id=subscriber_id, offering_version_id=offering_version_id
    )
    return None if found is None else ChargeId(found)


async def _started(
    conn: Connection,
    customer_id: CustomerId,
    subscriber_id: SubscriberId,
    offering_version_id: OfferingVersionId,
    *,
    at: datetime,
    evidence: str,
    order_id: OrderId | None,
    is_add_on: bool,
    is_change: bool,
) -> ChargeId:
    started = await SQL.value(
        conn,
        "start_charge",
        customer_id=customer_id,
        subscriber_id=subscriber_id,
        offering_version_id=offering_version_id,
        at=at,
        evidence=evidence,
        order_id=order_id,
        is_add_on=is_add_on,
        is_change=is_change,
    )
    if started is None:
        raise ChargedAlready(subscriber_id)
    return ChargeId(started)


async def _stopped(
    conn: Connection,
    subscriber_id: SubscriberId,
    at: datetime,
    because: str,
    order_id: OrderId | None,
    *,
    with_add_ons: bool,
    only: OfferingVersionId | None = None,
) -> list[ChargeId]:
    stopped = await SQL.column(
        conn,
        "stop_charges",
        subscriber_id=subscriber_id,
        at=at,
        because=because,
        order_id=order_id,
        with_add_ons=with_add_ons,
        offering_version_id=only,
    )
    return [ChargeId(one) for one in stopped]
