"""What an incident may call for, one branch each: what is owed at this moment, or nothing. Asked again, the same is owed once."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from atlas.actions.reads import actions_of_incident
from atlas.actions.records import ActionState
from atlas.billing.records.compensation import CreditKind
from atlas.field_service.reads import free_visit_slots, visit_places, visits_of
from atlas.identity import IncidentId
from atlas.itsm.reads import lost_lines, tickets_of_incident, unfinished
from atlas.itsm.records import Incident, IncidentState
from atlas.statements import Connection
from cortex.findings import CauseClass
from forge.action import Action
from forge.actions.billing.compensation import IssueCredits
from forge.actions.field_service import BookVisit, DispatchCrew
from forge.actions.helpdesk.saying import NotifyOutage, NotifyRestored
from forge.actions.itsm.incidents import CloseIncident, OpenTickets
from forge.actions.nms import RunDiagnostics
from forge.carry_out import nudge_playbook

# A request that ended so was answered: nobody waits for another. One that failed was not; it is asked again.
UNTOLD: Final = frozenset({ActionState.REFUSED, ActionState.REJECTED, ActionState.EXPIRED})

NEXT_ROUND: Final = timedelta(seconds=1)

Branch = Callable[[Connection, IncidentId, datetime], Awaitable[Action | None]]


async def tickets(conn: Connection, incident_id: IncidentId, _: datetime) -> Action | None:
    return None if await tickets_of_incident(conn, incident_id) else OpenTickets(incident_id)


async def diagnostics(conn: Connection, incident_id: IncidentId, now: datetime) -> Action | None:
    """For whatever is lost, can answer, and was not looked at yet."""
    action = await RunDiagnostics.due_for(conn, incident_id, now)
    return action if action.devices else None


async def notices(conn: Connection, incident_id: IncidentId, now: datetime) -> Action | None:
    """For whoever is without service and has not been told."""
    action = await NotifyOutage.due_for(conn, incident_id, now)
    return action if action.customers else None


async def restored(conn: Connection, incident_id: IncidentId, now: datetime) -> Action | None:
    """For whoever was told, is back, and has not been told so."""
    action = await NotifyRestored.due_for(conn, incident_id, now)
    return action if action.customers else None


async def goodwill(conn: Connection, incident_id: IncidentId, now: datetime) -> Action | None:
    action = await IssueCredits.due_for(conn, incident_id, CreditKind.GOODWILL, now)
    return action if action.credits else None


async def duration(conn: Connection, incident_id: IncidentId, now: datetime) -> Action | None:
    """What the length of the outage calls for, once it is known."""
    action = await IssueCredits.due_for(conn, incident_id, CreditKind.DURATION, now)
    return action if action.credits else None


async def crew(conn: Connection, incident_id: IncidentId, now: datetime) -> Action | None:
    action = await DispatchCrew.due_for(conn, incident_id, now)
    return action if action.crews else None


async def visit(conn: Connection, incident_id: IncidentId, now: datetime) -> Action | None:
    """Somebody to the one home whose own line broke, in the first free window; not where a visit is agreed already."""
    lost = [line for line in await lost_lines(conn, incident_id, most=2) if line.restored_at is None]
    if len(lost) != 1 or await visits_of(conn, lost[0].customer_id, now):
        return None
    line = lost[0]
    places = [place for place in await visit_places(conn, line.customer_id) if place.subscriber_id == line.subscriber_id]
    slots = await free_visit_slots(conn, places[0], now) if places else []
    if not slots:
        return None
    because = f"incident {incident_id}: the fault is on this line alone"
    return BookVisit(line.customer_id, line.subscriber_id, slots[0].window_from, because_of_incident=because)


async def closing(conn: Connection, incident_id: IncidentId, now: datetime) -> Action | None:
    """Once nothing in it is unfinished and nobody is owed a word: who came back last may be told by a request that is still under way."""
    left = await unfinished(conn, incident_id)
    if any(vars(left).values()):
        return None
    if await _owes_a_word(conn, incident_id, now):
        await nudge_playbook(conn, incident_id, now + NEXT_ROUND)
        return None
    return CloseIncident(incident_id)


async def _owes_a_word(conn: Connection, incident_id: IncidentId, now: datetime) -> bool:
    """Whether somebody is back who has not been told, and no person or rule has said that they are not to be."""
    if not (await NotifyRestored.due_for(conn, incident_id, now)).customers:
        return False
    asked = [one.state for one in await actions_of_incident(conn, incident_id) if one.name == NotifyRestored.name]
    return not any(state in UNTOLD for state in asked)


BRANCHES: Final[Mapping[str, Branch]] = {
    "tickets": tickets,
    "diagnostics": diagnostics,
    "notices": notices,
    "crew": crew,
    "visit": visit,
    "goodwill": goodwill,
    "restored": restored,
    "duration": duration,
    "closing": closing,
}

# An outage that many share: everybody is told, a crew is sent, and everybody harmed is credited. What people wait for begins first.
WIDE: Final = ("notices", "crew", "tickets", "diagnostics", "goodwill", "restored")
# Nobody of ours can splice somebody else's fibre.
OUTSIDE: Final = ("notices", "tickets", "diagnostics", "goodwill", "restored")
# Quality or redundancy lost, or nothing sure: it is looked into, and nobody is alarmed.
GENTLE: Final = ("tickets", "diagnostics")
# One customer's own line.
SINGLE: Final = ("notices", "visit", "tickets", "diagnostics", "restored")
ENDING: Final = ("restored", "duration")
# Announced beforehand: nobody is told of it as of a fault, and nobody is credited for it.
PLANNED: Final = ("restored",)

CALLED_FOR: Final[Mapping[str, tuple[str, ...]]] = {
    CauseClass.FEEDER: WIDE,
    CauseClass.DISTRIBUTION: WIDE,
    CauseClass.POWER: WIDE,
    CauseClass.DEVICE: WIDE,
    CauseClass.CARD: WIDE,
    CauseClass.UPSTREAM: OUTSIDE,
    CauseClass.DROP: SINGLE,
}


def called_for(incident: Incident) -> tuple[str, ...]:
    """The branches that this incident, as it stands, calls for; none once it is closed."""
    if incident.state is IncidentState.CLOSED:
        return ()
    if incident.cause == CauseClass.PLANNED:
        return PLANNED
    if incident.state is IncidentState.RESOLVED:
        return ENDING
    return CALLED_FOR.get(incident.cause, GENTLE) if incident.is_outage else GENTLE
