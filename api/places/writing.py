"""Places as files: GeoJSON (RFC 7946: WGS 84, longitude first, one feature a line) and CSV. The same places are the same bytes."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from api.places.columns import GEOMETRY, LATITUDE, LONGITUDE, OF_LAYER, Layer
from atlas.gis.records import DrawnCoverage, PlacedPlant, PlacedPremise

Place = PlacedPremise | DrawnCoverage | PlacedPlant


def as_geojson(layer: Layer, places: Iterable[Place]) -> str:
    features = ",\n".join(json.dumps(_feature(layer, place), ensure_ascii=False, separators=(", ", ": ")) for place in places)
    return f'{{"type": "FeatureCollection", "features": [\n{features}\n]}}\n'


def _feature(layer: Layer, place: Place) -> dict[str, Any]:
    properties = {name: _plain(getattr(place, name)) for name in OF_LAYER[layer].every}
    return {"type": "Feature", "geometry": geometry_of(place), "properties": properties}


def geometry_of(place: Place) -> dict[str, Any]:
    if isinstance(place, DrawnCoverage):
        return place.geometry
    return {"type": "Point", "coordinates": [place.longitude, place.latitude]}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def as_csv(layer: Layer, places: Iterable[Place]) -> str:
    where = (GEOMETRY,) if layer is Layer.COVERAGE else (LATITUDE, LONGITUDE)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*OF_LAYER[layer].every, *where))
    for place in places:
        columns = [_as_text(getattr(place, name)) for name in OF_LAYER[layer].every]
        writer.writerow([*columns, *_place_in_columns(place)])
    return text.getvalue()


def _place_in_columns(place: Place) -> list[str]:
    return [well_known_text(place.geometry)] if isinstance(place, DrawnCoverage) else [repr(place.latitude), repr(place.longitude)]


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(_plain(value))


def well_known_text(geometry: dict[str, Any]) -> str:
    """A polygon as OGC well-known text, every digit of it kept."""
    is_one = geometry["type"] == "Polygon"
    polygons = [geometry["coordinates"]] if is_one else geometry["coordinates"]
    written = [f"({', '.join(_ring(ring) for ring in polygon)})" for polygon in polygons]
    return f"POLYGON {written[0]}" if is_one else f"MULTIPOLYGON ({', '.join(written)})"


def _ring(ring: Sequence[Sequence[float]]) -> str:
    return f"({', '.join(' '.join(repr(degrees) for degrees in point) for point in ring)})"
