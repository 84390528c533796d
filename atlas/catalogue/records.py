"""What is sold: offerings, their immutable versions, and what each costs."""

from dataclasses import dataclass
from datetime import date

from atlas.identity import OfferingVersionId
from atlas.money import ZERO, Money


@dataclass(frozen=True)
class Plan:
    """A version on sale. `monthly` and `one_off` add up its prices, tax left out; speeds are whole kilobits a second."""

    offering_version_id: OfferingVersionId
    code: str
    name: str
    technology: str
    segment: str
    down_kbps: int
    up_kbps: int
    contract_months: int
    monthly: Money
    one_off: Money


@dataclass(frozen=True)
class Price:
    kind: str
    label: str
    amount: Money
    tax_category: str


@dataclass(frozen=True)
class Phase:
    """So many months at this amount, counted from activation, instead of the price's own: "6 months at X then Y"."""

    kind: str
    months: int
    amount: Money


@dataclass(frozen=True)
class Tier:
    """Units above `from_units`, beyond the allowance: `amount` buys `per_units` of them, and the first of them costs `entry` besides."""

    from_units: int
    amount: Money
    per_units: int
    entry: Money = ZERO


@dataclass(frozen=True)
class PriceComponent:
    """One price of a version, whole. `phases` in their order; `tiers` from the lowest, and where there are any they stand for the amount.

    `amount` buys `per_units` of a usage price beyond its allowance; of the other kinds it is for `every_months`, or for once.
    `is_tax_inclusive` says what every amount in here is.
    """

    id: int
    kind: str
    label: str
    amount: Money
    tax_category: str
    is_tax_inclusive: bool
    charged: str
    meter: str
    unit: str
    per_units: int
    allowance_units: int
    is_rolled_over: bool
    tiering: str
    phases: tuple[Phase, ...] = ()
    tiers: tuple[Tier, ...] = ()
    every_months: int = 1


@dataclass(frozen=True)
class ResourceNeed:
    """What the network must give for one resource-facing service. `needed` without_drop: only where no drop is laid yet."""

    cfs: str
    rfs: str
    ordinal: int
    kind: str
    model: str
    needed: str


@dataclass(frozen=True)
class Decomposition:
    """What an offering version is made of: services, what realises them, and the needs in the order they are got hold of."""

    offering_version_id: OfferingVersionId
    technology: str
    cfs: tuple[str, ...]
    rfs: tuple[str, ...]
    needs: tuple[ResourceNeed, ...]

    def needed_at(self, *, has_drop: bool) -> tuple[ResourceNeed, ...]:
        """The needs at one premise: where the drop is laid nobody has to come."""
        return tuple(need for need in self.needs if need.needed == "always" or not has_drop)


@dataclass(frozen=True)
class ReplyItem:
    """One attribute of RADIUS's answer, as FreeRADIUS writes it: attribute, operator, value."""

    attribute: str
    op: str
    value: str


@dataclass(frozen=True)
class AccessPolicy:
    """How the network treats a plan. `rate_limit` is up/down, as "20000k/100000k"; an empty profile or class: the device's own default."""

    offering_version_id: OfferingVersionId
    rate_limit: str
    session_timeout_s: int
    address_pool: str
    line_profile: str
    service_profile: str
    dhcp_class: str
    reply_items: tuple[ReplyItem, ...] = ()


@dataclass(frozen=True)
class Terms:
    """To whom a version on sale is sold. `areas` empty: wherever the network can carry it; `worst_credit_class` none: to everybody."""

    offering_version_id: OfferingVersionId
    code: str
    name: str
    technology: str
    segment: str
    down_kbps: int
    up_kbps: int
    contract_months: int
    worst_credit_class: str | None
    areas: tuple[int, ...]
    monthly: Money
    one_off: Money


@dataclass(frozen=True)
class Attainable:
    """What one technology gives at a premise."""

    technology: str
    down_kbps: int
    up_kbps: int


@dataclass(frozen=True)
class Eligible:
    """A version on sale and whether this premise may have it; `reasons` say why not, empty where it may."""

    terms: Terms
    reasons: tuple[str, ...]

    @property
    def is_eligible(self) -> bool:
        return not self.reasons


@dataclass(frozen=True)
class AllowedChange:
    """A way from one offering to another: when it takes effect, and what it costs, without tax."""

    from_code: str
    to_code: str
    timing: str
    fee: Money


@dataclass(frozen=True)
class Relation:
    """`kind` requires, excludes or included_in, as seen from `code`."""

    code: str
    kind: str
    other_code: str


