"""Questions about incidents and tickets."""

from collections.abc import Sequence
from datetime import datetime

from atlas.errors import NotFound
from atlas.identity import AlarmId, CustomerId, DeviceId, IncidentId, SubscriberId
from atlas.itsm.records import (
    AreaHit,
    ElementName,
    HeldIncident,
    Incident,
    IncidentAtLine,
    IncidentEvent,
    IncidentNamed,
    IncidentState,
    LostDevice,
    LostLine,
    Pause,
    PauseToEnd,
    Problem,
    PublicOutage,
    RunOut,
    StandingIncident,
    Ticket,
    TicketClock,
    Unfinished,
    WaitingAction,
)
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def open_incidents(conn: Connection) -> list[StandingIncident]:
    """Every incident in progress with its alarms, oldest first."""
    return await SQL.all(conn, StandingIncident, "open_incidents")


async def held_incidents(conn: Connection, incident_ids: Sequence[IncidentId]) -> list[HeldIncident]:
    """Those of these incidents that are in progress, with what a revision of one must know."""
    return await SQL.all(conn, HeldIncident, "held_incidents", incident_ids=list(incident_ids))


async def incidents(conn: Connection, most: int = 50) -> list[Incident]:
    """Those in progress first, then the latest."""
    return await SQL.all(conn, Incident, "incidents", incident_id=None, most=most)


async def incident(conn: Connection, incident_id: IncidentId) -> Incident:
    """One incident with what it has cost so far. Raises NotFound."""
    found = await SQL.first(conn, Incident, "incidents", incident_id=incident_id, most=1)
    if found is None:
        raise NotFound("incident", incident_id)
    return found


async def incidents_named(conn: Connection, incident_ids: Sequence[IncidentId]) -> list[IncidentNamed]:
    """Those of these that there are, in no order."""
    return await SQL.all(conn, IncidentNamed, "incidents_named", incident_ids=list(incident_ids))


async def is_in_progress_held(conn: Connection, incident_id: IncidentId) -> bool:
    """Whether the incident still stands; nobody resolves it before this transaction is over. Raises NotFound."""
    state = await SQL.value(conn, "state_held", incident_id=incident_id)
    if state is None:
        raise NotFound("incident", incident_id)
    return bool(state == IncidentState.IN_PROGRESS)


async def areas_hit(conn: Connection, incident_id: IncidentId) -> list[AreaHit]:
    """The areas that lost a device or a line, those with most lines first."""
    return await SQL.all(conn, AreaHit, "areas_hit", incident_id=incident_id)


async def timeline(conn: Connection, incident_id: IncidentId) -> list[IncidentEvent]:
    """What happened, in order."""
    return await SQL.all(conn, IncidentEvent, "timeline", incident_id=incident_id)


async def lost_lines(conn: Connection, incident_id: IncidentId, after: SubscriberId | None = None, most: int = 50) -> list[LostLine]:
    """A page of the subscribers the incident holds, by id; the next page comes `after` the last."""
    return await SQL.all(conn, LostLine, "lost_lines", incident_id=incident_id, after=after or 0, most=most)


async def vulnerable_lines(conn: Connection, incident_id: IncidentId, most: int) -> list[LostLine]:
    """Lines of vulnerable customers in the incident, those still without service first."""
    return await SQL.all(conn, LostLine, "vulnerable_lines", incident_id=incident_id, most=most)


async def lost_devices(conn: Connection, incident_id: IncidentId, most: int = 500) -> list[LostDevice]:
    """The devices the incident holds, by name; passive plant left out."""
    return await SQL.all(conn, LostDevice, "lost_devices", incident_id=incident_id, most=most)


async def incidents_at_lines(conn: Connection, customer_id: CustomerId, restored_since: datetime) -> list[IncidentAtLine]:
    """Incidents that hold the customer's lines now, and those whose lines came back after `restored_since`; the former first."""
    return await SQL.all(conn, IncidentAtLine, "incidents_at_lines", customer_id=customer_id, restored_since=restored_since)


async def public_outages(conn: Connection, area_name: str | None = None) -> list[PublicOutage]:
    """Outages that anybody may know of, in the area of that name (any case) or everywhere."""
    return await SQL.all(conn, PublicOutage, "public_outages", area_name=area_name)


async def tickets_of_incident(conn: Connection, incident_id: IncidentId) -> list[Ticket]:
    """The parent first."""
    return await SQL.all(conn, Ticket, "tickets_of_incident", incident_id=incident_id)


