"""What can be done with numbers and boxes: reserve, free, give out, exchange, take back, put right."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Self

from atlas.actions.writes import queue_errands
from atlas.cmdb import reads, writes
from atlas.cmdb.records.numbers import Asset, Box, Drift, PlannedPool, PoolOption
from atlas.cmdb.rules import (
    ASSET_LEGAL,
    DeviceInUse,
    NotInStock,
    PoolExhausted,
    RelationCycle,
    SerialTaken,
    checked_asset_move,
    level_of,
    mac_key,
    serial_key,
)
from atlas.errors import Conflict, InvalidField, NotFound
from atlas.identity import CustomerId, DeviceId, StaffId, SubscriberId
from atlas.statements import Connection
from forge.action import Action
from governance.facts import DeviceTier, Facts

# Every line has an address; a prefix and a VLAN where there are pools of them that would do.
NEEDED: Final = "address"
KINDS: Final = ("address", "prefix", "vlan")
RELATIONS: Final = ("hostedOn", "connectsOn", "dependsOn", "ring")
MOST_BOXES: Final = 1000


@dataclass(frozen=True)
class ForLine(Action):
    """An order about one line of one customer; `turn` tells one asking from the next of its kind."""

    customer: CustomerId
    line: SubscriberId
    turn: str

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.line}:{self.turn}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=1, devices=1, device_tier=DeviceTier.CUSTOMER)


@dataclass(frozen=True)
class ReserveNumbers(ForLine):
    """Keep an address, a prefix and a VLAN for a line for a while; what it holds already is kept. `device`: the OLT it will hang from."""

    name: ClassVar[str] = "reserve_numbers"

    device: DeviceId | None = None
    keep_minutes: int = 60

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises PoolExhausted, and then keeps nothing."""
        options = await reads.pools_for(conn, self.line, self.device)
        for kind in KINDS:
            await self._reserve(conn, kind, [option for option in options if option.kind == kind])
        return {"numbers": [one.block or f"{one.s_tag}.{one.place}" for one in await reads.numbers_of(conn, self.line)]}

    async def _reserve(self, conn: Connection, kind: str, pools: list[PoolOption]) -> None:
        for option in pools:
            if await writes.reserve_number(conn, option.pool_id, self.line, timedelta(minutes=self.keep_minutes)):
                return
        if pools or kind == NEEDED:
            raise PoolExhausted(kind, [option.pool for option in pools])


@dataclass(frozen=True)
class FreeNumbers(ForLine):
    """Take back all numbers of a line: those that were used rest in quarantine first."""

    name: ClassVar[str] = "free_numbers"

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        return {"freed": await writes.free_numbers(conn, self.line)}


@dataclass(frozen=True)
class GiveBox(ForLine):
    """Give a line a box out of stock: the one of this serial, else the next of its kind in the warehouse."""

    name: ClassVar[str] = "give_box"

    kind: str = "ont"
    serial: str | None = None

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises SerialTaken, NotInStock, or InvalidField for a serial that cannot be."""
        held = [one for one in await reads.assets_of_line(conn, self.line) if one.kind == self.kind]
        if held:
            return {"serial": held[0].serial, "model": held[0].model}
        box = await chosen_box(conn, self.kind, self.serial)
        await writes.move_asset(conn, box.asset_id, "stock", "assigned", "for this line", now, line=self.line)
        return {"serial": box.serial, "model": box.model}


@dataclass(frozen=True)
class TakeBoxBack(ForLine):
    """The box of a line is its own no more: back in stock, or on its way back (`rma`) until somebody has it in hand."""

    name: ClassVar[str] = "take_box_back"

    becomes: str = "stock"

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        back = []
        for one in await reads.assets_of_line(conn, self.line):
            await writes.move_asset(
                conn,
                one.asset_id,
                one.state,
                checked_asset_move(one.serial, one.state, self.becomes),
                "back from this line",
                now,
                at_line=self.line,
            )
            back.append(one.serial)
        return {"back": back}


@dataclass(frozen=True)
class ReplaceBox(ForLine):
    """Another box at the same place: the old one goes to its maker, and what happened there is told of both."""

    name: ClassVar[str] = "replace_box"

    serial: str
    reason: str

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NotFound where no box stands there, SerialTaken, NotInStock."""
        old = next(iter(await reads.assets_of_line(conn, self.line)), None)
        if old is None:
            raise NotFound("box at line", self.line)
        new = await chosen_box(conn, old.kind, self.serial)
        gone = checked_asset_move(old.serial, old.state, "rma")
        await writes.move_asset(conn, old.asset_id, old.state, gone, self.reason, now, at_line=self.line, replaced_by=new.asset_id)
        await writes.move_asset(conn, new.asset_id, "stock", "assigned", f"instead of {old.serial}", now, line=self.line)
        await writes.move_asset(conn, new.asset_id, "assigned", "installed", f"instead of {old.serial}", now, line=self.line)
        await writes.change_box(conn, self.line, new.serial, new.model)
        return {"was": old.serial, "is": new.serial}


