"""Distances, positions that can be true, and which premise an address may mean. Pure."""

import math
import re
from collections.abc import Iterable
from typing import Final

from atlas.errors import AtlasError
from atlas.gis.records import Candidate, Position, Premise, WrittenAddress

# Mean radius R1 of the International Union of Geodesy and Geophysics (Moritz, 1980); within 0.5 % of the ellipsoid everywhere.
EARTH_RADIUS_M: Final = 6_371_008.8
# Further than an operator's own towns are apart: a pin corrected by more than this is another premise, not this one.
LARGEST_CORRECTION_M: Final = 50_000.0
# Below it an address shares no more than a street's usual words with what was written.
LEAST_CONFIDENCE: Final = 0.3

UNIT: Final = re.compile(r"\b(?:flat|apartment|apt|unit|suite)\s*([0-9]{1,5}[a-z]?|[a-z])\b")
POSTCODE: Final = re.compile(r"\b([a-z]{1,2}[0-9][0-9a-z]?)\s*([0-9][a-z]{2})\b")
NUMBER: Final = re.compile(r"\b([0-9]{1,5}[a-z]?)\b")
WORD: Final = re.compile(r"[a-z']{2,}")
SHORT_FORMS: Final = {
    "st": "street",
    "rd": "road",
    "ave": "avenue",
    "av": "avenue",
    "ln": "lane",
    "dr": "drive",
    "ct": "court",
    "sq": "square",
}


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


def taken_apart(written: str) -> WrittenAddress:
    """What somebody wrote as an address, in parts; what it does not say is empty."""
    rest = written.lower().replace(",", " ")
    postcode = POSTCODE.search(rest)
    rest = POSTCODE.sub(" ", rest)
    unit = UNIT.search(rest)
    rest = UNIT.sub(" ", rest)
    number = NUMBER.search(rest)
    words = tuple(SHORT_FORMS.get(word, word) for word in WORD.findall(rest))
    return WrittenAddress(
        unit=unit[1] if unit else "",
        number=number[1] if number else "",
        postcode=f"{postcode[1]} {postcode[2]}".upper() if postcode else "",
        words=words,
    )


def candidates(written: WrittenAddress, premises: Iterable[Premise], most: int = 10) -> list[Candidate]:
    """The premises that an address may mean, the likeliest first; never one alone where another would do as well.

    "15A Forest Street" and "Flat A, 15 Forest Street" are candidates for one another.
    """
    scored = sorted(((_likeness(written, premise), premise) for premise in premises), key=lambda pair: (-pair[0], pair[1].id))
    likely = [(score, premise) for score, premise in scored if score >= LEAST_CONFIDENCE][:most]
    exact = [premise for _, premise in likely if _is_as_written(written, premise)]
    return [Candidate(premise, round(score, 2), exact == [premise]) for score, premise in likely]


def _likeness(written: WrittenAddress, premise: Premise) -> float:
    """Between 0 and 1: half for street and town, a third for number and unit, the rest for the postcode."""
    words = set(written.words)
    own = {SHORT_FORMS.get(word, word) for word in WORD.findall(f"{premise.street} {premise.town}".lower())}
    by_words = len(words & own) / len(words) if words else 0.0
    by_postcode = 1.0 if written.postcode == premise.postcode.upper() else 0.0
    if not words:
        by_words = by_postcode
    return 0.5 * by_words + 0.33 * _likeness_of_number(written, premise) + 0.17 * by_postcode


def _likeness_of_number(written: WrittenAddress, premise: Premise) -> float:
    unit = _unit_of(premise)
    if (written.number, written.unit) == (premise.number.lower(), unit):
        return 1.0
    if f"{written.number}{written.unit}" == f"{premise.number.lower()}{unit}":
        return 0.8
    same_building = re.match(r"\d*", written.number)
    own_building = re.match(r"\d*", premise.number)
    return 0.5 if same_building and own_building and same_building[0] and same_building[0] == own_building[0] else 0.0


def _unit_of(premise: Premise) -> str:
    unit = premise.unit.lower()
    match = UNIT.fullmatch(unit)
    return match[1] if match else unit


def _is_as_written(written: WrittenAddress, premise: Premise) -> bool:
    own = set(WORD.findall(premise.street.lower()))
    said_street = not own or {SHORT_FORMS.get(word, word) for word in own} <= set(written.words)
    return (
        bool(written.postcode and written.number)
        and said_street
        and written.postcode == premise.postcode.upper()
        and (written.number, written.unit) == (premise.number.lower(), _unit_of(premise))
    )
