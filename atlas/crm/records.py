"""Customers, how they may be reached, and everything that is true of one of them on one page."""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

from atlas.identity import ContactId, CustomerId, IncidentId, JobId, NoticeId, OfferingVersionId, PremiseId, SubscriberId
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
