"""What an agent may ask of incidents: is there one, what does it touch, why do we think so, what waits for a person."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from atlas.errors import NotFound
from atlas.identity import IncidentId
from atlas.itsm import reads
from atlas.itsm.records import AreaHit, IncidentAtLine, IncidentEvent, LostLine, PublicOutage, Suspicion, Ticket
from atlas.itsm.rules import checked_pause, reading, suspected_elements, suspicions
from atlas.knowledge.reads import solved_like
from atlas.knowledge.records import SolvedBefore
from atlas.money import Money
from atlas.principal import Assurance
from forge.actions.itsm.clocks import PauseClock, ResumeClock
from forge.propose import Proposed
from tools.turn import Turn, needs

# Somebody who asks in the evening means the fault of the afternoon, too.
LATELY: Final = timedelta(hours=24)
LATEST_EVENTS: Final = 12
VULNERABLE_SHOWN: Final = 20
TICKETS_SHOWN: Final = 20


@dataclass(frozen=True)
class Outages:
    """Faults at the customer's own lines (those of the last 24 hours included), and what anybody may know by area.

    A fault without `restored_at` is going on. `area_is_known` False: we have no area of the name asked for, so nothing is known of it.
    """

    at_my_lines: list[IncidentAtLine]
    area: str | None
    area_is_known: bool
    public: list[PublicOutage]


@dataclass(frozen=True)
class IncidentShown:
    """One incident. Counts ending in `_out` are without service now; the others are of everybody it ever held."""

    incident_id: IncidentId
    state: str
    cause: str
    is_outage: bool
    root: str
    confidence: float
    first_alarm_at: datetime
    resolved_at: datetime | None
    alarms_open: int
    devices: int
    subscribers: int
    subscribers_out: int
    areas: tuple[str, ...]
    tickets: list[Ticket]
    happened: list[IncidentEvent]


@dataclass(frozen=True)
class Affected:
    """What an incident has cost: everything it ever held; counts ending in `_out` are without service now.

    `monthly_revenue_at_risk` is a month's recurring charges of the subscribers. `vulnerable_lines` lists at most 20,
    `open_tickets` at most 20 of those that these customers have open themselves.
    """

    incident_id: IncidentId
    devices: int
    devices_out: int
    subscribers: int
    subscribers_out: int
    customers: int
    businesses: int
    vulnerable: int
    monthly_revenue_at_risk: Money
    areas: list[AreaHit]
    vulnerable_lines: list[LostLine]
    open_tickets: list[Ticket]


@dataclass(frozen=True)
class Reasons:
    """Why an incident is held to be what it is: the suspected causes, likeliest first. What is missing to 1 is "unknown"."""

    incident_id: IncidentId
    alarms: int
    suspected: list[Suspicion]


@dataclass(frozen=True)
class WaitingForApproval:
    """An action that waits. `is_mine`: whoever asks holds a role that may rule on it, and did not propose it."""

    reference: str
    action: str
    reason: str
    why_it_waits: str
    customers: int
    money: Money
    approver_roles: tuple[str, ...]
    approvals_needed: int
    proposed_by: str
    proposed_at: datetime
    approve_by: datetime | None
    incident_id: IncidentId | None
    is_mine: bool


@needs(Assurance.UNKNOWN)
async def is_there_an_outage(turn: Turn, area: str | None = None) -> Outages:
    """Faults at the lines of whoever asks, going on or over within 24 hours; and outages that are public, in one area or everywhere.

    `area` is a place's name; left out, a customer is told of their own lines and of all public outages. No time of repair is known here.
    """
    own = turn.principal.customer_id
    at_lines = await reads.incidents_at_lines(turn.conn, own, turn.now - LATELY) if own is not None else []
    known = area is None or await reads.area_is_known(turn.conn, area)
    return Outages(at_lines, area, known, await reads.public_outages(turn.conn, area))


async def show_incident(turn: Turn, incident_id: IncidentId | None = None) -> IncidentShown:
    """One incident: state, cause, root, sureness from 0 to 1, counts, tickets, and the last twelve things that happened. For staff.

    Left out, `incident_id` is the one in progress that opened last.
    """
    found = await reads.incident(turn.conn, await _meant(turn, incident_id))
    return IncidentShown(
        incident_id=found.incident_id,
        state=found.state,
        cause=found.cause,
        is_outage=found.is_outage,
        root=found.root_name,
        confidence=round(found.confidence, 3),
        first_alarm_at=found.first_alarm_at,
        resolved_at=found.resolved_at,
        alarms_open=found.alarms_open,
        devices=found.devices,
        subscribers=found.subscribers,
        subscribers_out=found.subscribers_out,
        areas=found.areas,
        tickets=await reads.tickets_of_incident(turn.conn, found.incident_id),
        happened=(await reads.timeline(turn.conn, found.incident_id))[-LATEST_EVENTS:],
    )


async def solved_before(turn: Turn, question: str) -> list[SolvedBefore]:
    """What engineers found and did about something like this, the best first; at most three jobs. For staff.

    `question` says in words what is wrong. None: nobody wrote down anything like it.
    """
    turn.for_staff_only()
    model, vector = await turn.meaning(question) if turn.meaning else ("", None)
    return await solved_like(turn.conn, question, model, vector)


async def what_is_affected(turn: Turn, incident_id: IncidentId | None = None) -> Affected:
    """Everything an incident has cut off: devices, subscribers, customers, businesses, vulnerable people, money, by area. For staff.

    Left out, `incident_id` is the one in progress that opened last. Devices leave passive plant out.
    """
    found = await reads.incident(turn.conn, await _meant(turn, incident_id))
    return Affected(
        incident_id=found.incident_id,
        devices=found.devices,
        devices_out=found.devices_out,
        subscribers=found.subscribers,
        subscribers_out=found.subscribers_out,
        customers=found.customers,
        businesses=found.businesses,
        vulnerable=found.vulnerable,
        monthly_revenue_at_risk=found.revenue_at_risk,
        areas=await reads.areas_hit(turn.conn, found.incident_id),
        vulnerable_lines=await reads.vulnerable_lines(turn.conn, found.incident_id, VULNERABLE_SHOWN),
        open_tickets=await reads.open_tickets_of_affected(turn.conn, found.incident_id, TICKETS_SHOWN),
    )


async def why_do_you_think_so(turn: Turn, incident_id: IncidentId | None = None) -> Reasons:
    """The suspected causes of an incident, likeliest first, each with what speaks for it and against it, weightiest first. For staff.

    Left out, `incident_id` is the one in progress that opened last. An empty list means that the cause is unknown.
    """
    found = await reads.incident(turn.conn, await _meant(turn, incident_id))
    elements = suspected_elements(found.hypotheses)
    names = await reads.names_of_elements(turn.conn, [(element.kind, element.id) for element in elements])
    return Reasons(found.incident_id, found.alarms, suspicions(found.hypotheses, names))


async def what_waits_for_approval(turn: Turn) -> list[WaitingForApproval]:
    """Actions that wait for a person, the soonest to lapse first: what, why, for how many, how much, and who may rule on it. For staff."""
    turn.for_staff_only()
    roles, asker = {role.value for role in turn.principal.roles}, turn.principal.reference
    return [
        WaitingForApproval(
            reference=one.reference,
            action=one.action,
            reason=one.reason,
            why_it_waits=one.verdict_reason or "",
            customers=one.customers,
            money=Money(one.money),
            approver_roles=one.approver_roles,
            approvals_needed=one.approvals_needed,
            proposed_by=one.proposed_by,
            proposed_at=one.proposed_at,
            approve_by=one.approve_by,
            incident_id=one.incident_id,
            is_mine=bool(roles.intersection(one.approver_roles)) and one.proposed_by != asker,
        )
        for one in await reads.waiting_actions(turn.conn, turn.now)
    ]


async def _meant(turn: Turn, incident_id: IncidentId | None) -> IncidentId:
    turn.for_staff_only()
    meant = incident_id or await reads.latest_incident(turn.conn)
    if meant is None:
        raise NotFound("incident", "yet")
    return meant


@dataclass(frozen=True)
class TicketShown:
    """One ticket and its clock. Hours are of working time where the promise is: what elapsed and what was paused is all since it began.

    `due_at` None: nothing was promised. `waits_for`: what its clock stands still for now, with the note and until when at most.
    """

    ticket_id: int
    state: str
    title: str
    priority: int
    since: datetime
    promised_hours: int | None
    is_around_the_clock: bool
    elapsed_hours: float
    paused_hours: float
    left_hours: float
    due_at: datetime | None
    waits_for: str
    note: str
    waits_until: datetime | None
    pauses: int


async def show_ticket(turn: Turn, ticket: int) -> TicketShown:
    """One ticket: state, since when its clock runs, what was promised, elapsed, paused and left, when it is due. For staff."""
    turn.for_staff_only()
    clock, pauses = await reads.clock_of(turn.conn, ticket)
    at, standing = reading(clock, pauses, turn.now), next((one for one in pauses if one.resumed_at is None), None)
    return TicketShown(
        ticket_id=clock.ticket_id,
        state=clock.state,
        title=clock.title,
        priority=clock.priority,
        since=clock.since,
        promised_hours=at.promise.repair_hours if at else None,
        is_around_the_clock=bool(at and at.promise.is_around_the_clock),
        elapsed_hours=_hours(at.elapsed) if at else 0.0,
        paused_hours=_hours(at.paused) if at else 0.0,
        left_hours=_hours(at.left) if at else 0.0,
        due_at=clock.due_at,
        waits_for=standing.reason if standing else "",
        note=standing.note if standing else "",
        waits_until=standing.until if standing else None,
        pauses=len(pauses),
    )


async def pause_ticket(turn: Turn, ticket: int, reason: Literal["customer", "access", "third_party"], note: str) -> Proposed:
    """Stops the clock of a ticket that waits for its customer, for access or for somebody else; `note` says for what. For staff.

    It runs again when the customer replies, when it is resumed, and after three, five or ten days. Fails where the ticket is over, waits
    already, or nothing was promised.
    """
    turn.for_staff_only()
    clock, pauses = await reads.clock_of(turn.conn, ticket)
    checked_pause(clock, pauses, reason, note)
    return await turn.propose(PauseClock(ticket, f"{turn.correlation_id}", reason, note), note)


async def resume_ticket(turn: Turn, ticket: int, note: str) -> Proposed:
    """Lets the clock of a ticket run again: what it waited for is there. Fails where it runs. For staff."""
    turn.for_staff_only()
    await reads.clock_of(turn.conn, ticket)
    return await turn.propose(ResumeClock(ticket, f"{turn.correlation_id}", note), note)


def _hours(span: timedelta) -> float:
    return round(span / timedelta(hours=1), 2)
