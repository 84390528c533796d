"""Money given back, and what an outage gives a right to."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from atlas.identity import CustomerId, SubscriberId
from atlas.money import Money


class CreditKind(StrEnum):
    """What an outage credit makes good. Each is given at most once to a subscriber for one incident."""

    GOODWILL = "goodwill"
    DURATION = "duration"


@dataclass(frozen=True)
class Credit:
    """Money given back to one subscriber, and how it was worked out."""

    customer_id: CustomerId
    subscriber_id: SubscriberId
    amount: Money
    formula: str


@dataclass(frozen=True)
class BillContact:
    """Where and how a customer hears of their money: a channel they did not close. `pays_for`: whom somebody else pays for, by name."""

    customer_id: CustomerId
    channel: str
    address: str
    language: str
    timezone: str
    quiet_from: time | None
    quiet_until: time | None
    pays_for: str = ""


@dataclass(frozen=True)
class LostSince:
    customer_id: CustomerId
    lost_at: datetime


@dataclass(frozen=True)
class CreditGiven:
    subscriber_id: SubscriberId
    cause: str
    amount: Money
    formula: str
    granted_at: datetime


@dataclass(frozen=True)
class CompensationRate:
    """What an outage gives back: `flat` at once, and a share of the monthly price for each full day beyond `minimum_outage`."""

    minimum_outage: timedelta
    flat: Money
    monthly_share_per_day: Decimal


@dataclass(frozen=True)
class OutageSuffered:
    """One subscriber of an incident who may be credited, with the rate in force and what was given already."""

    customer_id: CustomerId
    subscriber_id: SubscriberId
    lasted: timedelta
    monthly_price: Money
    minimum_outage: timedelta
    flat: Money
    monthly_share_per_day: Decimal
    given: Money
    kinds_given: tuple[str, ...]
