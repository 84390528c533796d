"""Distances, and positions that can be true. Pure."""

import math
from typing import Final

from atlas.errors import AtlasError
from atlas.gis.records import Position

# Mean radius R1 of the International Union of Geodesy and Geophysics (Moritz, 1980); within 0.5 % of the ellipsoid everywhere.
EARTH_RADIUS_M: Final = 6_371_008.8
# Further than an operator's own towns are apart: a pin corrected by more than this is another premise, not this one.
LARGEST_CORRECTION_M: Final = 50_000.0


class PositionImpossible(AtlasError):
    """Outside the range of latitudes and longitudes."""

    def __init__(self, position: Position) -> None:
        super().__init__(f"latitude {position.latitude} and longitude {position.longitude} are no place on Earth")
        self.position = position


class PositionUnset(AtlasError):
    """Zero and zero: a field that nobody filled in, in the Gulf of Guinea."""

    def __init__(self) -> None:
        super().__init__("latitude 0 and longitude 0 mean that no position was given")


class PositionSwapped(AtlasError):
    """Latitude and longitude changed places: so it lies where it should, and as written it does not."""

    def __init__(self, position: Position) -> None:
        super().__init__(f"latitude {position.latitude} and longitude {position.longitude} look swapped")
        self.position = position


class PositionTooFar(AtlasError):
    """Not a correction: the position is in another part of the country."""

    def __init__(self, distance_m: float) -> None:
        super().__init__(f"that is {distance_m / 1000:.1f} km from where this premise is known to be")
        self.distance_m = distance_m


def distance_m(one: Position, other: Position) -> float:
    """Metres along the great circle, by the haversine formula (R. W. Sinnott, Sky and Telescope 68, 1984), good at short distances."""
    latitude, other_latitude = math.radians(one.latitude), math.radians(other.latitude)
    by_latitude = math.sin((other_latitude - latitude) / 2) ** 2
    by_longitude = math.sin(math.radians(other.longitude - one.longitude) / 2) ** 2
    haversine = by_latitude + math.cos(latitude) * math.cos(other_latitude) * by_longitude
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, haversine)))


def checked_position(position: Position, near: Position) -> Position:
    """The position, if it can be true of a premise known to be around `near`.

    Raises PositionImpossible, PositionUnset, PositionSwapped or PositionTooFar.
    """
    swapped = Position(position.longitude, position.latitude)
    if _is_on_earth(swapped) and distance_m(swapped, near) <= LARGEST_CORRECTION_M < _distance_or_never(position, near):
        raise PositionSwapped(position)
    if not _is_on_earth(position):
        raise PositionImpossible(position)
    if position == Position(0, 0):
        raise PositionUnset
    if distance_m(position, near) > LARGEST_CORRECTION_M:
        raise PositionTooFar(distance_m(position, near))
    return position


def _is_on_earth(position: Position) -> bool:
    return -90 <= position.latitude <= 90 and -180 <= position.longitude <= 180


def _distance_or_never(position: Position, near: Position) -> float:
    return distance_m(position, near) if _is_on_earth(position) else math.inf


def bearing_deg(one: Position, other: Position) -> float:
    """The direction from the one to the other, in degrees from north, clockwise, of the great circle at its start."""
    latitude, other_latitude = math.radians(one.latitude), math.radians(other.latitude)
    by_longitude = math.radians(other.longitude - one.longitude)
    east = math.sin(by_longitude) * math.cos(other_latitude)
    north = math.cos(latitude) * math.sin(other_latitude) - math.sin(latitude) * math.cos(other_latitude) * math.cos(by_longitude)
    return math.degrees(math.atan2(east, north)) % 360
