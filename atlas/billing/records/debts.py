"""What is owed beyond its day."""

from dataclasses import dataclass
from datetime import date

from atlas.identity import CustomerId, SubscriberId
from atlas.money import Money


@dataclass(frozen=True)
class OverdueInvoice:
    """The unpaid part of one bill whose day has passed, and who would be cut off for it. Money received settles the oldest bill first."""

    customer_id: CustomerId
    name: str
    due_on: date
    outstanding: Money
    subscriber_ids: tuple[SubscriberId, ...]
    is_vulnerable: bool
    has_emergency_line: bool
    is_deceased: bool
    is_disputed: bool


@dataclass(frozen=True)
class Debt:
    """What one customer owes beyond its day, and what forbids cutting them off for it."""

    customer_id: CustomerId
    owed: Money
    oldest_due_on: date
    subscriber_ids: tuple[SubscriberId, ...]
    is_vulnerable: bool
    has_emergency_line: bool
    is_deceased: bool
    is_disputed: bool


@dataclass(frozen=True)
class AgedDebt:
    """One customer's open debt by how many days it is overdue."""

    customer_id: CustomerId
    name: str
    days_1_to_30: Money
    days_31_to_60: Money
    days_61_to_90: Money
    days_over_90: Money
    total: Money
