"""Questions about places."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

from rapidfuzz import fuzz, process

from atlas.errors import InvalidField, NotFound
from atlas.gis.records import (
    Area,
    Building,
    Candidate,
    Drawn,
    DrawnCoverage,
    HangsThere,
    Hop,
    KnownAddress,
    KnownPremise,
    LineArea,
    PlacedPlant,
    PlacedPremise,
    Planned,
    PlantPoint,
    Position,
    Premise,
    Qualification,
    Reservation,
    Site,
    WrittenAddress,
)
from atlas.gis.rules.addresses import SAME_WORD, candidates, taken_apart
from atlas.gis.rules.availability import Location
from atlas.gis.rules.geometry import Box, plain_polygon
from atlas.gis.rules.qualification import qualification as qualified
from atlas.gis.rules.registers import NOWHERE, Sorted, sorted_coverage, sorted_premises
from atlas.identity import CustomerId, DeviceId, PremiseId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)

# More than any street or postcode holds; what is cut off is ordered last.
MOST_LOOKED_AT: Final = 500


async def areas(conn: Connection) -> list[Area]:
    """Every area by name, with how many premises it has."""
    return await SQL.all(conn, Area, "areas")


async def premise(conn: Connection, premise_id: PremiseId) -> Premise:
    """Raises NotFound."""
    found = await SQL.first(conn, Premise, "premise", premise_id=premise_id)
    if found is None:
        raise NotFound("premise", premise_id)
    return found


async def premises_meant(conn: Connection, written: str) -> list[Candidate[Premise]]:
    """The premises that an address may mean, the likeliest first, at most ten. For staff: each with who lives there, as a number.

    Raises InvalidField where it names neither street nor postcode, or only a box at a post office.
    """
    address = checked_address(written)
    return candidates(address, await SQL.all(conn, Premise, "premises_like", **await _looked_for(conn, address)))


async def addresses_meant(conn: Connection, written: str) -> list[Candidate[KnownAddress]]:
    """The same for whoever asks: addresses and nothing of who lives there."""
    address = checked_address(written)
    return candidates(address, await SQL.all(conn, KnownAddress, "addresses_like", **await _looked_for(conn, address)))


def checked_address(written: str) -> WrittenAddress:
    """The address in parts. Raises InvalidField for what names no place."""
    address = taken_apart(written)
    if address.is_po_box:
        raise InvalidField("address", "a box at a post office is no place for a line: say the street and number")
    if not address.words and not address.postcode:
        raise InvalidField("address", "say a street or a postcode")
    return address


async def _looked_for(conn: Connection, address: WrittenAddress) -> dict[str, object]:
    building = re.match(r"\d*", address.number)
    streets = streets_in(address.words)
    if not address.postcode:
        # Without a postcode a misspelt street finds nothing: it is looked for among those there are.
        known = await SQL.column(conn, "street_names")
        alike = {
            name
            for run in streets
            if len(run) > 4
            for name, _, _ in process.extract(run, known, scorer=fuzz.ratio, score_cutoff=SAME_WORD, limit=3)
        }
        streets = sorted({*streets, *alike})
    return {
        "postcode": address.postcode,
        "streets": streets,
        "building": building[0] if building else "",
        "most": MOST_LOOKED_AT,
    }


def streets_in(words: tuple[str, ...]) -> list[str]:
    """Every run of the words: one of them may be the street's name."""
    places = range(len(words))
    return [" ".join(words[start : end + 1]) for start in places for end in places if start <= end < start + 5]


async def areas_of_lines(conn: Connection, customer_id: CustomerId) -> list[LineArea]:
    """The area of each line the customer has."""
    return await SQL.all(conn, LineArea, "areas_of_lines", customer_id=customer_id)


async def site(conn: Connection, premise_id: PremiseId) -> Site:
    """Where a premise stands and what must be asked there first; of any premise, for whoever asks. Raises NotFound."""
    found = await SQL.first(conn, Site, "site", premise_id=premise_id)
    if found is None:
        raise NotFound("premise", premise_id)
    return found


async def plant_around(conn: Connection, place: Site) -> list[PlantPoint]:
    """The devices that lines hang from around a premise, each as it is now: ports, faults, failed installations."""
    return await SQL.all(conn, PlantPoint, "plant_around", premise_id=place.premise_id, latitude=place.latitude, longitude=place.longitude)


