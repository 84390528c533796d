"""What is filed of fixed availability with the FCC: one line for each location and technology, or why there is none. Pure.

The list of locations as the Broadband Data Collection wants it: https://help.bdc.fcc.gov/hc/en-us/articles/5291539645339; that a service is
filed by its tier where either direction is slower than 25/3, and filed at all where either reaches 200 kbit/s, stands in
https://help.bdc.fcc.gov/hc/en-us/articles/5291395792283 (maxdown, "Service Below 25/3 Mbps"). The pairs by which those tiers are written,
10/1 and 0/0, are in the list that follows there: hold them against it before a first filing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from atlas.errors import InvalidField
from atlas.identity import PremiseId

# The codes of technologies that we have. Wireless is 70 without a licence, 71 with one, 72 by rule (CBRS): the operator says which.
TECHNOLOGIES: Final = {"fibre": 50, "docsis": 40}
WIRELESS: Final = (70, 71, 72)
# As a register's key is kept: ten digits from 1,000,000,000 on; those of the preliminary Fabric begin with 9 and are refused.
LOCATION: Final = re.compile(r"(?:fabric:)?([1-8]\d{9})")
# What is called available can be had by a routine installation within so many days of work.
ROUTINE_DAYS: Final = 10
# Mbit/s down and up. Where either is slower than broadband both are filed by tiers; where neither reaches the least, nothing is.
BROADBAND: Final = (25, 3)
MIDDLE: Final = (10, 1)
LEAST_KBPS: Final = 200


@dataclass(frozen=True)
class Location:
    """A premise that might be filed. `external_id` is its number in the Fabric, where the register gave one."""

    premise_id: PremiseId
    address: str
    external_id: str
    is_provisional: bool


@dataclass(frozen=True)
class Sold:
    """One technology that can be had at a premise: the fastest plan advertised for it, and from when. `segments`: to whom it is sold."""

    technology: str
    down_kbps: int
    up_kbps: int
    earliest_on: date
    segments: frozenset[str]


@dataclass(frozen=True)
class Filed:
    """One line of the list. Speeds in whole Mbit/s; `serves` is R, B or X for both."""

    location_id: int
    technology: int
    down_mbps: int
    up_mbps: int
    serves: str


@dataclass(frozen=True)
class Unfiled:
    """A premise that is left out, with the field and why."""

    address: str
    field: str
    reason: str


def filed(place: Location, sold: Iterable[Sold], today: date, wireless: int) -> list[Filed]:
    """The lines of one premise; none where nothing can be had there soon enough. Raises InvalidField for one that cannot be filed."""
    location = checked_location(place)
    soon = latest_routine_day(today)
    return [_line(location, one, wireless) for one in sold if one.earliest_on <= soon and max(one.down_kbps, one.up_kbps) >= LEAST_KBPS]


def checked_location(place: Location) -> int:
    """Raises InvalidField, naming why the premise is in no Fabric."""
    if place.is_provisional:
        raise InvalidField("is_provisional", "it was made up from what somebody said, and nobody has confirmed it")
    if (found := LOCATION.fullmatch(place.external_id)) is None:
        said = f"{place.external_id[:20]!r} is no number of the Fabric" if place.external_id else "it has no number of the Fabric"
        raise InvalidField("external_id", f"{said}: ten digits from 1000000000 on")
    return int(found[1])


def latest_routine_day(today: date) -> date:
    """So many days of work from today; holidays are not left out, which files rather too little than too much."""
    day, left = today, ROUTINE_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return day


def _line(location: int, one: Sold, wireless: int) -> Filed:
    down, up = speeds_filed(one.down_kbps, one.up_kbps)
    serves = "X" if len(one.segments) > 1 else "B" if one.segments == {"business"} else "R"
    return Filed(location, wireless if one.technology == "fixed_wireless" else TECHNOLOGIES[one.technology], down, up, serves)


def speeds_filed(down_kbps: int, up_kbps: int) -> tuple[int, int]:
    """Down and up in Mbit/s. Below 25/3 it is the tier: 10/1 from there on, else 0/0. Raises InvalidField for what is no whole Mbit/s."""
    if down_kbps < BROADBAND[0] * 1000 or up_kbps < BROADBAND[1] * 1000:
        return MIDDLE if down_kbps >= MIDDLE[0] * 1000 and up_kbps >= MIDDLE[1] * 1000 else (0, 0)
    for field, kbps in (("down", down_kbps), ("up", up_kbps)):
        if kbps % 1000:
            raise InvalidField(field, f"{kbps} kbit/s is not a whole number of megabits")
    return down_kbps // 1000, up_kbps // 1000
