"""The room where faults are watched: the board, and one incident with its cause, its reach and everything being done."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Final, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response

from atlas.actions.reads import actions_of_incident
from atlas.actions.rules import reference
from atlas.cmdb.reads import spans_of_incident, stops_of_incident
from atlas.cmdb.records.plant import Span, Stop
from atlas.field_service.reads import jobs_of_incident
from atlas.helpdesk.reads import told_in_incident
from atlas.helpdesk.records import ToldCount
from atlas.identity import IncidentId
from atlas.itsm import reads as itsm
from atlas.itsm.records import Incident, IncidentEvent, IncidentState
from atlas.nms.reads import alarm_pulse
from atlas.statements import Connection
from console.guards import ANYBODY
from console.hypotheses import Suspect, suspects
from console.picture import Drawing, Station, Wire, drawing
from console.room import Me, Room, RowId

JOINED: Final = "alarms_joined"
Region = Literal["top", "picture", "timeline", "hypotheses", "actions"]


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])

    @routes.get("/", dependencies=[Depends(ANYBODY)])
    async def home() -> Response:
        return RedirectResponse("/incidents", status_code=303)

    @routes.get("/incidents")
    async def board(me: Me = Depends(room.staff)) -> Response:
        return await room.page("incidents.html", me, "incidents", **await board_facts(room, me))

    @routes.get("/incidents/board")
    async def board_region(me: Me = Depends(room.staff)) -> Response:
        return room.region("board.html", **await board_facts(room, me))

    @routes.get("/incidents/{incident_id}")
    async def one(incident_id: RowId, me: Me = Depends(room.staff)) -> Response:
        return await room.page("incident.html", me, "incidents", **await incident_facts(room, me, IncidentId(incident_id)))

    @routes.get("/incidents/{incident_id}/{region}")
    async def part(incident_id: RowId, region: Region, me: Me = Depends(room.staff)) -> Response:
        return room.region(f"incident_{region}.html", **await incident_facts(room, me, IncidentId(incident_id)))

    return routes


async def board_facts(room: Room, me: Me) -> dict[str, Any]:
    async with room.forge.atlas.transaction(me.principal) as conn:
        found = await itsm.incidents(conn)
        pulse = await alarm_pulse(conn)
        problems = await itsm.problems(conn)
    standing = [incident for incident in found if incident.state is not IncidentState.CLOSED]
    closed = [incident for incident in found if incident.state is IncidentState.CLOSED][:10]
    return {"open": standing, "closed": closed, "pulse": pulse, "problems": problems}


async def incident_facts(room: Room, me: Me, incident_id: IncidentId) -> dict[str, Any]:
    """Everything the page of one incident shows, in one transaction. Raises NotFound."""
    async with room.forge.atlas.transaction(me.principal) as conn:
        incident = await itsm.incident(conn, incident_id)
        return {
            "incident": incident,
            "areas": await itsm.areas_hit(conn, incident_id),
            "timeline": [*reversed(folded(await itsm.timeline(conn, incident_id)))],
            "hypotheses": await named_suspects(conn, incident),
            "picture": picture(incident, await stops_of_incident(conn, incident_id), await spans_of_incident(conn, incident_id)),
            "tickets": await itsm.tickets_of_incident(conn, incident_id),
            "jobs": await jobs_of_incident(conn, incident_id),
            "notices": by_purpose(await told_in_incident(conn, incident_id, most=400)),
            "actions": [(reference(row.id), row) for row in await actions_of_incident(conn, incident_id)],
        }


def folded(events: Sequence[IncidentEvent]) -> list[IncidentEvent]:
    """Alarms that joined one after another are one event, at the time of the last."""
    told: list[IncidentEvent] = []
    for event in events:
        if event.kind == JOINED and told and told[-1].kind == JOINED:
            joined = told[-1].detail["alarms_joined"] + event.detail["alarms_joined"]
            event = replace(event, detail={**event.detail, "alarms_joined": joined})
            told.pop()
        told.append(event)
    return told


def by_purpose(told: Sequence[ToldCount]) -> list[tuple[str, list[ToldCount]]]:
    """What was told, purpose by purpose, most heard words first."""
    ordered = sorted(told, key=lambda one: (one.purpose, -one.customers))
    return [(purpose, list(group)) for purpose, group in groupby(ordered, key=lambda one: one.purpose)]


async def named_suspects(conn: Connection, incident: Incident) -> list[Suspect]:
    found = suspects(incident.hypotheses)
    names = await itsm.names_of_elements(conn, [(suspect.kind, suspect.id) for suspect in found])
    return [suspect.named(names.get((suspect.kind, suspect.id), "")) for suspect in found]


def picture(incident: Incident, stops: Sequence[Stop], spans: Sequence[Span]) -> Drawing:
    """The reach of an incident as a drawing; the root is where it broke."""
    stations = [Station(stop.device_id, stop.name, stop.kind, _state_of(incident, stop), stop.lines) for stop in stops]
    lost = {stop.device_id for stop in stops if stop.is_lost}
    wires = [Wire(span.one, span.other, _wire_state(incident, span, lost)) for span in spans]
    return drawing(stations, wires)


def _state_of(incident: Incident, stop: Stop) -> str:
    if incident.root_kind == "device" and incident.root_id == stop.device_id and stop.is_lost:
        return "root"
    if stop.is_lost:
        return "lost"
    return "back" if stop.was_lost else "well"


def _wire_state(incident: Incident, span: Span, lost: set[Any]) -> str:
    if span.one not in lost and span.other not in lost:
        return "well"
    hit = {"link": span.link_id, "conduit": span.conduit_id}.get(incident.root_kind or "")
    return "cut" if hit is not None and hit == incident.root_id else "lost"
