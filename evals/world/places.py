"""Where lines hang and where they could: serving points with their ports, the drops that are laid, and doors without a line."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evals.world.copying import Column
from evals.world.people import TECHNOLOGY, Lines
from evals.world.plan import World
from evals.world.plant import Plant

Table = tuple[str, dict[str, Column]]
Positions = NDArray[np.float64]
KM_NORTH: Final = 1 / 111.2
KM_EAST: Final = KM_NORTH / np.cos(np.radians(50.7))
# Of each kind: ports, the fastest line in kbit/s down and up, and the longest drop in metres.
POINT: Final = {
    "splitter": (32, 2_300_000, 1_200_000, 500),
    "sector": (40, 300_000, 100_000, 8_000),
    "docsis_node": (128, 1_000_000, 100_000, 800),
    "business_switch": (24, 10_000_000, 10_000_000, 3_000),
}
# Every so manyth splitter has a door beside it that has no line yet; and each area one farm that no plant reaches.
DOOR_WITHOUT_LINE: Final = 4
FARM_KM_SOUTH: Final = 40.0


def end_positions(plant: Plant, away_km: Positions) -> Positions:
    """Latitude and longitude of each end; `away_km`: north and east of the middle of its area."""
    middle = middles(plant.world)[[end.device.area_id - 1 for end in plant.ends]]
    position: Positions = np.round(middle + away_km * np.array([KM_NORTH, KM_EAST]), 6)
    return position


def middles(world: World) -> Positions:
    return np.array([[area.latitude, area.longitude] for area in world.areas])


def serving_points(plant: Plant, position: Positions) -> dict[str, Column]:
    kinds = [POINT[end.place] for end in plant.ends]
    return {
        "device_id": [end.device.id for end in plant.ends],
        "technology": [TECHNOLOGY[end.place] for end in plant.ends],
        "ports": [ports for ports, _, _, _ in kinds],
        "latitude": position[:, 0],
        "longitude": position[:, 1],
        "down_kbps": [down for _, down, _, _ in kinds],
        "up_kbps": [up for _, _, up, _ in kinds],
        "reach_m": [reach for _, _, _, reach in kinds],
        "split": [32 if end.place == "splitter" else None for end in plant.ends],
    }


def drops(plant: Plant, lines: Lines, position: Positions, premise: dict[str, Any], now: datetime) -> dict[str, Column]:
    """One for each line, straight from where it hangs to its door."""
    at = position[lines.end]
    north = (np.asarray(premise["latitude"])[: lines.end.size] - at[:, 0]) / KM_NORTH
    east = (np.asarray(premise["longitude"])[: lines.end.size] - at[:, 1]) / KM_EAST
    return {
        "premise_id": np.arange(lines.end.size) + 1,
        "device_id": np.array([end.device.id for end in plant.ends])[lines.end],
        "length_m": np.round(np.hypot(north, east) * 1000).astype(np.int64),
        "laid_at": [now] * lines.end.size,
    }


def with_doors_without_line(plant: Plant, lines: Lines, position: Positions, premise: dict[str, Any]) -> dict[str, Column]:
    """The premises, and behind them doors that could have a line, each next to one that has, and farms that could not."""
    first = np.unique(lines.end, return_index=True)
    beside = [
        (int(end), int(row))
        for place, (end, row) in enumerate(zip(*first, strict=True))
        if plant.ends[end].place == "splitter" and place % DOOR_WITHOUT_LINE == 0
    ]
    doors = list(_doors(premise, position, beside)) + list(_farms(plant.world))
    count = lines.end.size
    return {
        column: [*_listed(premise[column]), *[door.get(column, count + 1 + number) for number, door in enumerate(doors)]]
        for column in premise
    }


def _doors(premise: dict[str, Any], position: Positions, beside: list[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    for end, row in beside:
        same = {column: _listed(premise[column])[row] for column in ("area_id", "street", "town", "postcode")}
        at = {"latitude": float(position[end, 0]), "longitude": float(position[end, 1])}
        yield {**same, **at, "unit": "", "number": f"{premise['number'][row]}B"}


def _farms(world: World) -> Iterator[dict[str, Any]]:
    for area_id, area in enumerate(world.areas, start=1):
        yield {
            "area_id": area_id,
            "unit": "",
            "number": str(area_id),
            "street": "Lighthouse Lane",
            "town": area.name,
            "postcode": f"HV99 9A{'ABDEFGHJLN'[area_id - 1]}",
            "latitude": round(area.latitude - FARM_KM_SOUTH * KM_NORTH, 6),
            "longitude": area.longitude,
        }


def _listed(column: Any) -> list[Any]:
    return column.tolist() if isinstance(column, np.ndarray) else list(column)