async def chosen_box(conn: Connection, kind: str, serial: str | None) -> Asset:
    """The box of this serial, else the next in the warehouse, held until the transaction ends. Raises SerialTaken or NotInStock."""
    if serial is None:
        picked = await writes.pick_from_stock(conn, kind)
        stock = [one for one in await reads.stock_of(conn, kind, most=1000) if one.asset_id == picked]
        if not stock:
            raise NotInStock(f"no {kind} is left in the warehouse")
        return stock[0]
    known = await reads.asset_of_serial(conn, serial_key(serial, kind))
    if known is None:
        raise NotInStock(f"there is no {kind} {serial_key(serial, kind)} in stock: check the label")
    if await writes.lock_asset(conn, known.asset_id) in ("assigned", "installed"):
        raise SerialTaken(known.serial)
    if known.kind != kind:
        raise NotInStock(f"{known.serial} is no {kind} but a {known.kind}: another maker's or another network's")
    checked_asset_move(known.serial, known.state, "assigned")
    return known


@dataclass(frozen=True)
class ReceiveBoxes(Action):
    """Take boxes into stock, all or none; what is known by its serial or MAC stays as it is."""

    name: ClassVar[str] = "receive_boxes"

    boxes: tuple[Box, ...]
    delivery: str

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.delivery}"

    def facts(self) -> Facts:
        return Facts(self.name, devices=len(self.boxes), device_tier=DeviceTier.CUSTOMER)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises InvalidField for the first box that cannot be, naming its row."""
        if not 0 < len(self.boxes) <= MOST_BOXES:
            raise InvalidField("boxes", f"from 1 to {MOST_BOXES}")
        kept = [checked_box(box, at) for at, box in enumerate(self.boxes, start=1)]
        return {"new": await writes.receive_assets(conn, kept), "of": len(kept)}


def checked_box(box: Box, row: int) -> Box:
    """The box as it is kept. Raises InvalidField with the row."""
    try:
        return replace(box, serial=serial_key(box.serial, box.kind), mac=mac_key(box.mac) if box.mac else None)
    except InvalidField as error:
        raise InvalidField(f"boxes[{row}].{error.field}", error.reason) from None


@dataclass(frozen=True)
class MoveBox(Action):
    """A box that stands at no line: into a van, back to the warehouse, to its maker, or out of use. `was`: its state when asked."""

    name: ClassVar[str] = "move_box"

    serial: str
    was: str
    state: str
    engineer: StaffId | None
    reason: str
    asked_at: datetime

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.serial}:{self.state}:{self.engineer or 0}:{self.asked_at.isoformat()}"

    def facts(self) -> Facts:
        return Facts(self.name, devices=1, device_tier=DeviceTier.CUSTOMER)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NotFound, NotInStock where it may not go there, Conflict where somebody moved it first."""
        box = await reads.asset_of_serial(conn, serial_key(self.serial))
        if box is None:
            raise NotFound("box", self.serial)
        if self.state not in ASSET_LEGAL or self.state in ("assigned", "installed") or box.subscriber_id is not None:
            raise NotInStock(f"{box.serial} is {box.state}: what stands at a line is taken back or exchanged there")
        if self.state != box.state:
            checked_asset_move(box.serial, box.state, self.state)
        if box.state != self.was:
            raise Conflict(f"{box.serial} is no longer {self.was}")
        await writes.move_asset(conn, box.asset_id, box.state, self.state, self.reason, now, engineer_id=self.engineer)
        return {"serial": box.serial, "state": self.state}


@dataclass(frozen=True)
class DefinePool(Action):
    """Open a pool of addresses, prefixes or VLANs."""

    name: ClassVar[str] = "define_pool"

    pool: PlannedPool

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.pool.name}"

    def facts(self) -> Facts:
        return Facts(self.name)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        return {"pool": await writes.define_pool(conn, self.pool), "name": self.pool.name}


