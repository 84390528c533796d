"""Changes to incidents and tickets. All need a claimed action; the database refuses the rows otherwise."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from atlas.identity import AlarmId, CustomerId, DeviceId, IncidentId, SubscriberId
from atlas.itsm.records import Opened, Resolved, Revision, Root, TicketDraft
from atlas.itsm.rules import IncidentNotOpen
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def open_incident(
    conn: Connection,
    *,
    cause: str,
    is_outage: bool,
    root: Root | None,
    confidence: float,
    hypotheses: Sequence[Any],
    alarms: Sequence[AlarmId],
    devices: Sequence[DeviceId],
    lines: Sequence[SubscriberId],
    first_alarm_at: datetime,
    at: datetime,
) -> Opened | None:
    """One incident with its alarms, its devices and every active subscriber behind them, and the first word of its timeline.

    `lines` are lost on their own. None where another incident holds one of the alarms: nothing was written.
    """
    return await SQL.first(
        conn,
        Opened,
        "open_incident",
        cause=cause,
        is_outage=is_outage,
        confidence=confidence,
        hypotheses=json.dumps(hypotheses),
        alarms=list(alarms),
        devices=list(devices),
        lines=list(lines),
        first_alarm_at=first_alarm_at,
        at=at,
        detail=_held_to_be(cause, confidence),
        **_root_columns(root),
    )


async def revise_incident(
    conn: Connection,
    incident_id: IncidentId,
    version: int,
    *,
    cause: str,
    is_outage: bool,
    root: Root | None,
    confidence: float,
    hypotheses: Sequence[Any],
    alarms: Sequence[AlarmId],
    devices: Sequence[DeviceId],
    lines: Sequence[SubscriberId],
    at: datetime,
) -> Revision | None:
    """What the incident is held to be now, and exactly what it holds: newcomers join at `at`, whoever has left it is restored at `at`.

    None where it is over, was revised since `version`, or another incident holds one of the alarms: nothing was written.
    """
    return await SQL.first(
        conn,
        Revision,
        "revise_incident",
        incident_id=incident_id,
        version=version,
        cause=cause,
        is_outage=is_outage,
        confidence=confidence,
        hypotheses=json.dumps(hypotheses),
        alarms=list(alarms),
        devices=list(devices),
        lines=list(lines),
        at=at,
        detail=_held_to_be(cause, confidence),
        **_root_columns(root),
    )


def _held_to_be(cause: str, confidence: float) -> str:
    return json.dumps({"cause": cause, "confidence": round(confidence, 3)})


async def resolve_incident(conn: Connection, incident_id: IncidentId, at: datetime) -> Resolved:
    """Service is back for whoever it still holds, and its tickets are resolved with it. Raises IncidentNotOpen."""
    resolved = await SQL.first(conn, Resolved, "resolve_incident", incident_id=incident_id, at=at)
    if resolved is None:
        raise IncidentNotOpen(incident_id)
    return resolved


async def close_incident(conn: Connection, incident_id: IncidentId, at: datetime) -> int:
    """Nothing is left to do: how many tickets were closed with it. Whether it may be is for the rules to say first."""
    if not await SQL.run(conn, "close_incident", incident_id=incident_id, at=at):
        raise IncidentNotOpen(incident_id)
    return await SQL.run(conn, "close_tickets", incident_id=incident_id, at=at)


async def record_event(conn: Connection, incident_id: IncidentId, kind: str, at: datetime, **detail: Any) -> None:
    """Adds to the incident's timeline; never changed afterwards."""
    await SQL.run(conn, "record_event", incident_id=incident_id, kind=kind, at=at, detail=json.dumps(detail, default=str))


async def open_tickets(conn: Connection, incident_id: IncidentId, drafts: Sequence[TicketDraft], at: datetime) -> tuple[int, int]:
    """The parent (the first draft) and a child for each area that has none yet: the parent's id, and how many children were new."""
    parent, *children = drafts
    parent_id = await SQL.value(
        conn,
        "open_parent_ticket",
        incident_id=incident_id,
        impact=parent.impact,
        urgency=parent.urgency,
        title=parent.title,
        at=at,
    )
    opened = await SQL.run(
        conn,
        "open_child_tickets",
        parent_id=parent_id,
        incident_id=incident_id,
        area_ids=[child.area_id for child in children],
        impacts=[child.impact for child in children],
        urgencies=[child.urgency for child in children],
        titles=[child.title for child in children],
        at=at,
    )
    return int(parent_id), opened


async def open_request(conn: Connection, customer_id: CustomerId | None, title: str, urgency: int, at: datetime) -> int:
    """A ticket for somebody who wants a person, joined to the open fault that holds their line; its id. `customer_id` None: a stranger."""
    return int(await SQL.value(conn, "open_request", customer_id=customer_id, title=title, urgency=urgency, at=at))


async def open_problem(conn: Connection, title: str, impact: int, urgency: int, at: datetime) -> int:
    """A ticket for what no alarm says; its id."""
    return int(await SQL.value(conn, "open_problem", title=title, impact=impact, urgency=urgency, at=at))


async def close_problem(conn: Connection, ticket_id: int, at: datetime) -> bool:
    """Its reason is gone; False where it was over before."""
    return await SQL.run(conn, "close_problem", ticket_id=ticket_id, at=at) == 1


async def set_due(conn: Connection, dues: Mapping[int, datetime | None]) -> int:
    """When these tickets are due from now on; how many that moved."""
    return await SQL.run(conn, "set_due", ticket_ids=list(dues), dues=list(dues.values()))


async def pause_clock(conn: Connection, ticket_id: int, reason: str, note: str, at: datetime, until: datetime) -> int | None:
    """The clock stands still from `at`; the pause's id, None where it stands still already."""
    paused: int | None = await SQL.value(conn, "pause_clock", ticket_id=ticket_id, reason=reason, note=note, at=at, until=until)
    return paused


async def resume_clock(conn: Connection, ticket_id: int, at: datetime, because: str) -> int | None:
    """The clock runs again from `at`; the pause's id, None where it was running."""
    resumed: int | None = await SQL.value(conn, "resume_clock", ticket_id=ticket_id, at=at, because=because)
    return resumed


def _root_columns(root: Root | None) -> dict[str, int | None]:
    # A lost drop has no element of the plant: its line is the incident's only one.
    return {f"root_{kind}_id": root.id if root and root.kind == kind else None for kind in ("device", "link", "site", "conduit")}
