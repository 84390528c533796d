"""What Atlas says of the fault that is being played: read, never remembered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from atlas.identity import IncidentId, StaffId
from atlas.money import Money
from atlas.principal import Principal, Role, staff
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


@dataclass(frozen=True)
class Happening:
    """One thing that Atlas recorded: `source` says which table, `subject` which kind; `detail` its figures."""

    at: datetime
    source: str
    subject: str
    detail: Any


@dataclass(frozen=True)
class Figures:
    """What came of one incident. `open_tickets` are customers' own that were open before; `diagnosed` devices of the incident.

    `opted_out` are customers who want no service messages on any channel that they have.
    """

    alarms: int
    last_joined_at: datetime | None
    last_grown_at: datetime | None
    open_tickets: int
    parents: int
    children: int
    tickets_at: datetime | None
    diagnosed: int
    diagnosed_from: datetime | None
    diagnosed_at: datetime | None
    told_twice: int
    told_after_opting_out: int
    opted_out: int
    credits: int
    credited: Money


@dataclass(frozen=True)
class NoticesByChannel:
    """Notices of one purpose on one channel; `held_back` wait for the end of somebody's quiet hours."""

    channel: str
    notices: int
    sent: int
    as_preferred: int
    held_back: int
    last_queued_at: datetime
    last_sent_at: datetime | None


@dataclass(frozen=True)
class CrewJob:
    job_id: int
    kind: str
    state: str
    engineer: str | None
    window_from: datetime


@dataclass(frozen=True)
class _Member:
    staff_id: StaffId
    name: str
    roles: tuple[str, ...]


async def incidents_of_fault(conn: Connection, device_ids: Sequence[int], since: datetime) -> list[IncidentId]:
    """Incidents opened since then that hold alarms of these devices, the one with most of them first."""
    return [IncidentId(found) for found in await SQL.column(conn, "incidents_of_fault", device_ids=list(device_ids), since=since)]


async def incidents_standing(conn: Connection, device_ids: Sequence[int]) -> list[IncidentId]:
    return [IncidentId(found) for found in await SQL.column(conn, "incidents_standing", device_ids=list(device_ids))]


async def alarms_open(conn: Connection, device_ids: Sequence[int]) -> int:
    return int(await SQL.value(conn, "alarms_open", device_ids=list(device_ids)))


async def happenings(conn: Connection, incident_id: IncidentId) -> list[Happening]:
    """Everything recorded of the incident, in order."""
    return await SQL.all(conn, Happening, "happenings", incident_id=incident_id)


async def figures(conn: Connection, incident_id: IncidentId) -> Figures:
    return await SQL.one(conn, Figures, "figures", incident_id=incident_id)


async def notices(conn: Connection, incident_id: IncidentId, purpose: str) -> list[NoticesByChannel]:
    return await SQL.all(conn, NoticesByChannel, "notices", incident_id=incident_id, purpose=purpose)


async def unsettled(conn: Connection, incident_id: IncidentId) -> int:
    """Actions, notices and errands of the incident that somebody still works on; what waits for a person is not among them."""
    return int(await SQL.value(conn, "unsettled", incident_id=incident_id))


async def crew_jobs(conn: Connection, incident_id: IncidentId) -> list[CrewJob]:
    return await SQL.all(conn, CrewJob, "crew_jobs", incident_id=incident_id)


async def somebody_with(conn: Connection, role: Role) -> Principal | None:
    """A member of staff of this role, on shift if anybody is."""
    found = await SQL.first(conn, _Member, "member_of_role", role=role.value)
    return staff(found.staff_id, found.name, frozenset(Role(held) for held in found.roles)) if found else None