@dataclass(frozen=True)
class RuleOnDrift(Action):
    """What the network does for a line and nobody pays for, or the other way round: accept it as it is, or have it put right."""

    name: ClassVar[str] = "rule_on_drift"

    customer: CustomerId
    line: SubscriberId
    down_kbps: int
    up_kbps: int
    is_accepted: bool
    reason: str
    seen_at: datetime

    @classmethod
    def of(cls, drift: Drift, reason: str, *, is_accepted: bool) -> Self:
        found = (drift.customer_id, drift.subscriber_id, drift.actual_down_kbps, drift.actual_up_kbps)
        return cls(*found, is_accepted, reason, drift.since)

    @property
    def operation_key(self) -> str:
        said = "accept" if self.is_accepted else "reject"
        return f"{self.name}:{self.line}:{self.down_kbps}/{self.up_kbps}:{self.seen_at.isoformat()}:{said}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=1, devices=1, device_tier=DeviceTier.CUSTOMER)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises Conflict where the difference is no longer this one."""
        found = next(iter(await reads.drifts(conn, self.line)), None)
        if found is None or (found.actual_down_kbps, found.actual_up_kbps) != (self.down_kbps, self.up_kbps):
            raise Conflict(f"line {self.line} does not do {self.down_kbps}/{self.up_kbps} any more")
        await writes.rule_on_drift(conn, self.line, self.down_kbps, self.up_kbps, self.reason, now, is_accepted=self.is_accepted)
        if not self.is_accepted:
            await self._put_right(conn, found)
        return {"line": self.line, "accepted": self.is_accepted}

    async def _put_right(self, conn: Connection, found: Drift) -> None:
        own = await reads.equipment_of(conn, self.line)
        if own is None:
            raise NotFound("line", self.line)
        speed = {"down_kbps": found.billed_down_kbps, "up_kbps": found.billed_up_kbps}
        arguments = {"line": self.line, "serial": own.cpe_serial, "managed_object": own.managed_object, "device": own.reported_by, **speed}
        await queue_errands(conn, "provisioner", "set_speed", {self.operation_key: {**arguments, "address": own.management_address}})


@dataclass(frozen=True)
class RelateDevices(Action):
    """Write down how two devices belong together: one of RELATIONS."""

    name: ClassVar[str] = "relate_devices"

    from_device: DeviceId
    kind: str
    to_device: DeviceId

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.from_device}:{self.kind}:{self.to_device}"

    def facts(self) -> Facts:
        return Facts(self.name, devices=2, device_tier=DeviceTier.CORE)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises RelationCycle where the one would come to depend on itself; rings are allowed."""
        if self.kind not in RELATIONS:
            raise InvalidField("kind", f"one of {', '.join(RELATIONS)}")
        await writes.lock_relations(conn)
        if self.kind == "dependsOn" and await reads.depends_on(conn, self.to_device, self.from_device):
            raise RelationCycle(f"device {self.to_device} depends on device {self.from_device} already")
        return {"new": await writes.relate(conn, self.from_device, self.kind, self.to_device)}


@dataclass(frozen=True)
class RemoveDevice(Action):
    """Take a device out of the inventory, where nothing hangs from it. Made by `of`, which measures its tier."""

    name: ClassVar[str] = "remove_device"

    device: DeviceId
    device_name: str
    device_tier: DeviceTier

    @classmethod
    async def of(cls, conn: Connection, device: DeviceId) -> Self:
        """Raises NotFound."""
        reach = await reads.reach_of(conn, device)
        if reach is None:
            raise NotFound("device", device)
        return cls(device, reach.name, DeviceTier(level_of(reach.kind)))

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        return await self.of(conn, self.device)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.device}"

    def facts(self) -> Facts:
        return Facts(self.name, devices=1, device_tier=self.device_tier)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises DeviceInUse, and Conflict where history keeps it there."""
        if what := await reads.hanging_from(conn, self.device):
            raise DeviceInUse(self.device_name, what)
        await writes.remove_device(conn, self.device)
        return {"removed": self.device_name}


ACTIONS: Final[tuple[type[Action], ...]] = (
    *(ReserveNumbers, FreeNumbers, GiveBox, TakeBoxBack, ReplaceBox),
    *(ReceiveBoxes, MoveBox, DefinePool, RuleOnDrift, RelateDevices, RemoveDevice),
)
