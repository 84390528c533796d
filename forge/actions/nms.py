"""What can be done about alarms: look closer, acknowledge, plan work."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from atlas.actions.writes import queue_errands
from atlas.cmdb.reads import devices_by_id, probe_targets
from atlas.cmdb.records.plant import ProbeTarget
from atlas.cmdb.rules import level_of
from atlas.errors import InvalidField
from atlas.identity import AlarmId, DeviceId, IncidentId
from atlas.itsm.writes import record_event
from atlas.nms import writes
from atlas.statements import Connection
from forge.action import Action
from governance.facts import DeviceTier, Facts


@dataclass(frozen=True)
class RunDiagnostics(Action):
    """Look at the devices behind an incident, once each: does it answer, and how fast? Nothing is changed by looking."""

    name: ClassVar[str] = "run_diagnostics"

    incident: IncidentId
    devices: tuple[DeviceId, ...]
    device_tier: DeviceTier

    @classmethod
    async def due_for(cls, conn: Connection, incident: IncidentId, now: datetime) -> Self:  # noqa: ARG003
        """Whatever is lost, can answer and was not asked yet; `devices` is empty where that is nothing."""
        targets = await probe_targets(conn, incident)
        return cls(incident, tuple(target.device_id for target in targets), _highest(targets))

    @property
    def incident_id(self) -> IncidentId:
        return self.incident

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.incident}:{_short(self.devices)}"

    @property
    def touched_devices(self) -> tuple[DeviceId, ...]:
        return self.devices

    def facts(self) -> Facts:
        return Facts(self.name, devices=len(self.devices), device_tier=self.device_tier)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        return await self.due_for(conn, self.incident, now)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        targets = await devices_by_id(conn, self.devices)
        wanted = {
            f"diagnose:{self.incident}:{target.device_id}": {
                "device_id": target.device_id,
                "device": target.name,
                "address": target.management_address,
            }
            for target in targets
        }
        outcome = {"devices": await queue_errands(conn, "prober", "diagnose", wanted)}
        await record_event(conn, self.incident, "diagnostics_started", now, **outcome)
        return outcome


@dataclass(frozen=True)
class AcknowledgeAlarm(Action):
    """Say that somebody has seen the alarms; they stand until their cause is gone."""

    name: ClassVar[str] = "acknowledge_alarm"

    alarms: tuple[AlarmId, ...]

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{_short(self.alarms)}"

    def facts(self) -> Facts:
        return Facts(self.name)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        return {"alarms": await writes.acknowledge_alarms(conn, self.alarms)}


@dataclass(frozen=True)
class SetMaintenanceWindow(Action):
    """Plan work on devices: their alarms in that time are kept and wake nobody.

    Made by `on`, which measures how far up the network the devices stand.
    """

    name: ClassVar[str] = "set_maintenance_window"

    devices: tuple[DeviceId, ...]
    device_tier: DeviceTier
    starts_at: datetime
    ends_at: datetime
    why: str

    @classmethod
    async def on(cls, conn: Connection, devices: Sequence[DeviceId], starts_at: datetime, ends_at: datetime, why: str) -> Self:
        """Devices that are not known are left out. Raises InvalidField where none is, or the time runs backwards."""
        known = await devices_by_id(conn, devices)
        if not known:
            raise InvalidField("devices", "none of them is known")
        if ends_at <= starts_at:
            raise InvalidField("ends_at", "a window ends after it starts")
        return cls(tuple(target.device_id for target in known), _highest(known), starts_at, ends_at, why)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{_short(self.devices)}:{self.starts_at.isoformat()}:{self.ends_at.isoformat()}"

    @property
    def touched_devices(self) -> tuple[DeviceId, ...]:
        return self.devices

    def facts(self) -> Facts:
        return Facts(self.name, devices=len(self.devices), device_tier=self.device_tier)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        return await self.on(conn, self.devices, self.starts_at, self.ends_at, self.why)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        if self.ends_at <= now:
            raise InvalidField("ends_at", "the window is over")
        return {"devices": await writes.set_maintenance_window(conn, self.devices, self.starts_at, self.ends_at, self.why)}


ACTIONS: tuple[type[Action], ...] = (RunDiagnostics, AcknowledgeAlarm, SetMaintenanceWindow)


def _highest(targets: Iterable[ProbeTarget]) -> DeviceTier:
    return DeviceTier(max((level_of(target.kind) for target in targets), default=0))


def _short(ids: Iterable[int]) -> str:
    return hashlib.sha256(",".join(map(str, sorted(ids))).encode()).hexdigest()[:32]
