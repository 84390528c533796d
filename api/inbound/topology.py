"""An operator's plan of the network arrives: areas first, then what stands in them."""

from collections import defaultdict
from pathlib import Path
from typing import Final

from api.topology_files import read_topology
from atlas.cmdb.records.plant import PlannedPlant, PlantRecorded
from atlas.cmdb.writes import record_plant
from atlas.connection import Atlas
from atlas.gis.records import Position
from atlas.gis.writes import record_areas
from atlas.principal import executor

# Where the file gives no position at all, the area lies where the map begins, for somebody to correct.
NOWHERE: Final = Position(0.0, 0.0)


async def import_topology(atlas: Atlas, path: Path) -> PlantRecorded:
    """Takes in the network that `path` describes, as one transaction; what is known by its name already stays as it is.

    Raises TopologyUnreadable where the file is wrong; then nothing was taken.
    """
    plant = read_topology(path)
    async with atlas.transaction(executor("import")) as conn:
        await record_areas(conn, middles(plant))
        return await record_plant(conn, plant)


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
