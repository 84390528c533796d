"""Customers, how they may be reached, and everything that is true of one of them on one page."""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Final

from atlas.identity import ContactId, CustomerId, IncidentId, JobId, NoticeId, OfferingVersionId, OrderId, PremiseId, SubscriberId
from atlas.money import Money


class Channel(StrEnum):
    SMS = "sms"
    WHATSAPP = "whatsapp"
    VOICE = "voice"
    EMAIL = "email"


class Purpose(StrEnum):
    """Why we write: about their service, about their money, or to sell."""

    SERVICE = "service"
    BILLING = "billing"
    MARKETING = "marketing"


@dataclass(frozen=True)
class Customer:
    """Who pays. `vulnerability` is what to bear in mind, as in medical equipment."""

    id: CustomerId
    kind: str
    name: str
    given_name: str
    language: str
    timezone: str
    state: str
    is_vulnerable: bool
    vulnerability: str
    has_emergency_line: bool
    customer_since: date
    birth_date: date | None = None
    is_sanctioned: bool = False
    merged_into_id: CustomerId | None = None
    version: int = 1


@dataclass(frozen=True)
class NewCustomer:
    """Somebody to be registered; `contacts` are (channel, address), the first one preferred. `premise_id`: where, if known."""

    kind: str
    name: str
    given_name: str
    language: str
    timezone: str
    contacts: tuple[tuple[Channel, str], ...]
    birth_date: date | None = None
    premise_id: PremiseId | None = None
    customer_since: date | None = None


@dataclass(frozen=True)
class Amendment:
    """What of a customer is to be another from now on; None leaves it as it is."""

    name: str | None = None
    given_name: str | None = None
    language: str | None = None
    state: str | None = None
    is_vulnerable: bool | None = None
    vulnerability: str | None = None
    birth_date: date | None = None
    is_sanctioned: bool | None = None


@dataclass(frozen=True)
class KnownParty:
    """What of a customer is compared with another: addresses in their one form, premises they have a line at."""

    customer_id: CustomerId
    name: str
    given_name: str
    state: str
    birth_date: date | None
    addresses: tuple[str, ...]
    premises: tuple[PremiseId, ...]


@dataclass(frozen=True)
class Likeness:
    """How surely two records are one person, from 0 to 1, and what says so or against it."""

    customer_id: CustomerId
    name: str
    score: float
    reasons: tuple[str, ...]

    @property
    def is_suspected(self) -> bool:
        return self.score >= SUSPECTED


# Below this two records are simply two people; nothing is ever merged by a score alone.
SUSPECTED: Final = 0.6


@dataclass(frozen=True)
class PartyRole:
    """Another person beside the customer, and what the customer lets them do: be_told, order, pay, everything."""

    id: int
    role: str
    name: str
    channel: Channel
    address: str
    may: tuple[str, ...]
    valid_from: datetime
    valid_until: datetime | None


@dataclass(frozen=True)
class MergeStanding:
    """What stands in the way of making two records one, as Atlas has it at this moment. `owed` is what each has open."""

    customer_id: CustomerId
    absorbed_id: CustomerId
    state: str
    absorbed_state: str
    owed: Money
    absorbed_owed: Money
    open_orders: int
    suspended_lines: int
    active_lines: int
    disputes: int
    is_merged: bool


@dataclass(frozen=True)
class Merge:
    """Two records made one; `undone_at` where they turned out to be two people."""

    id: int
    customer_id: CustomerId
    absorbed_id: CustomerId
    moved: Money
    merged_at: datetime
    undone_at: datetime | None


@dataclass(frozen=True)
class Trouble:
    """One row of Atlas that makes somebody likelier to leave; `measure` in the unit of its kind: hours, days, or 1."""

    kind: str
    place: str
    row_id: int
    measure: float
    at: datetime


@dataclass(frozen=True)
class ChurnReason:
    """Why somebody may leave, how much it weighs by itself, and the rows it rests on, as in ("itsm.ticket", 31)."""

    kind: str
    weight: float
    rows: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class ChurnRisk:
    """From 0 to 1; without a reason it is 0."""

    score: float
    reasons: tuple[ChurnReason, ...]


@dataclass(frozen=True)
class LineStanding:
    """How one line stands before it is cut off or let in again, and what must be borne in mind of whoever depends on it."""

    state: str
    suspended_for: str | None
    version: int
    is_vulnerable: bool
    has_emergency_line: bool