async def tickets_of_customer(conn: Connection, customer_id: CustomerId) -> list[Ticket]:
    """The customer's own, newest first; at most 20."""
    return await SQL.all(conn, Ticket, "tickets_of_customer", customer_id=customer_id)


async def open_tickets_of_affected(conn: Connection, incident_id: IncidentId, most: int = 50) -> list[Ticket]:
    """Tickets that the incident's customers have open themselves, the most pressing first."""
    return await SQL.all(conn, Ticket, "open_tickets_of_affected", incident_id=incident_id, most=most)


async def holder_of_alarms(conn: Connection, alarms: Sequence[AlarmId], except_incident_id: IncidentId | None = None) -> list[IncidentId]:
    """The other incident of each of these alarms that has one."""
    return await SQL.column(conn, "holder_of_alarms", alarms=list(alarms), except_incident_id=except_incident_id)


async def unfinished(conn: Connection, incident_id: IncidentId) -> Unfinished:
    return await SQL.one(conn, Unfinished, "unfinished", incident_id=incident_id)


async def waiting_actions(conn: Connection, now: datetime, most: int = 50) -> list[WaitingAction]:
    """What waits for a person and has not lapsed, the soonest to lapse first."""
    return await SQL.all(conn, WaitingAction, "waiting_actions", now=now, most=most)


async def names_of_elements(conn: Connection, elements: Sequence[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """What people call these elements (kind and id); one customer's own line by its number."""
    named = await SQL.all(
        conn, ElementName, "names_of_elements", kinds=[kind for kind, _ in elements], ids=[identifier for _, identifier in elements]
    )
    return {(element.kind, element.id): element.name for element in named}


async def unclosed_incidents(conn: Connection) -> list[IncidentId]:
    """Those in progress, and those whose service is back but which are not closed yet."""
    return await SQL.column(conn, "unclosed_incidents")


async def area_is_known(conn: Connection, area_name: str) -> bool:
    """Whether we have an area of that name, in any case."""
    return bool(await SQL.value(conn, "area_is_known", area_name=area_name))


async def latest_incident(conn: Connection) -> IncidentId | None:
    """The one in progress that opened last; else the last there was."""
    found = await SQL.value(conn, "latest_incident")
    return None if found is None else IncidentId(found)


async def devices_answering(conn: Connection) -> list[DeviceId]:
    """Devices of incidents in progress that raised alarms and have none standing any more: they are back, whatever lies above them."""
    return await SQL.column(conn, "devices_answering")


async def problems(conn: Connection) -> list[Problem]:
    """What waits for a person though no alarm stands, the most pressing first."""
    return await SQL.all(conn, Problem, "problems")


async def problems_before(conn: Connection, about: str) -> int:
    """How many tickets there were about it, open or over."""
    return int(await SQL.value(conn, "problems_before", about=about))


async def clock_of(conn: Connection, ticket_id: int) -> tuple[TicketClock, list[Pause]]:
    """One ticket's clock and its pauses, in their order. Raises NotFound."""
    found = await SQL.first(conn, TicketClock, "clocks", ticket_id=ticket_id, incident_id=None)
    if found is None:
        raise NotFound("ticket", ticket_id)
    return found, await pauses_of(conn, [ticket_id])


async def clocks(conn: Connection, incident_id: IncidentId | None = None) -> list[TicketClock]:
    """The clocks of one incident's tickets, or of every ticket that is open."""
    return await SQL.all(conn, TicketClock, "clocks", ticket_id=None, incident_id=incident_id)


async def pauses_of(conn: Connection, ticket_ids: Sequence[int]) -> list[Pause]:
    """By ticket, in the order in which they began."""
    return await SQL.all(conn, Pause, "pauses", ticket_ids=list(ticket_ids))


async def lock_ticket(conn: Connection, ticket_id: int) -> None:
    """Nobody else stops or starts its clock before this transaction is over. Raises NotFound."""
    if await SQL.value(conn, "lock_ticket", ticket_id=ticket_id) is None:
        raise NotFound("ticket", ticket_id)


async def pauses_to_end(conn: Connection, now: datetime) -> list[PauseToEnd]:
    """Pauses whose customer replied, whose time is over or whose ticket is, and since when."""
    return await SQL.all(conn, PauseToEnd, "pauses_to_end", now=now)


async def pauses_run_out(conn: Connection) -> list[RunOut]:
    """Open tickets whose last pause nobody ended in time."""
    return await SQL.all(conn, RunOut, "pauses_run_out")
