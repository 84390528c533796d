"""Questions about what is sold. The catalogue is public, but for who uses an offering."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from atlas.catalogue.records import (
    AccessPolicy,
    AddOnEffect,
    AllowedChange,
    Attainable,
    Decomposition,
    Defect,
    Eligible,
    Held,
    Migration,
    Offering,
    OfferingListed,
    OfferingPage,
    OfferingUse,
    Phase,
    Plan,
    Price,
    PriceChange,
    PriceComponent,
    PriceDiff,
    PricedVersion,
    Reach,
    Relation,
    ReplyItem,
    ResourceNeed,
    SimulatedChange,
    Terms,
    Tier,
    Version,
)
from atlas.catalogue.rules.offers import NothingOnSale, eligibility, whole_decomposition
from atlas.catalogue.rules.pricing import lost_add_ons, migration, movable, repriced, simulated_change
from atlas.errors import InvalidField, NotFound
from atlas.identity import CustomerId, OfferingVersionId, SubscriberId
from atlas.money import Money
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def plans_on_sale(conn: Connection, day: date) -> list[Plan]:
    """Every plan that may be ordered on `day`, the cheapest first."""
    return await SQL.all(conn, Plan, "plans_on_sale", day=day)


async def plans_for(conn: Connection, customer_id: CustomerId, day: date) -> list[Plan]:
    """The plans on sale that this customer could change to: of the technology at their lines and of their kind of customer."""
    within = {(reach.technology, reach.segment) for reach in await SQL.all(conn, Reach, "plans_within_reach", customer_id=customer_id)}
    return [plan for plan in await plans_on_sale(conn, day) if (plan.technology, plan.segment) in within]


async def offering(conn: Connection, code: str) -> Offering:
    """Raises NotFound."""
    found = await SQL.first(conn, Offering, "offering", code=code)
    if found is None:
        raise NotFound("offering", code)
    return found


async def offering_page(conn: Connection, code: str) -> OfferingPage:
    """One offering with all its versions and prices, the newest first. Raises NotFound."""
    one = await offering(conn, code)
    priced = [
        PricedVersion(version, tuple(await SQL.all(conn, Price, "prices", offering_version_id=version.id)))
        for version in await versions_of(conn, one.id)
    ]
    return OfferingPage(one, tuple(priced))


async def every_offering(conn: Connection, day: date) -> list[OfferingListed]:
    """All there is in the catalogue, what is gone last, with what is sold of it on `day`."""
    return await SQL.all(conn, OfferingListed, "every_offering", day=day)


async def versions_of(conn: Connection, offering_id: int) -> list[Version]:
    """Every version ever sold, the newest first."""
    return await SQL.all(conn, Version, "versions", offering_id=offering_id)


async def use_of_offering(conn: Connection, offering_id: int) -> OfferingUse:
    """Who has it and who has ordered it; as a customer: only what is their own."""
    return await SQL.one(conn, OfferingUse, "use_of_offering", offering_id=offering_id)


@dataclass(frozen=True)
class _Services:
    code: str
    technology: str
    cfs: tuple[str, ...]


@dataclass(frozen=True)
class _PhaseOf:
    price_id: int
    kind: str
    months: int
    amount: Money


@dataclass(frozen=True)
class _TierOf:
    price_id: int
    from_units: int
    amount: Money
    per_units: int
    entry: Money


async def decomposition_of(conn: Connection, offering_version_id: OfferingVersionId) -> Decomposition:
    """What the version is made of, its resource needs in the order they are got hold of.

    Raises NotFound; NotDecomposable where it offers no service, or one that nothing realises on its technology.
    """
    found = await SQL.first(conn, _Services, "services_of", offering_version_id=offering_version_id)
    if found is None:
        raise NotFound("offering version", offering_version_id)
    needs = await SQL.all(conn, ResourceNeed, "resource_needs", offering_version_id=offering_version_id)
    return whole_decomposition(offering_version_id, found.code, found.technology, found.cfs, needs)


async def prices_of(conn: Connection, offering_version_id: OfferingVersionId) -> list[PriceComponent]:
    """Every price of the version with its phases and tiers: usage, then recurring, then one-off; empty where there are none."""
    components = await SQL.all(conn, PriceComponent, "price_components", offering_version_id=offering_version_id)
    phases = await SQL.all(conn, _PhaseOf, "phases", offering_version_id=offering_version_id)
    tiers = await SQL.all(conn, _TierOf, "tiers", offering_version_id=offering_version_id)
    return [
        replace(
            each,
            phases=tuple(Phase(one.kind, one.months, one.amount) for one in phases if one.price_id == each.id),
            tiers=tuple(Tier(one.from_units, one.amount, one.per_units, one.entry) for one in tiers if one.price_id == each.id),
        )
        for each in components
    ]


async def access_policy_of(conn: Connection, offering_version_id: OfferingVersionId) -> AccessPolicy:
    """How the network treats the version. Raises NotFound. Not for customers: row security gives them none."""
    found = await SQL.first(conn, AccessPolicy, "access_policy", offering_version_id=offering_version_id)
    if found is None:
        raise NotFound("access policy of offering version", offering_version_id)
    items = await SQL.all(conn, ReplyItem, "reply_items", offering_version_id=offering_version_id)
    return replace(found, reply_items=tuple(items))


async def eligible_offerings(
    conn: Connection,
    day: date,
    segment: str,
    attainable: Iterable[Attainable],
    area_id: int,
    credit_class: str | None = None,
) -> list[Eligible]:
    """Every plan on sale on `day` with why it may not be had here, the cheapest first; eligible are those without a reason.

    `attainable`: what the network gives at the premise, of each technology; `credit_class` None: not assessed yet, so nothing is refused.
    """
    there = tuple(attainable)
    return [
        Eligible(terms, eligibility(terms, segment, there, area_id, credit_class))
        for terms in await SQL.all(conn, Terms, "terms_on", day=day)
    ]


async def allowed_changes(conn: Connection, from_code: str) -> list[AllowedChange]:
    """Where one may go from this offering; what is not named is not allowed."""
    return await SQL.all(conn, AllowedChange, "allowed_changes", from_code=from_code)


async def relations_of(conn: Connection, codes: Sequence[str]) -> list[Relation]:
    """What these offerings require, exclude and are included in, and what others do of them."""
    return await SQL.all(conn, Relation, "relations_of", codes=list(codes))


@dataclass(frozen=True)
class _HeldSince:
    offering_version_id: OfferingVersionId
    activated_on: date
    contract_months: int
    subscribers: int
    customers: int
    is_same_service: bool


async def simulated(conn: Connection, code: str, label: str, amount: Money, day: date) -> SimulatedChange:
    """What it would do to move everybody who has the offering to this price from `day` on: nothing is changed by asking.

    Raises NotFound, NothingOnSale where no version is sold on that day, InvalidField for a label that is none or not billed by the month.
    """
    one = await _monthly(conn, await offering(conn, code))
    current = await SQL.value(conn, "version_on", offering_id=one.id, day=day)
    if current is None:
        raise NothingOnSale(day)
    prices = await prices_of(conn, OfferingVersionId(current))
    change = PriceChange(one.code, day, repriced(prices, label, amount))
    diff = tuple(
        PriceDiff(was.label, was.amount, becomes.amount)
        for was, becomes in zip(prices, change.prices, strict=True)
        if was.amount != becomes.amount
    )
    use, held = await use_of_offering(conn, one.id), await _held(conn, one.id, OfferingVersionId(current))
    return SimulatedChange(one.code, day, diff, simulated_change(change, held), use.open_orders, OfferingVersionId(current))


async def migration_to_sold(conn: Connection, code: str, day: date) -> tuple[Migration, list[Held]]:
    """Moving whoever has an older version of the offering to the one sold on `day`, and the groups to move. Asking moves nobody.

    Raises NotFound, NothingOnSale where no version is sold on that day, InvalidField where it is not billed by the month.
    """
    one = await _monthly(conn, await offering(conn, code))
    current = await SQL.value(conn, "version_on", offering_id=one.id, day=day)
    if current is None:
        raise NothingOnSale(day)
    onto = OfferingVersionId(current)
    change, held = PriceChange(one.code, day, tuple(await prices_of(conn, onto))), await _held(conn, one.id, onto)
    return migration(change, held, onto), movable(change, held, onto)


async def _monthly(conn: Connection, one: Offering) -> Offering:
    """The offering, where all that recurs of it recurs each month. Raises InvalidField: a year's price has no month to compare."""
    if await SQL.value(conn, "is_billed_otherwise", offering_id=one.id):
        raise InvalidField("code", f"{one.code} is not billed by the month; what a change comes to is told by the month only")
    return one


