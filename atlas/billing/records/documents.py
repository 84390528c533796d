"""One issued bill as it stands on paper."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from atlas.identity import CustomerId, InvoiceId
from atlas.money import Money


@dataclass(frozen=True)
class PaperLine:
    """One charge: without tax, its tax, and where the customer has it, if they have more than one line."""

    label: str
    net: Money
    tax: Money

    @property
    def gross(self) -> Money:
        return self.net + self.tax


@dataclass(frozen=True)
class PaperHead:
    """Everything of an issued bill but its lines, as it was on the day it was issued; `address` has a line for each of its lines."""

    invoice_id: InvoiceId
    number: int
    customer_id: CustomerId
    name: str
    language: str
    address: tuple[str, ...]
    issued_at: datetime
    due_on: date
    period_from: date
    period_to: date
    currency: str

    @property
    def last_day(self) -> date:
        """The last day that is billed: `period_to` is the first that is not."""
        return self.period_to - timedelta(days=1)


@dataclass(frozen=True)
class Paper:
    """A bill as it is printed. What was paid later is no part of it: its bytes never change."""

    head: PaperHead
    lines: tuple[PaperLine, ...]

    @property
    def net(self) -> Money:
        return sum((line.net for line in self.lines), Money(0))

    @property
    def tax(self) -> Money:
        return sum((line.tax for line in self.lines), Money(0))

    @property
    def total(self) -> Money:
        return self.net + self.tax
