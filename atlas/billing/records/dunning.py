"""How a debt is chased: the operator's ladder, and where a customer stands on it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from atlas.billing.records.debts import Debt
from atlas.identity import CustomerId, InvoiceId, SubscriberId
from atlas.money import Money


class Does(StrEnum):
    MESSAGE = "message"
    RESTRICT = "restrict"
    SUSPEND = "suspend"
    TERMINATE = "terminate"


@dataclass(frozen=True)
class Rung:
    """One step of the ladder, and all that must hold for it. `line` is where it stands in the operator's file."""

    step: str
    does: Does
    overdue_for: timedelta
    owed_at_least: Money
    unpaid_bills: int
    line: int


@dataclass(frozen=True)
class Ladder:
    """The rungs, lowest first. `blackout`: days of the week (Monday is 0) on which nobody is cut off."""

    rungs: tuple[Rung, ...]
    apart: timedelta
    blackout: frozenset[int]
    promise_up_to: timedelta
    broken_promises: int


@dataclass(frozen=True)
class Chased:
    """One customer with an overdue debt: how large (disputes left out), how old, what was done of it, and what forbids the next step."""

    customer_id: CustomerId
    owed: Money
    unpaid_bills: int
    oldest_due_on: date
    subscriber_ids: tuple[SubscriberId, ...]
    steps: tuple[str, ...]
    last_step_at: datetime | None
    promised_until: date | None
    is_restricted: bool
    is_suspended: bool
    is_vulnerable: bool
    has_emergency_line: bool
    is_deceased: bool
    is_disputed: bool
    timezone: str

    @property
    def debt(self) -> Debt:
        return Debt(
            customer_id=self.customer_id,
            owed=self.owed,
            oldest_due_on=self.oldest_due_on,
            subscriber_ids=self.subscriber_ids,
            is_vulnerable=self.is_vulnerable,
            has_emergency_line=self.has_emergency_line,
            is_deceased=self.is_deceased,
            is_disputed=self.is_disputed,
        )


@dataclass(frozen=True)
class PromiseToPay:
    """What somebody said they would pay by a day. `is_broken`: the day is over, and something is still overdue."""

    amount: Money
    due_on: date
    made_at: datetime
    is_broken: bool


@dataclass(frozen=True)
class Dispute:
    """A charge that its customer does not accept; only its amount is not chased."""

    id: int
    customer_id: CustomerId
    invoice_id: InvoiceId
    number: int
    label: str
    amount: Money
    reason: str
    opened_at: datetime
    closed_at: datetime | None
    outcome: str | None


@dataclass(frozen=True)
class DisputableCharge:
    """One charge of an issued bill, with tax, that is not in dispute already."""

    invoice_id: InvoiceId
    number: int
    label: str
    amount: Money


@dataclass(frozen=True)
class WhySuspended:
    """Why a customer's lines are slowed or cut off, what is owed for it, and what was done before. No `since`: nothing is wrong."""

    state: str
    reason: str
    owed: Money
    overdue: Money
    oldest_due_on: date | None
    steps: tuple[str, ...]
    promised_until: date | None
