"""Bills and what is owed. Amounts include tax unless a field says otherwise."""

from dataclasses import dataclass
from datetime import date, datetime

from atlas.identity import CustomerId, InvoiceId
from atlas.money import Money


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
class BillToTell:
    """An issued bill that nobody was told of. `total` is below zero where it gives back; `to_pay` is what their credit leaves of it."""

    invoice_id: InvoiceId
    number: int
    customer_id: CustomerId
    due_on: date
    total: Money
    to_pay: Money


@dataclass(frozen=True)
class InvoiceNamed:
    """An issued bill in a line: whose, for which month, how much with tax, and how it stands."""

    invoice_id: InvoiceId
    number: int
    customer_id: CustomerId
    name: str
    month: date
    due_on: date
    state: str
    is_disputed: bool
    total: Money


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
