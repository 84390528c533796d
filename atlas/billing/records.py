"""Bills, what was paid and given back, and what is owed. Amounts include tax unless a field says otherwise."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from atlas.identity import CustomerId, InvoiceId, SubscriberId
from atlas.money import Money


class CreditKind(StrEnum):
    """What an outage credit makes good. Each is given at most once to a subscriber for one incident."""

    GOODWILL = "goodwill"
    DURATION = "duration"


@dataclass(frozen=True)
class Invoice:
    """One issued bill. `month` is the first day of the month it bills; `period_to` is the first day it no longer covers."""

    id: InvoiceId
    number: int
    month: date
    period_from: date
    period_to: date
    issued_at: datetime
    due_on: date
    state: str
    is_disputed: bool
    total: Money
    paid: Money


@dataclass(frozen=True)
class InvoiceLine:
    invoice_id: InvoiceId
    label: str
    amount: Money


@dataclass(frozen=True)
class LineChange:
    """By how much one label moved between two bills; positive means dearer."""

    label: str
    amount: Money


@dataclass(frozen=True)
class BillComparison:
    """Two bills side by side; `changes` add up to `difference`."""

    before: date
    after: date
    total_before: Money
    total_after: Money
    difference: Money
    changes: tuple[LineChange, ...]


@dataclass(frozen=True)
class Bill:
    """One bill with its lines, as a customer would read it."""

    invoice: Invoice
    lines: tuple[InvoiceLine, ...]


@dataclass(frozen=True)
class Balance:
    """What the customer owes; negative is in their favour. `overdue` is the part whose day has passed."""

    owed: Money
    overdue: Money
    last_payment: Money | None
    last_paid_at: datetime | None


@dataclass(frozen=True)
class Credit:
    """Money given back to one subscriber, and how it was worked out."""

    customer_id: CustomerId
    subscriber_id: SubscriberId
    amount: Money
    formula: str


@dataclass(frozen=True)
class BillContact:
    """Where and how a customer hears of their money: a channel they did not close."""

    customer_id: CustomerId
    channel: str
    address: str
    language: str
    timezone: str
    quiet_from: time | None
    quiet_until: time | None


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


@dataclass(frozen=True)
class Period:
    """Days billed together: `first` is in it, `end` is not."""

    first: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.first).days


# What must hold of the books at every moment; atlas/billing/reads.sql `broken_invariants` asks each by this name.
INVARIANTS: Final = (
    "a journal balances",
    "a journal has postings",
    "a journal is about one customer",
    "a balance is the sum of its postings",
    "an open item is a posting to receivable",
    "what is open is the posting less its allocations",
    "allocations stay within both sides",
    "money settles a debt of the same customer",
    "an allocation is undone whole",
    "a reversal mirrors what it reverses",
    "a journal is reversed once",
    "a bill is posted with its lines",
    "a payment is posted as it came",
    "a matched payment is on its customer's account",
    "a credit is posted as it was given",
    "a journal has the business fact it is made of",
    "a bill's state says what is open of it",
    "no money lies idle beside a debt",
    "suspense is the payments that wait in it",
    "the books add up to nothing",
)


@dataclass(frozen=True)
class BrokenInvariant:
    """One row of the books of which something does not hold. `expected` and `found` are minor units, numbers or counts, as it says."""

    invariant: str
    subject: str
    expected: int | None
    found: int | None


@dataclass(frozen=True)
class InvariantResult:
    """What the latest check of one invariant found."""

    checked_at: datetime
    invariant: str
    broken: int


@dataclass(frozen=True)
class PaymentKept:
    """A payment as Atlas has it; `is_returned` where the bank took it back."""

    reference: str
    amount: Money
    received_at: datetime
    is_returned: bool


@dataclass(frozen=True)
class PaymentDifference:
    """A payment of which the provider's list and Atlas say different things; None where one of them has none."""

    reference: str
    kept: Money | None
    reported: Money | None