async def recurring_label(conn: Connection, offering_id: int, day: date) -> str:
    """What its one recurring price is called on `day`. Raises InvalidField where it has none or several."""
    labels = await SQL.column(conn, "recurring_labels", offering_id=offering_id, day=day)
    if len(labels) != 1:
        raise InvalidField("label", f"it has {len(labels)} recurring prices: say which")
    return str(labels[0])


async def _held(conn: Connection, offering_id: int, onto: OfferingVersionId) -> list[Held]:
    since = await SQL.all(conn, _HeldSince, "held", offering_id=offering_id, onto=onto)
    costs = {version: tuple(await prices_of(conn, version)) for version in {each.offering_version_id for each in since}}
    return [
        Held(
            each.offering_version_id,
            each.activated_on,
            each.contract_months,
            each.subscribers,
            costs[each.offering_version_id],
            each.customers,
            each.is_same_service,
        )
        for each in since
    ]


async def tax_categories(conn: Connection) -> list[str]:
    return await SQL.column(conn, "tax_categories")


async def defects(conn: Connection, day: date) -> list[Defect]:
    """Everything wrong with what is on sale on `day`, or what somebody has: by kind and offering; empty is as it should be."""
    return await SQL.all(conn, Defect, "defects", day=day)


async def add_on_effect(conn: Connection, version: OfferingVersionId) -> AddOnEffect:
    """What the network does for an add-on of this version. Not for customers: row security tells them nothing of it."""
    return await SQL.one(conn, AddOnEffect, "add_on_effect", version=version)


async def held_add_ons(conn: Connection, line: SubscriberId) -> list[str]:
    """The codes of the add-ons that the line holds."""
    return await SQL.column(conn, "held_add_ons", subscriber_id=line)


async def add_ons_lost(conn: Connection, line: SubscriberId, version: OfferingVersionId) -> list[str]:
    """The codes of what the line holds that would end with a change of its plan to this version. Raises NotFound."""
    held = await held_add_ons(conn, line)
    if not held:
        return []
    plan = await SQL.value(conn, "plan_of_version", version=version)
    if plan is None:
        raise NotFound("offering version", version)
    return lost_add_ons(held, plan, await relations_of(conn, [plan, *held]))
