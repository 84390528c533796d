"""Whether a premise can be served, by what, how fast, from when, and why not: from plant as it is today. Pure.

A drop that is laid goes before any distance: proximity is not topology. Where a technology has polygons at all, a premise outside them is
not sold it; on the line counts as inside. Two technologies that both reach are both offered.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Final

from atlas.gis.records import Drawn, Planned, PlantPoint, Qualification, ServingOption, Site
from atlas.gis.rules.geometry import holds
from atlas.gis.rules.optics import WORSE_THAN_PLANNED_DB, expected_dbm, loss_db
from atlas.gis.rules.positions import bearing_deg, distance_m

# A drop is laid by a crew: so many days from the order, at best. Where it is laid the line is switched on the same day.
DAYS_TO_LAY_A_DROP: Final = 5
# So many of the last three installations here failed: somebody looks before anybody promises.
FAILED_INSTALLS_THAT_DOUBT: Final = 2
NAMES: Final = {"fibre": "fibre", "fixed_wireless": "fixed wireless", "docsis": "cable"}


def qualification(
    site: Site,
    points: Iterable[PlantPoint],
    drawn: Iterable[Drawn],
    drawn_at_all: Iterable[str],
    planned: Iterable[Planned],
    today: date,
) -> Qualification:
    """The answer for one premise. `points`: plant around it; `drawn`: polygons near it; `drawn_at_all`: technologies that have any.

    `planned`: where each technology comes next.
    """
    polygons = [each for each in drawn if holds(each.geometry, site.latitude, site.longitude)]
    sold = frozenset(each.technology for each in polygons)
    by_technology = groupby(sorted(points, key=lambda point: point.technology), key=lambda point: point.technology)
    best = [
        _best(site, list(there), technology in sold or technology not in set(drawn_at_all), today) for technology, there in by_technology
    ]
    possible = tuple(sorted((option for option in best if option.is_possible), key=lambda option: (-option.down_kbps, option.technology)))
    refused = tuple(option for option in best if not option.is_possible)
    preconditions = _preconditions(site)
    is_forbidden = site.consent == "refused"
    there = {option.technology for option in possible}
    next_areas = tuple(each for each in planned if each.technology not in there)
    answer = "no" if is_forbidden or not possible else "survey" if all(option.doubts for option in possible) else "yes"
    confidence = max((option.confidence for option in possible), default=1.0 if refused else 0.9)
    return Qualification(
        premise_id=site.premise_id,
        address=site.address,
        area_id=site.area_id,
        answer=answer,
        options=() if is_forbidden else possible,
        refused=refused,
        reasons=_reasons(possible, refused, is_forbidden=is_forbidden, is_drawn=bool(sold)),
        preconditions=preconditions if answer != "no" else (),
        alternatives=_alternatives(possible, refused, polygons, next_areas, today),
        planned=next_areas,
        confidence=round(confidence * (0.8 if site.is_provisional else 1.0), 2),
    )


def _best(site: Site, points: Sequence[PlantPoint], is_sold_here: bool, today: date) -> ServingOption:
    """The first that will do, drops that are laid before whatever is near; where none will, the first of all with its reasons."""
    near = sorted(points, key=lambda point: (point.drop_m is None, distance_m(site.position, point.position), point.device_id))
    options = [_option(site, point, is_sold_here, today) for point in near]
    return next((option for option in options if option.is_possible), options[0])


def _option(site: Site, point: PlantPoint, is_sold_here: bool, today: date) -> ServingOption:
    drop_m = point.drop_m if point.drop_m is not None else round(distance_m(site.position, point.position))
    loss = loss_db(point.split, (point.feeder_m or 0) + drop_m) if point.split else None
    expected = expected_dbm(loss) if loss is not None else None
    doubts = _doubts(point, expected)
    return ServingOption(
        technology=point.technology,
        device_id=point.device_id,
        device=point.name,
        down_kbps=point.down_kbps,
        up_kbps=point.up_kbps,
        free_ports=point.free_ports,
        has_drop=point.drop_m is not None,
        drop_m=drop_m,
        loss_db=None if loss is None else round(loss, 1),
        budget_db=point.budget_db if loss is not None else None,
        expected_dbm=None if expected is None else round(expected, 1),
        earliest_on=_earliest(point, today),
        confidence=_confidence(point, doubts),
        reasons=(*_refusals(site, point, drop_m, loss), *(() if is_sold_here else (f"{_named(point)} is not sold at this place",))),
        doubts=doubts,
    )


def _refusals(site: Site, point: PlantPoint, drop_m: int, loss: float | None) -> tuple[str, ...]:
    """Why no line can hang from here, each with its numbers."""
    reasons = []
    if not point.is_fed:
        reasons.append(f"{point.name} is connected to nothing upstream")
    if drop_m > point.reach_m:
        reasons.append(f"{point.name} is {drop_m} m away and reaches {point.reach_m} m")
    if point.drop_m is None and not _is_in_beam(site, point):
        reasons.append(f"the premise is outside the beam of {point.name} ({point.azimuth_deg}°, {point.beamwidth_deg}° wide)")
    if loss is not None and loss > point.budget_db:
        reasons.append(f"the light from {point.name} would lose {loss:.1f} dB of the {point.budget_db:.1f} dB that its optics bear")
    if point.free_ports == 0:
        held = f", {point.reserved} reserved" if point.reserved else ""
        reasons.append(f"{point.name} has no free port: {point.lines} of {point.ports} in use{held}")
    return tuple(reasons)


def _is_in_beam(site: Site, point: PlantPoint) -> bool:
    if point.azimuth_deg is None or point.beamwidth_deg is None:
        return True
    off = abs((bearing_deg(point.position, site.position) - point.azimuth_deg + 180) % 360 - 180)
    return off <= point.beamwidth_deg / 2


def _doubts(point: PlantPoint, expected: float | None) -> tuple[str, ...]:
    """What says that plant is not as it is drawn: somebody should look first."""
    doubts = []
    if point.installs_failed >= FAILED_INSTALLS_THAT_DOUBT:
        on_light = f", {point.installs_failed_on_light} of them on the level of light" if point.installs_failed_on_light else ""
        doubts.append(f"{point.installs_failed} of the last three installations at {point.name} failed{on_light}")
    if expected is not None and point.median_power_dbm is not None and point.median_power_dbm < expected - WORSE_THAN_PLANNED_DB:
        doubts.append(f"lines at {point.name} receive {point.median_power_dbm:.1f} dBm where {expected:.1f} dBm is planned")
    return tuple(doubts)


def _confidence(point: PlantPoint, doubts: Sequence[str]) -> float:
    confidence = 0.95 if point.drop_m is not None else 0.85
    if point.incidents or point.operational_state == "disabled":
        confidence -= 0.1
    if point.installs_failed and not doubts:
        confidence -= 0.15
    return round(confidence - 0.45 * bool(doubts), 2)


def _earliest(point: PlantPoint, today: date) -> date:
    ready = max(point.ready_on or today, today)
    return ready if point.drop_m is not None else ready + timedelta(days=DAYS_TO_LAY_A_DROP)


def _preconditions(site: Site) -> tuple[str, ...]:
    if site.consent in ("missing", "asked"):
        return (f"the landlord of {site.building} has not consented yet",)
    return ()


def _reasons(possible: Sequence[ServingOption], refused: Sequence[ServingOption], *, is_forbidden: bool, is_drawn: bool) -> tuple[str, ...]:
    if is_forbidden:
        return ("the landlord refused",)
    if possible:
        return tuple(doubt for option in possible for doubt in option.doubts)
    if refused:
        return tuple(reason for option in refused for reason in option.reasons)
    drawn = "it lies in a polygon of coverage, but " if is_drawn else ""
    return (f"{drawn}no plant of ours is near",)


def _alternatives(
    possible: Sequence[ServingOption],
    refused: Sequence[ServingOption],
    polygons: Sequence[Drawn],
    next_areas: Sequence[Planned],
    today: date,
) -> tuple[str, ...]:
    """What could be had instead of what is refused, each with its day: another technology, what is planned here, the next area planned."""
    if not refused and possible:
        return ()
    now = [f"{NAMES[option.technology]} from {option.device}, from {option.earliest_on}" for option in possible]
    there = {option.technology for option in possible}
    planned = [
        f"{NAMES[each.technology]}, planned here for {each.ready_on}"
        for each in polygons
        if each.ready_on is not None and each.ready_on > today and each.technology not in there
    ]
    here = {each.name for each in polygons}
    near = [
        f"{NAMES[each.technology]} comes to {each.name}, {each.away_km} km away, on {each.ready_on}"
        for each in next_areas
        if each.name not in here
    ]
    return tuple(dict.fromkeys([*now, *planned, *near])) or ("to be told when the network comes here",)


def _named(point: PlantPoint) -> str:
    return NAMES[point.technology]