async def building_of(conn: Connection, premise_id: PremiseId) -> Building:
    """The building that a premise is in. Raises NotFound where it is in none."""
    found = await SQL.first(conn, Building, "building_of", premise_id=premise_id)
    if found is None:
        raise NotFound("building around premise", premise_id)
    return found


async def point_position(conn: Connection, device_id: DeviceId) -> Position:
    """Where a device stands that lines hang from. Raises NotFound."""
    found = await SQL.first(conn, Position, "point_position", device_id=device_id)
    if found is None:
        raise NotFound("serving point", device_id)
    return found


async def qualification(conn: Connection, premise_id: PremiseId, today: date) -> Qualification:
    """Whether the premise can be served today, by what, how fast, from when, and why not. Raises NotFound."""
    place = await site(conn, premise_id)
    points = await plant_around(conn, place)
    drawn = await SQL.all(conn, Drawn, "coverage_around", latitude=place.latitude, longitude=place.longitude)
    planned = await SQL.all(conn, Planned, "coverage_planned", latitude=place.latitude, longitude=place.longitude, today=today)
    return qualified(place, points, drawn, await SQL.column(conn, "technologies_drawn"), planned, today)


async def reservation_of(conn: Connection, key: str) -> Reservation | None:
    """The port that is held for this key now; None where none is, or its time is over."""
    return await SQL.first(conn, Reservation, "reservation_of", key=key)


async def way_up(conn: Connection, device_id: DeviceId) -> list[Hop]:
    """The way from a splitter, sector or node to its OLT, tower or CMTS, both included, in this order."""
    return await SQL.all(conn, Hop, "way_up", device_id=device_id)


async def way_up_from(conn: Connection, premise_id: PremiseId) -> list[list[Hop]]:
    """The ways from a premise to what feeds it: one for each device that a line of it, or a drop laid to it, hangs from."""
    devices = await SQL.column(conn, "devices_of_premise", premise_id=premise_id)
    return [await way_up(conn, device_id) for device_id in devices]


async def premises_behind(conn: Connection, device_id: DeviceId) -> list[HangsThere]:
    """Every premise whose line or drop hangs from the device or from access plant below it, by street and number. Not of core plant."""
    return await SQL.all(conn, HangsThere, "premises_behind", device_id=device_id)


async def premises_sorted(conn: Connection, rows: Sequence[PlacedPremise]) -> Sorted[PlacedPremise]:
    """What taking in these premises of a register would do to each; nothing is changed."""
    asked = {
        "postcodes": sorted({row.postcode.upper() for row in rows}),
        "external_ids": sorted({row.external_id for row in rows} - {""}),
    }
    known = await SQL.all(conn, KnownPremise, "premises_beside", **asked)
    return sorted_premises(rows, known, {area.name: area.position for area in await areas(conn)})


async def coverage_sorted(conn: Connection, rows: Sequence[DrawnCoverage]) -> Sorted[DrawnCoverage]:
    """The same of polygons of coverage."""
    known = {ours.name: (ours.id, _as_in_files(ours)) for ours in await SQL.all(conn, Drawn, "coverage_drawn")}
    return sorted_coverage(rows, known, await box_of_areas(conn))


async def box_of_areas(conn: Connection) -> Box | None:
    """The least box that holds the middle of every area whose place is known; None where there is none."""
    places = [area.position for area in await areas(conn) if area.position != NOWHERE]
    if not places:
        return None
    latitudes, longitudes = [place.latitude for place in places], [place.longitude for place in places]
    return Box(min(latitudes), min(longitudes), max(latitudes), max(longitudes))


async def premises_placed(conn: Connection) -> list[PlacedPremise]:
    """Every premise, for a file: by postcode, street, number and unit."""
    return await SQL.all(conn, PlacedPremise, "premises_placed")


async def coverage_drawn(conn: Connection) -> list[DrawnCoverage]:
    """Every polygon of coverage, for a file: by name."""
    return [_as_in_files(ours) for ours in await SQL.all(conn, Drawn, "coverage_drawn")]


def _as_in_files(ours: Drawn) -> DrawnCoverage:
    return DrawnCoverage(ours.name, ours.technology, ours.down_kbps, ours.up_kbps, ours.ready_on, plain_polygon(ours.geometry))


async def plant_placed(conn: Connection) -> list[PlacedPlant]:
    """Every device that lines hang from, for a file: by name."""
    return await SQL.all(conn, PlacedPlant, "plant_placed")


async def locations(conn: Connection) -> list[Location]:
    """Every premise as it might be filed, by the number the register gave it; those without one last."""
    return await SQL.all(conn, Location, "locations")
