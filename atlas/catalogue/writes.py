"""Changes to what is sold. A version, once sold, never changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from atlas.catalogue.records import NewOffering, PriceComponent
from atlas.errors import Conflict, InvalidField
from atlas.identity import OfferingVersionId, OrderId, SubscriberId
from atlas.money import Money
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


@dataclass(frozen=True)
class _Sold:
    until: date | None


@dataclass(frozen=True)
class AddOnEnded:
    """An add-on that a line holds no more, and the number of the address that came with it."""

    offering_version_id: OfferingVersionId
    name: str
    allotment_id: int | None


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


async def define_offering(conn: Connection, new: NewOffering) -> OfferingVersionId:
    """A new offering and its first version, on sale from its day.

    Raises Conflict where there is one of this code; InvalidField for a service that nobody is sold, or an area that is none of ours.
    """
    what = {"code": new.code, "name": new.name, "technology": new.technology, "segment": new.segment, "category": new.category}
    offering_id = await SQL.value(conn, "define_offering", **what)
    if offering_id is None:
        raise Conflict(f"there is an offering {new.code} already: change its price, or retire it")
    speeds = {"down_kbps": new.down_kbps, "up_kbps": new.up_kbps, "contract_months": new.contract_months}
    made = OfferingVersionId(await SQL.value(conn, "define_version", offering_id=offering_id, valid_from=new.valid_from, **speeds))
    for price in new.prices:
        await _define_price(conn, made, price)
    if await SQL.run(conn, "define_services", version=made, services=list(new.services)) != len(set(new.services)):
        raise InvalidField("services", f"one of {', '.join(new.services)} is no service that customers are sold")
    profiles = {"line_profile": new.line_profile, "service_profile": new.service_profile, "dhcp_class": new.dhcp_class}
    rate = f"{new.up_kbps}k/{new.down_kbps}k"
    await SQL.run(conn, "define_policy", version=made, rate_limit=rate, address_pool=new.address_pool, **profiles)
    if await SQL.run(conn, "define_areas", offering_id=offering_id, areas=list(new.areas)) != len(set(new.areas)):
        raise InvalidField("areas", f"one of {', '.join(new.areas)} is no area of ours")
    for kind, codes in (("requires", new.requires), ("excludes", new.excludes), ("included_in", new.included_in)):
        if await SQL.run(conn, "define_relations", offering_id=offering_id, kind=kind, codes=list(codes)) != len(set(codes)):
            raise InvalidField(kind, f"one of {', '.join(codes)} is no offering of ours")
    return made


async def _define_price(conn: Connection, version: OfferingVersionId, price: PriceComponent) -> None:
    how = {"tax_category": price.tax_category, "is_tax_inclusive": price.is_tax_inclusive, "charged": price.charged}
    price_id = await SQL.value(
        conn, "define_price", version=version, kind=price.kind, label=price.label, amount_minor=price.amount.minor, **how
    )
    for ordinal, phase in enumerate(price.phases, 1):
        lasts = {"kind": phase.kind, "months": phase.months, "amount_minor": phase.amount.minor}
        await SQL.run(conn, "define_phase", price_id=price_id, ordinal=ordinal, **lasts)


async def hold_add_on(
    conn: Connection, line: SubscriberId, version: OfferingVersionId, order: OrderId, allotment_id: int | None, at: datetime
) -> None:
    """The line holds the add-on from its customer's day of `at` on. Raises Conflict where it holds that version already."""
    held = {"subscriber_id": line, "version": version, "order_id": order, "allotment_id": allotment_id}
    if await SQL.value(conn, "hold_add_on", **held, at=at) is None:
        raise Conflict(f"line {line} holds version {version} already")


async def end_add_ons(conn: Connection, line: SubscriberId, codes: Sequence[str] | None, order: OrderId, at: datetime) -> list[AddOnEnded]:
    """The line holds these add-ons no more, all where none are named, from its customer's day of `at` on; those that ended."""
    named = None if codes is None else list(codes)
    return await SQL.all(conn, AddOnEnded, "end_add_ons", subscriber_id=line, codes=named, order_id=order, at=at)


async def take_back_add_on(conn: Connection, order: OrderId) -> list[int | None]:
    """What the order began was never held; the address that came with it, None where none did. Empty where it holds nothing."""
    return await SQL.column(conn, "take_back_add_on", order_id=order)


async def hold_add_ons_again(conn: Connection, line: SubscriberId, order: OrderId) -> list[int | None]:
    """What the order ended is held on as if it had not; the addresses that came with each."""
    return await SQL.column(conn, "hold_add_ons_again", subscriber_id=line, order_id=order)