@dataclass(frozen=True)
class OrderOpen:
    id: OrderId
    kind: str
    state: str
    plan: str | None
    ordered_at: datetime
    wanted_on: date | None


@dataclass(frozen=True)
class MessageSeen:
    """One message between us and them, in either direction."""

    at: datetime
    channel: str
    is_from_us: bool
    words: str


@dataclass(frozen=True)
class CustomerFound:
    """One answer to a search: enough to tell two people of one name apart."""

    customer_id: CustomerId
    name: str
    state: str
    is_vulnerable: bool
    address: str
    contact: str


@dataclass(frozen=True)
class CustomerGlanced:
    """A customer in a line: how they stand with us now. `owed` below nothing is in their favour."""

    customer_id: CustomerId
    name: str
    state: str
    is_vulnerable: bool
    active_lines: int
    owed: Money
    is_in_outage: bool


@dataclass(frozen=True)
class Contact:
    """One way to reach the customer; quiet hours are by their own clock, and may cross midnight."""

    id: ContactId
    channel: Channel
    address: str
    is_preferred: bool
    quiet_from: time | None
    quiet_until: time | None


@dataclass(frozen=True)
class QuietHours:
    start: time
    end: time


@dataclass(frozen=True)
class Consent:
    """The customer's last word on one purpose over one channel."""

    purpose: Purpose
    channel: Channel
    is_given: bool


@dataclass(frozen=True)
class ServiceHeld:
    """One live line: what was bought, where it is, and whether it is connected now."""

    subscriber_id: SubscriberId
    state: str
    suspended_for: str | None
    plan: str
    offering_version_id: OfferingVersionId
    down_kbps: int
    up_kbps: int
    monthly_price: Money
    premise_id: PremiseId
    address: str
    area: str
    is_online: bool | None
    online_since: datetime | None


@dataclass(frozen=True)
class OutageAtLine:
    """An incident that took down one of their lines."""

    incident_id: IncidentId
    subscriber_id: SubscriberId
    cause: str
    lost_at: datetime
    restored_at: datetime | None


@dataclass(frozen=True)
class TicketOpen:
    id: int
    kind: str
    state: str
    title: str
    priority: int
    opened_at: datetime
    due_at: datetime | None


@dataclass(frozen=True)
class VisitPlanned:
    id: JobId
    kind: str
    state: str
    window_from: datetime
    window_until: datetime


@dataclass(frozen=True)
class NoticeSent:
    """Exact words that went out to them."""

    id: NoticeId
    purpose: str
    channel: str
    words: str
    state: str
    queued_at: datetime


@dataclass(frozen=True)
class Interaction:
    at: datetime
    kind: str
    channel: str | None
    summary: str


@dataclass(frozen=True)
class CustomerPage:
    """Everything about one customer that somebody who serves them needs; `owed` is negative where we owe them."""

    customer: Customer
    services: tuple[ServiceHeld, ...]
    contacts: tuple[Contact, ...]
    consents: tuple[Consent, ...]
    outages: tuple[OutageAtLine, ...]
    tickets: tuple[TicketOpen, ...]
    visits: tuple[VisitPlanned, ...]
    owed: Money
    notices: tuple[NoticeSent, ...]
    interactions: tuple[Interaction, ...]
    orders: tuple[OrderOpen, ...] = ()
    messages: tuple[MessageSeen, ...] = ()
    roles: tuple[PartyRole, ...] = ()
    merges: tuple[Merge, ...] = ()
    twins: tuple[Likeness, ...] = ()
    risk: ChurnRisk = ChurnRisk(0.0, ())


@dataclass(frozen=True)
class Recipient:
    """One customer as a message would reach them: every contact and every word they said about being written to."""

    customer: Customer
    contacts: tuple[Contact, ...]
    consents: tuple[Consent, ...]


@dataclass(frozen=True)
class OwnDetails:
    """What we hold on the customer who asks; addresses are masked, for whoever holds the phone may read this.

    `reached_by` is the channel on which they hear of their service; None where they closed every one.
    """

    given_name: str
    language: str
    services: tuple[ServiceHeld, ...]
    contacts: tuple[Contact, ...]
    consents: tuple[Consent, ...]
    reached_by: Channel | None