@dataclass(frozen=True)
class Version:
    """What was sold between two dates; `valid_to` is the first day it no longer is, None meaning open."""

    id: OfferingVersionId
    valid_from: date
    valid_to: date | None
    down_kbps: int
    up_kbps: int
    contract_months: int
    repair_hours: int | None
    subscribers: int


@dataclass(frozen=True)
class Offering:
    """`category`: base, add_on, standalone or bundle."""

    id: int
    code: str
    name: str
    technology: str
    segment: str
    lifecycle_status: str
    category: str = "base"


@dataclass(frozen=True)
class OfferingListed:
    """One offering among all, with the version sold on the day asked for: its speeds and price are None where none is sold.

    `monthly` adds up its recurring prices, None too where one is not billed by the month. `lines` have it, in whatever version.
    """

    code: str
    name: str
    technology: str
    segment: str
    lifecycle_status: str
    category: str
    versions: int
    lines: int
    down_kbps: int | None
    up_kbps: int | None
    monthly: Money | None


@dataclass(frozen=True)
class PricedVersion:
    """A version with its price components."""

    version: Version
    prices: tuple[Price, ...]


@dataclass(frozen=True)
class OfferingPage:
    """One offering with every version ever sold, the newest first."""

    offering: Offering
    versions: tuple[PricedVersion, ...]


@dataclass(frozen=True)
class OfferingUse:
    """Who would notice that an offering is gone; orders are those not yet fulfilled."""

    customers: int
    subscribers: int
    open_orders: int


@dataclass(frozen=True)
class Reach:
    """What can be sold at a line: its technology, to its kind of customer."""

    technology: str
    segment: str


@dataclass(frozen=True)
class Held:
    """So many lines charged for one version since one day of their own calendar, and what that version costs.

    `activated_on` is when they first had it, whatever version it was then: discounts and the contract are counted from there.
    `is_same_service`: the version gives what the one on sale gives, so that moving there changes nothing but the price.
    """

    offering_version_id: OfferingVersionId
    activated_on: date
    contract_months: int
    subscribers: int
    prices: tuple[PriceComponent, ...]
    customers: int = 0
    is_same_service: bool = True


@dataclass(frozen=True)
class PriceChange:
    """New prices of an offering, from a day on."""

    code: str
    day: date
    prices: tuple[PriceComponent, ...]


@dataclass(frozen=True)
class PriceMove:
    """What a change of price would do to those who have the offering, a month; `delta` is after less before."""

    subscribers: int
    affected: int
    before: Money
    after: Money
    delta: Money
    breaches: int


@dataclass(frozen=True)
class Migration:
    """Moving whoever has an older version of an offering to the one on sale: a month before and after, and who stays where they are.

    `bound` would pay more within their contract, `other_service` would get another speed: neither is moved. `customers`: at most so many.
    """

    code: str
    offering_version_id: OfferingVersionId
    day: date
    lines: int
    customers: int
    before: Money
    after: Money
    bound: int
    other_service: int

    @property
    def delta(self) -> Money:
        return self.after - self.before


@dataclass(frozen=True)
class PriceDiff:
    """One price before and after."""

    label: str
    before: Money
    after: Money


@dataclass(frozen=True)
class SimulatedChange:
    """A change of price shown before anybody decides: the difference, and what it would do to everybody who has the offering now."""

    code: str
    day: date
    diff: tuple[PriceDiff, ...]
    move: PriceMove
    open_orders: int
    offering_version_id: OfferingVersionId


@dataclass(frozen=True)
class Defect:
    """Something wrong with what is sold: its kind, the offering, and what exactly."""

    kind: str
    code: str
    detail: str


@dataclass(frozen=True)
class NewOffering:
    """An offering as it is to be sold from `valid_from` on. `services` are customer-facing, by code; `areas` empty: sold everywhere.

    `requires`: one of these other offerings, by code; `excludes`: none of them; `included_in`: it comes with them.
    """

    code: str
    name: str
    technology: str
    segment: str
    category: str
    valid_from: date
    down_kbps: int
    up_kbps: int
    contract_months: int
    services: tuple[str, ...]
    prices: tuple[PriceComponent, ...]
    address_pool: str
    line_profile: str = ""
    service_profile: str = ""
    dhcp_class: str = ""
    areas: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    included_in: tuple[str, ...] = ()


@dataclass(frozen=True)
class AddOnEffect:
    """What the network does for an add-on: an address of its own, another profile at the access device, more in RADIUS' answer."""

    needs_address: bool
    has_profile: bool
    has_reply: bool
