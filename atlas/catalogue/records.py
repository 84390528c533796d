"""What is sold: offerings, their immutable versions, and what each costs."""

from dataclasses import dataclass
from datetime import date

from atlas.identity import OfferingVersionId
from atlas.money import Money


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
    id: int
    code: str
    name: str
    technology: str
    segment: str
    lifecycle_status: str


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
