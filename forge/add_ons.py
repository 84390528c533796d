"""What becomes of a line's add-ons when something else of it ends or changes, in the transaction of the action that caused it."""

from collections.abc import Sequence
from datetime import datetime

from atlas.billing.writes.charges import charge_add_ons_again, stop_add_on_charges
from atlas.catalogue.reads import add_ons_lost
from atlas.catalogue.writes import end_add_ons, hold_add_ons_again
from atlas.cmdb.writes import free_number, take_number_again
from atlas.identity import OfferingVersionId, OrderId, SubscriberId
from atlas.statements import Connection


async def add_ons_end(conn: Connection, line: SubscriberId, codes: Sequence[str] | None, order: OrderId, now: datetime) -> list[str]:
    """What a line holds ends because of an order, all of it where nothing is named, with its charges and addresses; the names."""
    ended = await end_add_ons(conn, line, codes, order, now)
    versions = [one.offering_version_id for one in ended]
    await stop_add_on_charges(conn, line, versions, at=now, because=f"order:{order}", order_id=order)
    await free_number(conn, line, [one.allotment_id for one in ended if one.allotment_id is not None])
    return [one.name for one in ended]


async def add_ons_follow(conn: Connection, line: SubscriberId, version: OfferingVersionId, order: OrderId, now: datetime) -> list[str]:
    """What the line holds and does not go with its new plan, or comes with it, ends; the names."""
    lost = await add_ons_lost(conn, line, version)
    return await add_ons_end(conn, line, lost, order, now) if lost else []


async def add_ons_return(conn: Connection, line: SubscriberId, order: OrderId, now: datetime) -> None:
    """A change of plan is taken back: what it ended goes on from the day on which it ended. Raises Conflict where an address is gone."""
    brought = await hold_add_ons_again(conn, line, order)
    if brought:
        await charge_add_ons_again(conn, line, order, at=now, evidence=f"plan_move:order-{order} taken back")
        await take_number_again(conn, line, [one for one in brought if one is not None])
