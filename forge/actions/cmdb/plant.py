"""What can be done to the plant: restart a device or a customer's own equipment, set a line up, write down a state."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from atlas.actions.writes import queue_errands
from atlas.cmdb import reads, writes
from atlas.cmdb.records.plant import Equipment, Reach
from atlas.cmdb.rules import level_of
from atlas.errors import Conflict, InvalidField, NotFound
from atlas.identity import CustomerId, DeviceId, OrderId, SubscriberId
from atlas.statements import Connection
from forge.action import Action
from forge.outside.ports import CHANGE
from forge.sessions import newest_session
from governance.facts import DeviceTier, Facts

# Asking again while a restart is under way is the same restart; later it is another.
SAME_RESTART_S: Final = 300
LINE_OPERATIONS: Final = ("reserve", "release", "add_profile", "remove_profile", "set_speed", "refresh_session", "activate", "deactivate")
STATES: Final = ("enabled", "disabled", "unknown")


@dataclass(frozen=True)
class RestartDevice(Action):
    """Restart one device of the plant, or one customer's own ONT or modem. Whoever hangs from it is offline for some minutes.

    Made by `of_device` or `of_line`, which measure whom it touches. Exactly one of `device` and `line` is set.
    """

    name: ClassVar[str] = "restart_device"

    device: DeviceId | None
    line: SubscriberId | None
    customer: CustomerId | None
    customers: int
    device_tier: DeviceTier
    touches_vulnerable: bool
    touches_emergency_line: bool
    asked_at: datetime

    @classmethod
    async def of_device(cls, conn: Connection, device: DeviceId, now: datetime) -> Self:
        """Raises NotFound."""
        reach = await _reach(conn, device)
        tier = DeviceTier(level_of(reach.kind))
        return cls(device, None, None, reach.customers, tier, reach.touches_vulnerable, reach.touches_emergency_line, now)

    @classmethod
    async def of_line(cls, conn: Connection, line: SubscriberId, now: datetime) -> Self:
        """The ONT or modem at the end of a line. Raises NotFound."""
        own = await reads.line_owner(conn, line)
        if own is None:
            raise NotFound("line", line)
        return cls(None, line, own.customer_id, 1, DeviceTier.CUSTOMER, own.touches_vulnerable, own.touches_emergency_line, now)

    @property
    def operation_key(self) -> str:
        target = f"device-{self.device}" if self.device is not None else f"line-{self.line}"
        return f"{self.name}:{target}:{int(self.asked_at.timestamp()) // SAME_RESTART_S}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer

    @property
    def touched_devices(self) -> tuple[DeviceId, ...]:
        # An ONT is no device of the plant; its allowance is kept under its line, as a number that no device has.
        return (self.device,) if self.device is not None else (DeviceId(-(self.line or 0)),)

    def facts(self) -> Facts:
        return Facts(
            self.name,
            customers=self.customers,
            devices=1,
            device_tier=self.device_tier,
            touches_vulnerable=self.touches_vulnerable,
            touches_emergency_line=self.touches_emergency_line,
        )

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        if self.device is not None:
            return await self.of_device(conn, self.device, self.asked_at)
        return await self.of_line(conn, self.line or SubscriberId(0), self.asked_at)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        arguments: dict[str, Any]
        if self.device is not None:
            reach = await _reach(conn, self.device)
            arguments = {"device_id": self.device, "device": reach.name, "address": reach.management_address}
        else:
            own = await _equipment(conn, self.line or SubscriberId(0))
            arguments = {
                "device": own.reported_by,
                "address": own.management_address,
                "managed_object": own.managed_object,
                "serial": own.cpe_serial,
            }
        await queue_errands(conn, "provisioner", "restart", {self.operation_key: arguments})
        return {"restarting": arguments.get("serial") or arguments["device"], "customers": self.customers}


@dataclass(frozen=True)
class ConfigureLine(Action):
    """Let the network do one thing for one line: one of LINE_OPERATIONS, for a speed.

    `attempt` tells one order from the next, where the first was refused for good.
    """

    name: ClassVar[str] = "configure_line"

    customer: CustomerId
    line: SubscriberId
    operation: str
    down_kbps: int
    up_kbps: int
    order: OrderId
    attempt: int = 0

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.line}:{self.operation}:{self.down_kbps}/{self.up_kbps}:{self.order}:{self.attempt}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=1, devices=1, device_tier=DeviceTier.CUSTOMER)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises InvalidField for an operation there is not, Conflict where this very order was given before."""
        if self.operation not in LINE_OPERATIONS:
            raise InvalidField("operation", f"one of {', '.join(LINE_OPERATIONS)}")
        own = await _equipment(conn, self.line)
        arguments: dict[str, Any] = {
            "line": self.line,
            "serial": own.cpe_serial,
            "managed_object": own.managed_object,
            "device": own.reported_by,
            "address": own.management_address,
            "down_kbps": self.down_kbps,
            "up_kbps": self.up_kbps,
            **vars(await reads.profiles_for(conn, self.line, self.order, self.down_kbps, self.up_kbps)),
        }
        if self.operation == CHANGE:
            arguments["session"] = await newest_session(conn, self.line)
        if not await queue_errands(conn, "provisioner", self.operation, {self.operation_key: arguments}):
            raise Conflict(f"{self.operation} of line {self.line} was ordered before")
        return {"line": self.line, "operation": self.operation}


@dataclass(frozen=True)
class MarkDeviceState(Action):
    """Write down a device's operational state (X.731): enabled, disabled or unknown. Made by `of`, which measures its tier."""

    name: ClassVar[str] = "mark_device_state"

    device: DeviceId
    operational_state: str
    device_tier: DeviceTier
    seen_at: datetime

    @classmethod
    async def of(cls, conn: Connection, device: DeviceId, operational_state: str, seen_at: datetime) -> Self:
        """Raises NotFound, or InvalidField where the state is none of X.731's."""
        if operational_state not in STATES:
            raise InvalidField("operational_state", f"one of {', '.join(STATES)}")
        return cls(device, operational_state, DeviceTier(level_of((await _reach(conn, device)).kind)), seen_at)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        return await self.of(conn, self.device, self.operational_state, self.seen_at)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.device}:{self.operational_state}:{self.seen_at.isoformat()}"

    @property
    def touched_devices(self) -> tuple[DeviceId, ...]:
        return (self.device,)

    def facts(self) -> Facts:
        return Facts(self.name, devices=1, device_tier=self.device_tier)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        changed = await writes.change_operational_state(conn, self.device, self.operational_state, self.seen_at)
        return {"operational_state": self.operational_state, "changed": changed}


ACTIONS: tuple[type[Action], ...] = (RestartDevice, ConfigureLine, MarkDeviceState)


async def _reach(conn: Connection, device: DeviceId) -> Reach:
    reach = await reads.reach_of(conn, device)
    if reach is None:
        raise NotFound("device", device)
    return reach


async def _equipment(conn: Connection, line: SubscriberId) -> Equipment:
    own = await reads.equipment_of(conn, line)
    if own is None:
        raise NotFound("line", line)
    return own
