"""Polygons that can be true, and whether one holds a place. GeoJSON (RFC 7946): WGS 84, longitude before latitude. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shapely import force_2d, orient_polygons
from shapely.errors import GEOSException
from shapely.geometry import MultiPolygon, Point, Polygon, mapping, shape
from shapely.validation import explain_validity

from atlas.errors import AtlasError

WGS_84: Final = ("", "urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "urn:ogc:def:crs:EPSG::4326")
# Larger than any town: a polygon of whole degrees was drawn in other units, or by mistake.
LARGEST_DEG: Final = 10.0


class GeometryRefused(AtlasError):
    """A polygon that cannot be true; the message says what is wrong with it."""


@dataclass(frozen=True)
class Box:
    """The least box around a geometry, in degrees."""

    south: float
    west: float
    north: float
    east: float


def checked_polygon(geometry: Any, near: Box | None = None, reference_system: str = "") -> tuple[dict[str, Any], Box]:
    """The polygon as plain GeoJSON, and its box. `near`: where the operator's own area is, by which swapped coordinates are noticed.

    Raises GeometryRefused: not WGS 84, no polygon, a ring left open, crossing itself, empty, on (0, 0), no place on Earth, swapped.
    """
    if reference_system not in WGS_84:
        raise GeometryRefused(f"coordinates must be WGS 84 (EPSG:4326), not {reference_system}")
    polygon = _read(geometry)
    if not polygon.is_valid:
        raise GeometryRefused(explain_validity(polygon))
    if polygon.is_empty or not polygon.area:
        raise GeometryRefused("the polygon encloses nothing")
    west, south, east, north = polygon.bounds
    _refuse_impossible(Box(south, west, north, east), near)
    if polygon.covers(Point(0, 0)):
        raise GeometryRefused("the polygon holds latitude 0 and longitude 0: a position was not given")
    return _as_geojson(polygon), Box(south, west, north, east)


def plain_polygon(geometry: Mapping[str, Any]) -> dict[str, Any]:
    """A polygon that was found good, as RFC 7946 has it: outer rings counterclockwise, no heights, degrees with a decimal point."""
    return _as_geojson(_read(geometry))


def _as_geojson(polygon: Polygon | MultiPolygon) -> dict[str, Any]:
    """Lists where shapely says tuples: as JSON gives them back."""
    found: dict[str, Any] = json.loads(json.dumps(mapping(orient_polygons(force_2d(polygon)))))
    return found


def _read(geometry: Any) -> Polygon | MultiPolygon:
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if kind not in ("Polygon", "MultiPolygon"):
        raise GeometryRefused(f"a polygon is needed, not {kind or 'nothing'}")
    try:
        _refuse_open_rings(geometry)
        found = shape(geometry)
    except (GEOSException, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise GeometryRefused(f"no polygon can be made of it: {str(error)[:120]}") from None
    assert isinstance(found, Polygon | MultiPolygon)
    return found


def _refuse_open_rings(geometry: Mapping[str, Any]) -> None:
    """A ring ends where it begins (RFC 7946, 3.1.6): closed silently, a polygon of which the end was cut off would be taken."""
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    for ring in (ring for polygon in polygons for ring in polygon):
        if list(ring[0]) != list(ring[-1]):
            raise GeometryRefused(f"a ring is not closed: it begins at {list(ring[0])} and ends at {list(ring[-1])}")


def _refuse_impossible(box: Box, near: Box | None) -> None:
    is_on_earth = box.south >= -90 and box.north <= 90 and box.west >= -180 and box.east <= 180
    swapped = Box(box.west, box.south, box.east, box.north)
    if near is not None and not _meet(box, near) and _meet(swapped, near):
        raise GeometryRefused("latitude and longitude look swapped: GeoJSON has longitude first")
    if not is_on_earth:
        raise GeometryRefused("coordinates beyond 180 or 90 degrees: they look like metres of a projected system, not degrees of WGS 84")
    if box.north - box.south > LARGEST_DEG or box.east - box.west > LARGEST_DEG:
        raise GeometryRefused(f"it is more than {LARGEST_DEG:.0f} degrees across")


def _meet(one: Box, other: Box) -> bool:
    return one.south <= other.north and other.south <= one.north and one.west <= other.east and other.west <= one.east


def holds(geometry: Mapping[str, Any], latitude: float, longitude: float) -> bool:
    """Whether the polygon holds the place; its boundary belongs to it."""
    return bool(shape(geometry).covers(Point(longitude, latitude)))
