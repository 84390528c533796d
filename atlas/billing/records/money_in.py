"""Money that comes in through a provider: what its machine told us, what we asked for, what waits for a person."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from atlas.identity import CustomerId
from atlas.money import Money


class EventKind(StrEnum):
    RECEIVED = "received"
    FAILED = "failed"
    REFUNDED = "refunded"
    CHARGED_BACK = "charged_back"
    CHARGEBACK_WON = "chargeback_won"
    CHARGEBACK_LOST = "chargeback_lost"
    OTHER = "other"


@dataclass(frozen=True)
class MoneyEvent:
    """One event of a provider's. `reference` is its name for the payment; `amount` is in minor units of `currency`, three letters."""

    provider: str
    event_id: str
    kind: EventKind
    reference: str
    amount: Money
    currency: str
    occurred_at: datetime
    customer_id: CustomerId | None = None
    request_id: int | None = None


@dataclass(frozen=True)
class Heard:
    """What became of an event: applied, nothing_to_do, early (its payment is not known yet) or parked, and why."""

    state: str
    why: str
    customer_id: CustomerId | None
    is_new: bool


@dataclass(frozen=True)
class MoneyParked:
    """Money that a person has to look at. `suspense` is what of it waits in the books without an owner."""

    event_id: int
    reference: str
    kind: str
    amount: Money
    currency: str
    why: str
    received_at: datetime
    is_in_suspense: bool


@dataclass(frozen=True)
class PaymentRequest:
    """A link by which a customer can pay; `url` is there once the provider made it."""

    id: int
    amount: Money
    state: str
    url: str | None
    asked_at: datetime


@dataclass(frozen=True)
class PaymentHeld:
    """One payment of a customer, and what of it no debt has used: only that can be given back."""

    reference: str
    customer_id: CustomerId
    amount: Money
    unused: Money
    received_at: datetime


@dataclass(frozen=True)
class RefundNotMade:
    """Money the books say was given back, and the provider refused to. `action_id` is what ordered it."""

    refund_id: int
    customer_id: CustomerId
    action_id: int
    reference: str
    amount: Money
    why: str
