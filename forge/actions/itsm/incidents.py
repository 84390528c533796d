"""What can be done to incidents and their tickets."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from pydantic import JsonValue

from atlas.errors import AtlasError
from atlas.identity import AlarmId, DeviceId, IncidentId, SubscriberId
from atlas.itsm import reads, writes
from atlas.itsm.records import IncidentState, Root
from atlas.itsm.rules import AlarmAlreadyHeld, IncidentNeedsAlarm, IncidentNotOpen, check_closable, ticket_drafts
from atlas.statements import Connection
from forge.action import Action
from forge.clocks import keep_clocks
from governance.facts import DeviceTier, Facts


@dataclass(frozen=True)
class OpenIncident(Action):
    """Open one incident for one suspected cause, with everything it has cut off.

    `devices` are all that are cut off; whoever hangs from one or is spoken for by one is lost with it. `lines` are lost on their own.
    """

    name: ClassVar[str] = "open_incident"

    cause: str
    is_outage: bool
    root: Root | None
    confidence: float
    hypotheses: tuple[JsonValue, ...]
    alarms: tuple[AlarmId, ...]
    devices: tuple[DeviceId, ...]
    lines: tuple[SubscriberId, ...]
    first_alarm_at: datetime

    @property
    def operation_key(self) -> str:
        # Alarm rows live for ever; the time of the first makes tonight's fault another one than last month's.
        return f"{self.name}:{_digest(sorted(self.alarms), self.first_alarm_at)}"

    def facts(self) -> Facts:
        return Facts(self.name, devices=len(self.devices), device_tier=_tier(self.devices), confidence=self.confidence)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        _check_alarms(self.alarms)
        opened = await writes.open_incident(
            conn,
            cause=self.cause,
            is_outage=self.is_outage,
            root=self.root,
            confidence=self.confidence,
            hypotheses=self.hypotheses,
            alarms=self.alarms,
            devices=self.devices,
            lines=self.lines,
            first_alarm_at=self.first_alarm_at,
            at=now,
        )
        if opened is None:
            raise AlarmAlreadyHeld(self.alarms, (await reads.holder_of_alarms(conn, self.alarms))[0])
        return vars(opened)


@dataclass(frozen=True)
class ReviseIncident(Action):
    """Set what an incident is held to be, and exactly what it holds: it grows by newcomers and shrinks by whoever is back.

    `version` is the incident's as it was seen; where another revision came first, nothing is done.
    """

    name: ClassVar[str] = "revise_incident"

    incident: IncidentId
    version: int
    cause: str
    is_outage: bool
    root: Root | None
    confidence: float
    hypotheses: tuple[JsonValue, ...]
    alarms: tuple[AlarmId, ...]
    devices: tuple[DeviceId, ...]
    lines: tuple[SubscriberId, ...]

    @property
    def incident_id(self) -> IncidentId:
        return self.incident

    @property
    def operation_key(self) -> str:
        held = _digest(sorted(self.alarms), sorted(self.devices), sorted(self.lines), self.cause, self.confidence)
        return f"{self.name}:{self.incident_id}:{self.version}:{held}"

    def facts(self) -> Facts:
        return Facts(self.name, devices=len(self.devices), device_tier=_tier(self.devices), confidence=self.confidence)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        _check_alarms(self.alarms)
        change = await writes.revise_incident(
            conn,
            self.incident_id,
            self.version,
            cause=self.cause,
            is_outage=self.is_outage,
            root=self.root,
            confidence=self.confidence,
            hypotheses=self.hypotheses,
            alarms=self.alarms,
            devices=self.devices,
            lines=self.lines,
            at=now,
        )
        if change is None:
            raise await self._barred(conn)
        if change.subscribers_joined and await reads.tickets_of_incident(conn, self.incident_id):
            await _open_tickets(conn, self.incident_id, now)
        return vars(change)

    async def _barred(self, conn: Connection) -> AtlasError:
        """Why nothing was written."""
        holders = await reads.holder_of_alarms(conn, self.alarms, self.incident_id)
        return AlarmAlreadyHeld(self.alarms, holders[0]) if holders else IncidentNotOpen(self.incident_id)


@dataclass(frozen=True)
class ForIncident(Action):
    """Something that is done once to one incident."""

    incident: IncidentId

    @property
    def incident_id(self) -> IncidentId:
        return self.incident

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.incident_id}"

    def facts(self) -> Facts:
        return Facts(self.name)


@dataclass(frozen=True)
class OpenTickets(ForIncident):
    """Open the parent ticket of an incident and one child for each area that lost a line; those that are there stay.

    Once service is back none is opened: nobody would resolve it, and the incident could never be closed.
    """

    name: ClassVar[str] = "open_child_tickets"

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        if not await reads.is_in_progress_held(conn, self.incident_id):
            return {"parent": None, "children": 0, "because": "service is back already"}
        return await _open_tickets(conn, self.incident_id, now)


@dataclass(frozen=True)
class ResolveIncident(ForIncident):
    """Service is back for everybody: restore whatever the incident still holds and resolve its tickets, those on hold left."""

    name: ClassVar[str] = "resolve_incident"

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        return vars(await writes.resolve_incident(conn, self.incident_id, now))


@dataclass(frozen=True)
class CloseIncident(ForIncident):
    """Close a resolved incident in which nothing is unfinished, and its tickets with it."""

    name: ClassVar[str] = "close_incident"

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        found = await reads.incident(conn, self.incident_id)
        check_closable(self.incident_id, found.state is IncidentState.RESOLVED, await reads.unfinished(conn, self.incident_id))
        outcome = {"tickets": await writes.close_incident(conn, self.incident_id, now)}
        await writes.record_event(conn, self.incident_id, "closed", now, **outcome)
        return outcome


@dataclass(frozen=True)
class OpenProblem(Action):
    """Have somebody look at what no alarm says. `about` names the thing; `turn` is how many tickets there were about it before."""

    name: ClassVar[str] = "open_problem"

    about: str
    title: str
    impact: int
    urgency: int
    turn: int

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.about}:{self.turn}"

    def facts(self) -> Facts:
        return Facts(self.name)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        return {"ticket": await writes.open_problem(conn, self.title, self.impact, self.urgency, now)}


@dataclass(frozen=True)
class CloseProblem(Action):
    """Close the ticket about something that no longer stands."""

    name: ClassVar[str] = "close_problem"

    about: str
    ticket: int

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.ticket}"

    def facts(self) -> Facts:
        return Facts(self.name)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        return {"ticket": self.ticket, "closed": await writes.close_problem(conn, self.ticket, now)}


ACTIONS = (OpenIncident, ReviseIncident, OpenTickets, ResolveIncident, CloseIncident, OpenProblem, CloseProblem)


def _check_alarms(alarms: tuple[AlarmId, ...]) -> None:
    if not alarms:
        raise IncidentNeedsAlarm("an incident needs at least one alarm")


async def _open_tickets(conn: Connection, incident_id: IncidentId, now: datetime) -> dict[str, Any]:
    incident = await reads.incident(conn, incident_id)
    areas = await reads.areas_hit(conn, incident_id)
    drafts = ticket_drafts(incident.cause, incident.root_name, incident.is_outage, areas)
    parent_id, opened = await writes.open_tickets(conn, incident_id, drafts, now)
    # Also of those that were there: whoever joins later may have been promised more.
    await keep_clocks(conn, await reads.clocks(conn, incident_id))
    outcome = {"parent": parent_id, "children": opened, "areas": [area.area for area in areas if area.subscribers]}
    if opened:
        await writes.record_event(conn, incident_id, "tickets_opened", now, **outcome)
    return outcome


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:32]


def _tier(devices: tuple[DeviceId, ...]) -> DeviceTier:
    # Keeping a record touches no device; the tier only says that some are meant.
    return DeviceTier.ACCESS if devices else DeviceTier.NONE
