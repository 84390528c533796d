"""Incidents, who and what each one holds, the tickets that people work, and what happened in order."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from atlas.identity import AlarmId, AreaId, CustomerId, DeviceId, IncidentId, SubscriberId
from atlas.money import Money


class IncidentState(StrEnum):
    """TMF621, as far as an incident goes through it."""

    IN_PROGRESS = "inProgress"
    RESOLVED = "resolved"
    CLOSED = "closed"


@dataclass(frozen=True)
class Root:
    """The element held responsible; `kind` says which id it is: device, link, site, conduit or subscriber (one customer's own drop)."""

    kind: str
    id: int


@dataclass(frozen=True)
class StandingIncident:
    """What an incident in progress is held to be, and its alarms, for comparing with what the network says now."""

    incident_id: IncidentId
    cause: str
    alarms: tuple[AlarmId, ...]


@dataclass(frozen=True)
class HeldIncident:
    """What an incident in progress is held to be, and what it holds, for revising it. `devices` are those not restored; `version` grows
    with every revision."""

    incident_id: IncidentId
    version: int
    cause: str
    is_outage: bool
    root_kind: str | None
    root_id: int | None
    confidence: float
    hypotheses: Any
    correlation_id: UUID
    devices: frozenset[DeviceId]


@dataclass(frozen=True)
class IncidentNamed:
    """An incident in a line: enough to know which it is and whether it is over. Devices leave nothing out."""

    incident_id: IncidentId
    state: IncidentState
    cause: str
    first_alarm_at: datetime
    resolved_at: datetime | None
    devices: int
    subscribers: int
    subscribers_out: int


@dataclass(frozen=True)
class Incident:
    """One incident as people read it. Counts are of everybody it ever held; those ending in `_out` are still without service.

    Devices leave passive plant out. `revenue_at_risk` is a month's recurring charges of the subscribers. `hypotheses` are ranked, best
    first, each with its evidence for and against.
    """

    incident_id: IncidentId
    state: IncidentState
    cause: str
    is_outage: bool
    root_kind: str | None
    root_id: int | None
    root_name: str
    confidence: float
    hypotheses: Any
    first_alarm_at: datetime
    opened_at: datetime
    resolved_at: datetime | None
    closed_at: datetime | None
    correlation_id: UUID
    version: int
    alarms: int
    alarms_open: int
    devices: int
    devices_out: int
    subscribers: int
    subscribers_out: int
    customers: int
    businesses: int
    vulnerable: int
    revenue_at_risk: Money
    areas: tuple[str, ...]


@dataclass(frozen=True)
class AreaHit:
    """What one area loses in an incident: a line counts where its premise is, a device where it stands.

    `repair_hours` is the shortest promised to anybody out there, None where nobody was promised any, and `is_around_the_clock` is its own.
    """

    area_id: AreaId
    area: str
    devices: int
    subscribers: int
    subscribers_out: int
    businesses: int
    vulnerable: int
    repair_hours: int | None
    is_around_the_clock: bool


@dataclass(frozen=True)
class IncidentEvent:
    """One thing that happened in an incident. `kind` is a fixed code; `detail` its figures."""

    at: datetime
    kind: str
    detail: Any


@dataclass(frozen=True)
class LostLine:
    """One subscriber in an incident."""

    subscriber_id: SubscriberId
    customer_id: CustomerId
    customer: str
    area: str
    is_vulnerable: bool
    is_business: bool
    lost_at: datetime
    restored_at: datetime | None


@dataclass(frozen=True)
class LostDevice:
    """One device in an incident."""

    device_id: DeviceId
    name: str
    kind: str
    area: str
    lost_at: datetime
    restored_at: datetime | None


@dataclass(frozen=True)
class IncidentAtLine:
    """A fault that holds, or lately held, one of the customer's own lines."""

    incident_id: IncidentId
    subscriber_id: SubscriberId
    state: IncidentState
    cause: str
    is_outage: bool
    lost_at: datetime
    restored_at: datetime | None


@dataclass(frozen=True)
class PublicOutage:
    """What anybody may know: an outage in an area, since when, and how many lines it has taken."""

    incident_id: IncidentId
    area: str
    cause: str
    since: datetime
    subscribers: int


@dataclass(frozen=True)
class Ticket:
    """One ticket; `priority` 1 is the most pressing."""

    ticket_id: int
    kind: str
    state: str
    parent_id: int | None
    incident_id: IncidentId | None
    area: str | None
    customer_id: CustomerId | None
    impact: int
    urgency: int
    priority: int
    title: str
    opened_at: datetime
    due_at: datetime | None
    resolved_at: datetime | None


@dataclass(frozen=True)
class TicketDraft:
    """A ticket to be opened; `area_id` None is the whole incident."""

    area_id: AreaId | None
    impact: int
    urgency: int
    title: str


@dataclass(frozen=True)
class Pause:
    """A time in which a ticket's clock stands still. `until`: when it runs again at the latest; `resumed_at` None: it stands still now."""

    pause_id: int
    ticket_id: int
    reason: str
    note: str
    paused_at: datetime
    until: datetime
    resumed_at: datetime | None
    resumed_because: str

    @property
    def ends_at(self) -> datetime:
        return self.until if self.resumed_at is None else self.resumed_at


@dataclass(frozen=True)
class Promise:
    """So many hours to repair, of working time or around the clock."""

    repair_hours: int
    is_around_the_clock: bool


@dataclass(frozen=True)
class TicketClock:
    """A ticket and what its clock goes by: since when it runs, and what was promised to the lines that it is about, one by one.

    `hours` and `always` go together; both are empty where nobody was promised anything.
    """

    ticket_id: int
    kind: str
    state: str
    title: str
    priority: int
    customer_id: CustomerId | None
    incident_id: IncidentId | None
    since: datetime
    due_at: datetime | None
    over_at: datetime | None
    hours: tuple[int, ...]
    always: tuple[bool, ...]

    @property
    def promises(self) -> tuple[Promise, ...]:
        return tuple(Promise(hours, always) for hours, always in zip(self.hours, self.always, strict=True))


@dataclass(frozen=True)
class PauseToEnd:
    """A pause that is over: since when, and why."""

    pause_id: int
    ticket_id: int
    at: datetime
    because: str


@dataclass(frozen=True)
class RunOut:
    """An open ticket whose pause nobody ended in time."""

    ticket_id: int
    pause_id: int
    title: str
    reason: str
    priority: int


@dataclass(frozen=True)
class Revision:
    """What one change of an incident's membership came to."""

    alarms_joined: int
    alarms_left: int
    devices_joined: int
    devices_left: int
    subscribers_joined: int
    subscribers_left: int


@dataclass(frozen=True)
class Opened:
    """An incident just opened; `devices` leaves passive plant out."""

    incident_id: IncidentId
    alarms: int
    devices: int
    subscribers: int


@dataclass(frozen=True)
class Resolved:
    """What an incident still held when it was resolved, and its tickets that were resolved with it."""

    subscribers: int
    devices: int
    tickets: int


@dataclass(frozen=True)
class Unfinished:
    """What still stands open in an incident; all zero where it may be closed."""

    alarms: int
    devices: int
    subscribers: int
    tickets: int
    crews: int


@dataclass(frozen=True)
class WaitingAction:
    """An action that waits for a person: what, why, by whom it may be ruled on, and until when."""

    reference: str
    action: str
    reason: str
    verdict_reason: str | None
    approver_roles: tuple[str, ...]
    approvals_needed: int
    proposed_by: str
    proposed_at: datetime
    approve_by: datetime | None
    incident_id: IncidentId | None
    customers: int
    money: str


@dataclass(frozen=True)
class ElementName:
    """What people call something that can break; `kind` says which id it is."""

    kind: str
    id: int
    name: str


@dataclass(frozen=True)
class Observation:
    """One piece of evidence. `weight` is in nats: about 2.3 is ten to one. `count` of `of` is what was counted, where something was."""

    observation: str
    weight: float
    count: int
    of: int


@dataclass(frozen=True)
class Suspicion:
    """One suspected cause, with what speaks for it and against it, weightiest first."""

    cause: str
    elements: tuple[str, ...]
    confidence: float
    speaks_for: tuple[Observation, ...]
    speaks_against: tuple[Observation, ...]


@dataclass(frozen=True)
class Problem:
    """An open ticket for what no alarm says. `about` is the same for the same thing: pool:3, line:12; `priority` 1 is the most pressing."""

    ticket_id: int
    about: str
    title: str
    priority: int
    opened_at: datetime
