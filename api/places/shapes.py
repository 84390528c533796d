"""Places in an ESRI shapefile, read feature by feature into the same rows as GeoJSON's: what a planner's own program exports."""

import json
import re
import struct
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import shapefile

from api.places.columns import OF_LAYER, Layer
from atlas.errors import InvalidField

# What dBase keeps of a column's name.
NAME: Final = 10
WGS_84: Final = re.compile(r"\s*GEOGCS\[\s*\"(?:GCS_)?WGS[ _]?(?:19)?84\"", re.IGNORECASE)
BROKEN: Final = (shapefile.ShapefileException, shapefile.GeoJSON_Error, struct.error, OSError, ValueError, KeyError, IndexError, TypeError)


def features_of(path: Path, layer: Layer) -> list[dict[str, Any]]:
    """Every feature as GeoJSON has it; columns by the first ten letters of their names. Needs .dbf and .prj beside the .shp.

    Raises InvalidField where the file cannot be read, or its coordinates are not in WGS 84.
    """
    _refuse_other_system(path)
    try:
        with shapefile.Reader(str(path)) as reader:
            return [_feature(_drawn(one.shape), one.record.as_dict(), layer) for one in reader.iterShapeRecords()]
    except BROKEN as error:
        raise InvalidField("file", f"{path.name} cannot be read with its .dbf: {str(error)[:120]}") from None


def _refuse_other_system(path: Path) -> None:
    beside = path.with_suffix(".prj")
    if not beside.exists():
        raise InvalidField("crs", f"{beside.name} is missing: nobody can tell in which system the coordinates are")
    said = beside.read_text(encoding="utf-8", errors="replace")
    if not WGS_84.match(said):
        raise InvalidField("crs", f"coordinates must be WGS 84 (EPSG:4326), not {said[:80]}")


def _drawn(shape: Any) -> Any:
    """As GeoJSON, whose arrays are lists; None for a shape that is nowhere."""
    return None if shape.shapeType == shapefile.NULL else json.loads(json.dumps(shape.__geo_interface__))


def _feature(geometry: Any, record: Mapping[str, Any], layer: Layer) -> dict[str, Any]:
    known = {name.lower()[:NAME]: value for name, value in record.items()}
    properties = {name: _plain(known.get(name[:NAME])) for name in OF_LAYER[layer].every}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _plain(value: Any) -> Any:
    """A cell as JSON has it; dBase pads words with spaces, and has no word but empty for none."""
    if isinstance(value, date):
        return value.isoformat()
    return (value.strip() or None) if isinstance(value, str) else value
