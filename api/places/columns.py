"""What a file of places holds, by layer: the columns in their order, and how each is written as text."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Layer(StrEnum):
    """PLANT goes out only: a plan of the network comes in by `bedrock import topology`."""

    PREMISES = "premises"
    COVERAGE = "coverage"
    PLANT = "plant"


@dataclass(frozen=True)
class Columns:
    """`words`, whole `numbers`, `decimals`, yes-or-no `flags` and `days`; in GeoJSON the properties. `optional`: may be left out."""

    every: tuple[str, ...]
    numbers: frozenset[str] = frozenset()
    decimals: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    days: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()


PREMISES: Final = Columns(
    every=("external_id", "number", "unit", "street", "town", "postcode", "area", "building", "kind", "is_provisional"),
    flags=frozenset({"is_provisional"}),
    optional=frozenset({"external_id", "unit", "building", "kind", "is_provisional"}),
)
COVERAGE: Final = Columns(
    every=("name", "technology", "down_kbps", "up_kbps", "ready_on"),
    numbers=frozenset({"down_kbps", "up_kbps"}),
    days=frozenset({"ready_on"}),
    optional=frozenset({"ready_on"}),
)
PLANT: Final = Columns(
    every=(
        "name",
        "kind",
        "technology",
        "area",
        "ports",
        "down_kbps",
        "up_kbps",
        "reach_m",
        "azimuth_deg",
        "beamwidth_deg",
        "split",
        "budget_db",
        "ready_on",
    )
)
OF_LAYER: Final = {Layer.PREMISES: PREMISES, Layer.COVERAGE: COVERAGE, Layer.PLANT: PLANT}
# Degrees in columns of their own for points, and well-known text for polygons: what every GIS reads from a CSV file.
LATITUDE, LONGITUDE, GEOMETRY = "latitude", "longitude", "geometry"
