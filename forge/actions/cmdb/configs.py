"""What can be done with a device's configuration: say that it works with one, put one back."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Self

from atlas.actions.writes import queue_errands
from atlas.cmdb import reads, writes
from atlas.cmdb.records.plant import Reach
from atlas.cmdb.rules import level_of
from atlas.errors import NotFound
from atlas.identity import ConfigId, DeviceId
from atlas.statements import Connection
from forge.action import Action
from governance.facts import DeviceTier, Facts


@dataclass(frozen=True)
class MarkConfigGood(Action):
    """Keep that a device works with this configuration: it is what is put back when a later one does harm."""

    name: ClassVar[str] = "mark_config_good"

    device: DeviceId
    config: ConfigId
    tier: DeviceTier

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.config}"

    @property
    def touched_devices(self) -> tuple[DeviceId, ...]:
        return (self.device,)

    def facts(self) -> Facts:
        return Facts(self.name, devices=1, device_tier=self.tier)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        reach = await _reach(conn, self.device)
        return replace(self, tier=DeviceTier(level_of(reach.kind)))

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises NotFound where it is none of this device's."""
        if not await writes.mark_config_good(conn, self.device, self.config):
            raise NotFound("configuration of this device", self.config)
        return {"config": self.config, "device": (await _reach(conn, self.device)).name}


@dataclass(frozen=True)
class RestoreConfig(Action):
    """Put a device back to a configuration that it had. `customers` hang from it; whoever does may be offline meanwhile."""

    name: ClassVar[str] = "restore_config"

    device: DeviceId
    config: ConfigId
    since: datetime
    customers: int
    tier: DeviceTier
    touches_vulnerable: bool
    touches_emergency_line: bool

    @classmethod
    async def of(cls, conn: Connection, device: DeviceId, config: ConfigId, since: datetime) -> Self:
        """`since`: when the device came to be configured as it is: put back twice from the same is once. Raises NotFound."""
        reach = await _reach(conn, device)
        tier = DeviceTier(level_of(reach.kind))
        return cls(device, config, since, reach.customers, tier, reach.touches_vulnerable, reach.touches_emergency_line)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.device}:{self.config}:{self.since.isoformat()}"

    @property
    def touched_devices(self) -> tuple[DeviceId, ...]:
        return (self.device,)

    def facts(self) -> Facts:
        return Facts(
            self.name,
            customers=self.customers,
            devices=1,
            device_tier=self.tier,
            touches_vulnerable=self.touches_vulnerable,
            touches_emergency_line=self.touches_emergency_line,
        )

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        return await self.of(conn, self.device, self.config, self.since)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises NotFound where the device never had it."""
        kept = await reads.config_kept(conn, self.device, self.config)
        reach = await _reach(conn, self.device)
        # Not the words: secrets stand in them, and an errand is read by more people. Whoever runs it reads them in Atlas, by their sum.
        where = {"device_id": self.device, "device": reach.name, "address": reach.management_address}
        arguments = {**where, "config": kept.id, "sha256": kept.sha256}
        await queue_errands(conn, "provisioner", "restore_config", {self.operation_key: arguments})
        return {"restoring": reach.name, "config": self.config, "customers": self.customers}


async def _reach(conn: Connection, device: DeviceId) -> Reach:
    found = await reads.reach_of(conn, device)
    if found is None:
        raise NotFound("device", device)
    return found


ACTIONS: tuple[type[Action], ...] = (MarkConfigGood, RestoreConfig)
