"""What an incident may call for, one branch each: what is owed at this moment, or nothing. Asked again, the same is owed once."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final

from atlas.billing.records import CreditKind
from atlas.itsm.reads import tickets_of_incident, unfinished
from atlas.itsm.records import Incident, IncidentState
from atlas.statements import Connection
from cortex.findings import CauseClass
from forge.action import Action
from forge.actions.billing import IssueCredits
from forge.actions.helpdesk import NotifyOutage, NotifyRestored
from forge.actions.itsm import CloseIncident, OpenTickets

Branch = Callable[[Connection, Incident, datetime], Awaitable[Action | None]]


async def tickets(conn: Connection, incident: Incident, _: datetime) -> Action | None:
    return None if await tickets_of_incident(conn, incident.incident_id) else OpenTickets(incident.incident_id)


async def notices(conn: Connection, incident: Incident, now: datetime) -> Action | None:
    """For whoever is without service and has not been told."""
    action = await NotifyOutage.due_for(conn, incident.incident_id, now)
    return action if action.customers else None


async def restored(conn: Connection, incident: Incident, now: datetime) -> Action | None:
    """For whoever was told, is back, and has not been told so."""
    action = await NotifyRestored.due_for(conn, incident.incident_id, now)
    return action if action.customers else None


async def goodwill(conn: Connection, incident: Incident, now: datetime) -> Action | None:
    action = await IssueCredits.due_for(conn, incident.incident_id, CreditKind.GOODWILL, now)
    return action if action.credits else None


async def duration(conn: Connection, incident: Incident, now: datetime) -> Action | None:
    """What the length of the outage calls for, once it is known."""
    action = await IssueCredits.due_for(conn, incident.incident_id, CreditKind.DURATION, now)
    return action if action.credits else None


async def closing(conn: Connection, incident: Incident, _: datetime) -> Action | None:
    """Once nothing in it is unfinished."""
    left = await unfinished(conn, incident.incident_id)
    return None if any(vars(left).values()) else CloseIncident(incident.incident_id)


BRANCHES: Final[Mapping[str, Branch]] = {
    "tickets": tickets,
    "notices": notices,
    "goodwill": goodwill,
    "restored": restored,
    "duration": duration,
    "closing": closing,
}

# An outage that many share: everybody is told, a crew is sent, and everybody harmed is credited.
WIDE: Final = ("tickets", "notices", "goodwill", "restored")
# Nobody of ours can splice somebody else's fibre.
OUTSIDE: Final = ("tickets", "notices", "goodwill", "restored")
# Quality or redundancy lost, or nothing sure: it is looked into, and nobody is alarmed.
GENTLE: Final = ("tickets",)
# One customer's own line.
SINGLE: Final = ("tickets", "notices", "restored")
ENDING: Final = ("restored", "duration", "closing")

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
    if incident.state is IncidentState.RESOLVED:
        return ENDING
    return CALLED_FOR.get(incident.cause, GENTLE) if incident.is_outage else GENTLE
