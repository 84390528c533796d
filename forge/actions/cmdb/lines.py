"""What can be done with a line's place in the plant: hang it on its port, and take it off."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from atlas.cmdb import reads, writes
from atlas.cmdb.records.numbers import Port
from atlas.cmdb.rules import NotInStock
from atlas.errors import Conflict
from atlas.gis.reads import reservation_of
from atlas.gis.writes import end_reservation
from atlas.identity import DeviceId
from atlas.statements import Connection
from forge.action import Action
from forge.actions.cmdb.stock import ForLine


@dataclass(frozen=True)
class ConnectLine(ForLine):
    """Hang a line on its port: the box it was given is installed there, and the numbers that were reserved are its own.

    `reserved_as`: the key under which the port is kept, which is taken up by this.
    """

    name: ClassVar[str] = "connect_line"

    device: DeviceId
    reported_by: DeviceId
    managed_object: str
    reserved_as: str = ""

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NotInStock where no box was given, SerialTaken, or Conflict where the port is taken, or kept no longer."""
        boxes = await reads.assets_of_line(conn, self.line)
        if not boxes:
            raise NotInStock(f"line {self.line} was given no box")
        box = boxes[0]
        port = Port(self.device, self.reported_by, self.managed_object, await self._taken_up(conn))
        await writes.connect_line(conn, self.line, port, box.serial, box.model)
        if box.state == "assigned":
            await writes.move_asset(conn, box.asset_id, "assigned", "installed", "connected", now, line=self.line)
        return {"serial": box.serial, "port": self.managed_object, "numbers": await writes.assign_numbers(conn, self.line)}

    async def _taken_up(self, conn: Connection) -> int | None:
        """The number of the port that was kept for the line, kept no longer: the line itself takes it now."""
        if not self.reserved_as:
            return None
        kept = await reservation_of(conn, self.reserved_as)
        if kept is None or kept.device_id != self.device:
            raise Conflict(f"no port of device {self.device} is kept for {self.reserved_as} any more")
        await end_reservation(conn, self.reserved_as, "taken_up")
        return kept.port


@dataclass(frozen=True)
class DisconnectLine(ForLine):
    """Take a line off its port, which is free from then on, and its numbers back."""

    name: ClassVar[str] = "disconnect_line"

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        return {"was_connected": await writes.disconnect_line(conn, self.line), "freed": await writes.free_numbers(conn, self.line)}


ACTIONS: tuple[type[Action], ...] = (ConnectLine, DisconnectLine)
