"""Changes to what is sold. A version, once sold, never changes."""

from dataclasses import dataclass
from datetime import date

from atlas.errors import Conflict
from atlas.identity import OfferingVersionId
from atlas.money import Money
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


@dataclass(frozen=True)
class _Sold:
    until: date | None


async def retire_offering(conn: Connection, offering_id: int) -> bool:
    """Takes the offering off sale; whether it was on sale. Whoever has it, or has ordered it, is untouched."""
    return await SQL.run(conn, "retire_offering", offering_id=offering_id) == 1


async def sell_at(conn: Connection, version: OfferingVersionId, label: str, amount: Money, day: date) -> OfferingVersionId:
    """A new version like this one but for one recurring price, sold from `day` on in its place; whoever has the old one keeps it.

    Raises Conflict where the old one is not what is sold on that day, or began on it: a day has one version, and none is rewritten.
    """
    sold = await SQL.first(conn, _Sold, "lock_version", version=version, day=day)
    if sold is None:
        raise Conflict(f"version {version} is not the one sold before and on {day}")
    await SQL.run(conn, "end_version", version=version, day=day)
    made = OfferingVersionId(await SQL.value(conn, "copy_version", version=version, day=day, until=sold.until))
    await SQL.run(conn, "copy_prices", version=version, made=made, label=label, amount_minor=amount.minor)
    for part in ("copy_phases", "copy_tiers", "copy_services", "copy_policy", "copy_reply_items"):
        await SQL.run(conn, part, version=version, made=made)
    return made
