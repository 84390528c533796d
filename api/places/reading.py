"""Files of places, read row by row: GeoJSON, CSV and shapefiles become the same rows, and a wrong one says its number, field and why."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

from shapely import from_wkt
from shapely.errors import GEOSException
from shapely.geometry import mapping

from api.places.columns import GEOMETRY, LATITUDE, LONGITUDE, OF_LAYER, Columns, Layer
from api.places.shapes import features_of
from atlas.errors import InvalidField
from atlas.gis.records import DrawnCoverage, PlacedPremise
from atlas.gis.rules.geometry import WGS_84

Place = PlacedPremise | DrawnCoverage
# Extended well-known text says its reference system in front: SRID=4326;POLYGON ((...)).
EXTENDED: Final = re.compile(r"\s*SRID=(\d+);", re.IGNORECASE)
WGS_84_SRID: Final = "4326"
NOT_WGS_84: Final = "coordinates must be WGS 84 (EPSG:4326), not {}"


@dataclass(frozen=True)
class RowRead:
    """One row of a file: a feature counted from 1, or a line of CSV, the head being line 1. `place`, or the field that is wrong and why."""

    row: int
    place: Place | None
    field: str = ""
    reason: str = ""


def rows_read(path: Path, layer: Layer) -> list[RowRead]:
    """Every row of a .geojson, .json, .csv or .shp file. Raises InvalidField where the file as a whole cannot be read."""
    if path.suffix.lower() == ".shp":
        return [_read(at, layer, partial(_of_feature, feature, layer)) for at, feature in enumerate(features_of(path, layer), 1)]
    text = _text(path)
    if path.suffix.lower() in (".geojson", ".json"):
        return rows_of_geojson(text, layer)
    if path.suffix.lower() == ".csv":
        return rows_of_csv(text, layer)
    raise InvalidField("file", f"{path.name} is none of .geojson, .json, .csv and .shp")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidField("file", f"{path.name}: {error}") from error


def rows_of_geojson(text: str, layer: Layer) -> list[RowRead]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidField("file", f"no JSON: {error}") from None
    if not isinstance(document, Mapping) or document.get("type") != "FeatureCollection" or not isinstance(document.get("features"), list):
        raise InvalidField("file", "a GeoJSON FeatureCollection is needed")
    _refuse_other_system(document.get("crs"))
    return [_read(at, layer, partial(_of_feature, feature, layer)) for at, feature in enumerate(document["features"], 1)]


def _refuse_other_system(crs: Any) -> None:
    """RFC 7946 knows WGS 84 alone; files of before (2008) name another one here."""
    if crs is None:
        return
    named = str(crs.get("properties", {}).get("name", crs)) if isinstance(crs, Mapping) else str(crs)
    if named not in WGS_84:
        raise InvalidField("crs", NOT_WGS_84.format(named[:80]))


def rows_of_csv(text: str, layer: Layer) -> list[RowRead]:
    columns = OF_LAYER[layer]
    where = (GEOMETRY,) if layer is Layer.COVERAGE else (LATITUDE, LONGITUDE)
    reader = csv.DictReader(io.StringIO(text))
    named = reader.fieldnames or []
    missing = [name for name in (*columns.every, *where) if name not in named and name not in columns.optional]
    if missing:
        raise InvalidField(missing[0], f"there is no such column; needed are {', '.join((*columns.every, *where))}")
    return list(_lines(reader, layer))


def _lines(reader: "csv.DictReader[str]", layer: Layer) -> Iterator[RowRead]:
    try:
        for row in reader:
            known = {name: value.strip() for name, value in row.items() if isinstance(name, str) and isinstance(value, str)}
            yield _read(reader.line_num, layer, partial(_of_line, known, layer))
    except csv.Error as error:
        raise InvalidField("file", f"line {reader.line_num}: {error}") from None


def _read(row: int, layer: Layer, reading: Callable[[], Mapping[str, Any]]) -> RowRead:
    made = PlacedPremise if layer is Layer.PREMISES else DrawnCoverage
    try:
        return RowRead(row, made(**reading()))
    except InvalidField as wrong:
        return RowRead(row, None, wrong.field, wrong.reason)


def _of_feature(feature: Any, layer: Layer) -> dict[str, Any]:
    properties = feature.get("properties") if isinstance(feature, Mapping) else None
    if not isinstance(properties, Mapping) or feature.get("type") != "Feature":
        raise InvalidField("type", "a Feature with properties is needed")
    geometry = feature.get("geometry")
    if not isinstance(geometry, Mapping):
        raise InvalidField(GEOMETRY, "it is missing")
    read = {name: _of_json(name, properties.get(name), OF_LAYER[layer]) for name in OF_LAYER[layer].every}
    if layer is Layer.COVERAGE:
        return {**_filled(read, layer), GEOMETRY: dict(geometry)}
    return {**_filled(read, layer), **_point(geometry)}


def _point(geometry: Mapping[str, Any]) -> dict[str, float]:
    coordinates = geometry.get("coordinates")
    if geometry.get("type") != "Point" or not isinstance(coordinates, list) or len(coordinates) not in (2, 3):
        raise InvalidField(GEOMETRY, "a Point of longitude and latitude is needed")
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in coordinates):
        raise InvalidField(GEOMETRY, "longitude and latitude are numbers")
    return {LONGITUDE: float(coordinates[0]), LATITUDE: float(coordinates[1])}


def _of_json(name: str, value: Any, columns: Columns) -> Any:
    """A property in its type; what is null or left out is None. Some programs write a whole number as 1000.0."""
    if value is None or (value == "" and name in columns.optional):
        return None
    if name in columns.numbers:
        is_whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
        return int(value) if is_whole else _wrong(name, f"{value} is no whole number")
    if name in columns.flags:
        return value if isinstance(value, bool) else _wrong(name, f"{value} is neither true nor false")
    if not isinstance(value, str | int) or isinstance(value, bool):
        return _wrong(name, "text is needed")
    return _day(name, str(value)) if name in columns.days else str(value)


def _of_line(row: Mapping[str, str], layer: Layer) -> dict[str, Any]:
    columns = OF_LAYER[layer]
    read = {name: _of_text(name, row.get(name, ""), columns) for name in columns.every}
    if layer is Layer.COVERAGE:
        return {**_filled(read, layer), GEOMETRY: _polygon(row.get(GEOMETRY, ""))}
    return {**_filled(read, layer), LATITUDE: _degrees(LATITUDE, row), LONGITUDE: _degrees(LONGITUDE, row)}


def _of_text(name: str, text: str, columns: Columns) -> Any:
    if not text:
        return None
    if name in columns.numbers:
        return int(text) if re.fullmatch(r"-?[0-9]{1,12}", text) else _wrong(name, f"{text} is no whole number")
    if name in columns.flags:
        return text.lower() == "true" if text.lower() in ("true", "false") else _wrong(name, f"{text} is neither true nor false")
    return _day(name, text) if name in columns.days else text


def _degrees(name: str, row: Mapping[str, str]) -> float:
    text = row.get(name, "")
    if not text:
        _wrong(name, "it is missing")
    try:
        return float(text)
    except ValueError:
        raise InvalidField(name, f"{text} is no number of degrees") from None


def _polygon(text: str) -> dict[str, Any]:
    """Well-known text as GeoJSON, whatever it describes: what it must be is a rule's to say."""
    if not text:
        _wrong(GEOMETRY, "it is missing")
    system = EXTENDED.match(text)
    if system is not None and system[1] != WGS_84_SRID:
        raise InvalidField(GEOMETRY, NOT_WGS_84.format(f"SRID {system[1]}"))
    try:
        return dict(mapping(from_wkt(text[system.end() :] if system else text)))
    except GEOSException as error:
        raise InvalidField(GEOMETRY, f"no well-known text: {str(error)[:120]}") from None


def _filled(read: dict[str, Any], layer: Layer) -> dict[str, Any]:
    """What may be left out, as it is then; what may not is told."""
    columns = OF_LAYER[layer]
    for name, value in read.items():
        if value is None and name not in columns.optional:
            _wrong(name, "it is missing")
    if layer is Layer.COVERAGE:
        return read
    words = {name: "" if value is None else value for name, value in read.items()}
    return {**words, "kind": words["kind"] or "residential", "is_provisional": words["is_provisional"] or False}


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidField(name, f"{text[:40]} is no day such as 2027-03-31") from None


def _wrong(name: str, reason: str) -> Any:
    raise InvalidField(name, reason)
