"""How a debt is chased: the operator's ladder, and where a customer stands on it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from atlas.billing.records.debts import Debt
from atlas.identity import CustomerId, InvoiceId, SubscriberId
from atlas.money import Money


class Does(StrEnum):
    MESSAGE = "message"
    WARN = "warn"
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
class LateFee:
    """What an overdue bill costs besides, once, on the next bill: `amount` without tax, where so much of it is open for so long."""

    amount: Money
    overdue_for: timedelta
    owed_at_least: Money
    tax_category: str


@dataclass(frozen=True)
class Ladder:
    """The rungs, lowest first. `blackout`: days of the week (Monday is 0) on which nobody is cut off.

    `notice`: how long after they were told from when, and no sooner. `warn_again`: how long after a warning that reached nobody it is
    said again by the same ways. No `late_fee`: none is charged.
    """

    rungs: tuple[Rung, ...]
    apart: timedelta
    blackout: frozenset[int]
    notice: timedelta
    warn_again: timedelta
    promise_up_to: timedelta
    broken_promises: int
    late_fee: LateFee | None


@dataclass(frozen=True)
class Chased:
    """One customer with an overdue debt: how large (disputes left out), how old, what was done of it, and what forbids the next step.

    `cut_from`: the first day on which they may be cut off for it, as they were told; None while nobody told them. `warned`: how often that
    was said; `unheard_at`: the last time, where it reached nobody and is not on its way. `has_new_way`: a channel that is open for their
    service, by which it was never tried.
    """

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
    cut_from: date | None
    warned: int = 0
    unheard_at: datetime | None = None
    can_be_warned: bool = False
    has_new_way: bool = False

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
class Unreachable:
    """Somebody who owes, and whom a step of the ladder that says so reached by no channel. Disputes are left out of `owed`.

    `why`: no_address; consent_withdrawn, for every channel that they have (`channels`); not_a_customer any more; not_delivered, by any of
    them; letter_came_back, and no other way led to them; was_unreachable when it was said, and no longer, so it is said again.
    `stops_cutting_off`: it was the warning without which nobody is cut off.
    """

    customer_id: CustomerId
    name: str
    owed: Money
    oldest_due_on: date
    step: str
    why: str
    channels: tuple[str, ...]
    stops_cutting_off: bool


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


@dataclass(frozen=True)
class FeeDue:
    """One overdue bill that costs a late fee which was not charged yet; `open` is what is owed of it, disputes left out."""

    customer_id: CustomerId
    subscriber_id: SubscriberId
    invoice_id: InvoiceId
    number: int
    due_on: date
    open: Money


@dataclass(frozen=True)
class FeeCharged:
    """A late fee, and the line of a bill where it stands by now. `is_issued`: that bill was sent, so only a credit note gives it back."""

    invoice_id: InvoiceId
    label: str
    amount: Money
    is_waived: bool
    billed_on: InvoiceId | None
    is_issued: bool
