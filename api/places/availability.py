"""What can be had at every premise, as it is filed with the FCC: asked of plant and catalogue as they are, and written as CSV."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from atlas.catalogue.reads import eligible_offerings
from atlas.catalogue.records import Attainable, Terms
from atlas.errors import InvalidField
from atlas.gis.reads import locations, qualification
from atlas.gis.rules.availability import Filed, Location, Sold, Unfiled, filed
from atlas.statements import Connection

SEGMENTS: Final = ("residential", "business")
COLUMNS: Final = (
    "provider_id", "brand_name", "location_id", "technology", "max_advertised_download_speed", "max_advertised_upload_speed", "low_latency",
    "business_residential_code",
)  # fmt: skip
# A round trip of 100 ms or less, as the FCC has it: nothing that we lay or radiate on the ground is slower.
LOW_LATENCY: Final = 1


@dataclass(frozen=True)
class Filing:
    """Every line that may be filed, and every premise that may not, with why."""

    lines: tuple[Filed, ...]
    unfiled: tuple[Unfiled, ...]


async def filing(conn: Connection, today: date, wireless: int) -> Filing:
    """Of all premises, in the order of their locations. What cannot be had anywhere soon enough is in neither list."""
    lines, unfiled = [], []
    for place in await locations(conn):
        try:
            lines += filed(place, await _sold(conn, place, today), today, wireless)
        except InvalidField as wrong:
            unfiled.append(Unfiled(place.address, wrong.field, wrong.reason))
    return Filing(tuple(lines), tuple(unfiled))


async def _sold(conn: Connection, place: Location, today: date) -> list[Sold]:
    found = await qualification(conn, place.premise_id, today)
    there = [Attainable(option.technology, option.down_kbps, option.up_kbps) for option in found.options]
    plans = [
        one.terms for segment in SEGMENTS for one in await eligible_offerings(conn, today, segment, there, found.area_id) if one.is_eligible
    ]
    return [_fastest(option.technology, option.earliest_on, mine) for option in found.options if (mine := _of(plans, option.technology))]


def _of(plans: Iterable[Terms], technology: str) -> list[Terms]:
    return [plan for plan in plans if plan.technology == technology]


def _fastest(technology: str, earliest_on: date, plans: list[Terms]) -> Sold:
    best = max(plans, key=lambda plan: (plan.down_kbps, plan.up_kbps))
    return Sold(technology, best.down_kbps, best.up_kbps, earliest_on, frozenset(plan.segment for plan in plans))


def as_list(lines: Iterable[Filed], provider_id: int, brand: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines:
        writer.writerow([provider_id, brand, line.location_id, line.technology, line.down_mbps, line.up_mbps, LOW_LATENCY, line.serves])
    return text.getvalue()
