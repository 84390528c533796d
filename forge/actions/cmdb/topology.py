"""A plan of the network, taken in: areas first, then what stands in them, then what joins it."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from atlas.cmdb.records.plant import PlannedPlant
from atlas.cmdb.rules import level_of
from atlas.cmdb.writes import record_plant
from atlas.errors import Conflict, InvalidField
from atlas.gis.records import Position
from atlas.gis.writes import record_areas
from atlas.statements import Connection
from forge.action import Action
from governance.facts import DeviceTier, Facts

# Where the plan gives no position at all, the area lies where the map begins, for somebody to correct.
NOWHERE: Final = Position(0.0, 0.0)
# An action is kept with its arguments for good.
MOST_ROWS: Final = 50_000


@dataclass(frozen=True)
class ImportTopology(Action):
    """Take in devices and links of a plan that are not known yet, all or none. `source` names the reading of a file."""

    name: ClassVar[str] = "import_topology"

    source: str
    plant: PlannedPlant

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.source}"

    def facts(self) -> Facts:
        highest = max((level_of(device.kind) for device in self.plant.devices), default=0)
        return Facts(self.name, devices=len(self.plant.devices), device_tier=DeviceTier(highest))

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises Conflict where something of it came in from somebody else first: then none of it is taken."""
        if len(self.plant.devices) + len(self.plant.links) > MOST_ROWS:
            raise InvalidField("plant", f"at most {MOST_ROWS} devices and links at once")
        await record_areas(conn, middles(self.plant))
        recorded = await record_plant(conn, self.plant)
        if (recorded.devices, recorded.links) != (len(self.plant.devices), len(self.plant.links)):
            raise Conflict("a device, a link or a port of this plan came in from somebody else first: read the file again")
        return {"devices": recorded.devices, "links": recorded.links}


def middles(plant: PlannedPlant) -> dict[str, Position]:
    """Each area's middle: the mean of its devices' positions."""
    positions: dict[str, list[Position]] = defaultdict(list)
    for device in plant.devices:
        known = positions[device.area]
        if device.latitude is not None and device.longitude is not None:
            known.append(Position(device.latitude, device.longitude))
    return {area: _mean(known) for area, known in positions.items()}


def _mean(positions: list[Position]) -> Position:
    if not positions:
        return NOWHERE
    count = len(positions)
    return Position(sum(each.latitude for each in positions) / count, sum(each.longitude for each in positions) / count)


ACTIONS: Final[tuple[type[Action], ...]] = (ImportTopology,)
