"""Rows of a register beside what we have: which are new, which say otherwise or the same, and which cannot be taken, and why. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from atlas.errors import InvalidField
from atlas.gis.records import DrawnCoverage, KnownPremise, PlacedPremise, Position
from atlas.gis.rules.geometry import Box, GeometryRefused, checked_polygon
from atlas.gis.rules.positions import PositionImpossible, PositionSwapped, PositionTooFar, PositionUnset, checked_position

TECHNOLOGIES: Final = ("fibre", "fixed_wireless", "docsis")
KINDS: Final = ("residential", "business")
LONGEST: Final = 120
# What PostgreSQL's int holds; 2 Tbit/s, which nobody sells to a home.
MOST_KBPS: Final = 2**31 - 1
IMPOSSIBLE: Final = (PositionImpossible, PositionSwapped, PositionTooFar, PositionUnset)
# Where a network came in without positions its area lies here, and tells nothing of what is near.
NOWHERE: Final = Position(0.0, 0.0)
Row = TypeVar("Row")


@dataclass(frozen=True)
class RowRefused:
    """One row that is not taken, by its place among those given (from 0), with the field and why."""

    at: int
    field: str
    reason: str


@dataclass(frozen=True)
class Changed(Generic[Row]):
    """What we have as number `id`, and what the register has instead. `customers`: who live at it."""

    id: int
    after: Row
    customers: int = 0


@dataclass(frozen=True)
class Sorted(Generic[Row]):
    """Every row given stands in exactly one of these; `same` only counts."""

    new: tuple[Row, ...]
    changed: tuple[Changed[Row], ...]
    same: int
    refused: tuple[RowRefused, ...]


def sorted_premises(rows: Sequence[PlacedPremise], known: Sequence[KnownPremise], areas: Mapping[str, Position]) -> Sorted[PlacedPremise]:
    """Each premise by itself: known by the register's key, else by its address. Of two that are the same one, the second is refused."""
    by_key, by_register = {one.placed.key: one for one in known}, {one.external_id: one for one in known if one.external_id}
    first: dict[object, int] = {}
    new, changed, refused, same = [], [], [], 0
    for at, row in enumerate(rows):
        try:
            _refuse_twice(first, at, row)
            ours = _ours(row, by_key, by_register)
            checked_premise(row, areas, ours)
        except InvalidField as wrong:
            refused.append(RowRefused(at, wrong.field, wrong.reason))
            continue
        if ours is None:
            new.append(row)
            continue
        # A file that knows no register's keys takes none away.
        after = replace(row, external_id=row.external_id or ours.external_id)
        if ours.placed == after:
            same += 1
        else:
            changed.append(Changed(ours.id, after, ours.customers))
    return Sorted(tuple(new), tuple(changed), same, tuple(refused))


def checked_premise(row: PlacedPremise, areas: Mapping[str, Position], ours: KnownPremise | None) -> None:
    """Raises InvalidField, naming the field: a word missing or too long, an unknown area or kind, a place that cannot be true."""
    for field in ("number", "street", "town", "postcode", "area"):
        _refuse_wording(field, getattr(row, field), is_needed=True)
    for field in ("unit", "building", "external_id"):
        _refuse_wording(field, getattr(row, field), is_needed=False)
    if row.kind not in KINDS:
        raise InvalidField("kind", f"{row.kind or 'nothing'} is none of {', '.join(KINDS)}")
    if row.area not in areas:
        raise InvalidField("area", f"there is no area {row.area}")
    _refuse_position(row.position, areas[row.area], ours)


def _refuse_wording(field: str, words: str, *, is_needed: bool) -> None:
    if is_needed and not words:
        raise InvalidField(field, "it is missing")
    if len(words) > LONGEST or not words.isprintable() or words != words.strip():
        raise InvalidField(field, f"at most {LONGEST} printable characters, with no space around them")


def _refuse_position(position: Position, middle: Position, ours: KnownPremise | None) -> None:
    if not (math.isfinite(position.latitude) and math.isfinite(position.longitude)):
        raise InvalidField("position", "latitude and longitude are numbers of degrees")
    if abs(position.latitude) > 180 or abs(position.longitude) > 180:
        raise InvalidField("position", "it looks like metres of a projected system, not degrees of WGS 84 (EPSG:4326)")
    if ours is not None and ours.is_corrected and ours.placed.position != position:
        raise InvalidField("position", "somebody found it elsewhere and corrected it: move it by correct_premise_position")
    try:
        checked_position(position, near=position if middle == NOWHERE else middle)
    except IMPOSSIBLE as wrong:
        raise InvalidField("position", str(wrong)) from None


def _refuse_twice(first: dict[object, int], at: int, row: PlacedPremise) -> None:
    for field, key in (("address", row.key), ("external_id", row.external_id)):
        if key and first.setdefault(key, at) != at:
            raise InvalidField(field, "the same premise stands further up in the file")


def _ours(
    row: PlacedPremise, by_key: Mapping[tuple[str, ...], KnownPremise], by_register: Mapping[str, KnownPremise]
) -> KnownPremise | None:
    there, registered = by_key.get(row.key), by_register.get(row.external_id)
    if registered is not None and there is not None and there.id != registered.id:
        raise InvalidField("external_id", f"{row.external_id} is {registered.number} {registered.street}, {registered.postcode} with us")
    if there is not None and registered is None and row.external_id and there.external_id:
        raise InvalidField("external_id", f"we have this address as {there.external_id}, not as {row.external_id}")
    return registered or there


def sorted_coverage(
    rows: Sequence[DrawnCoverage], known: Mapping[str, tuple[int, DrawnCoverage]], near: Box | None
) -> Sorted[DrawnCoverage]:
    """Each polygon by its name; `near` is where the operator's areas are."""
    first: dict[str, int] = {}
    new, changed, refused, same = [], [], [], 0
    for at, row in enumerate(rows):
        try:
            _refuse_name_twice(first, at, row)
            plain, _ = checked_coverage(row, near)
        except InvalidField as wrong:
            refused.append(RowRefused(at, wrong.field, wrong.reason))
            continue
        if row.name not in known:
            new.append(plain)
        elif known[row.name][1] == plain:
            same += 1
        else:
            changed.append(Changed(known[row.name][0], plain))
    return Sorted(tuple(new), tuple(changed), same, tuple(refused))


def _refuse_name_twice(first: dict[str, int], at: int, row: DrawnCoverage) -> None:
    if first.setdefault(row.name, at) != at:
        raise InvalidField("name", "the same name stands further up in the file")


def checked_coverage(row: DrawnCoverage, near: Box | None) -> tuple[DrawnCoverage, Box]:
    """The same with its polygon as RFC 7946 has it, and its box.

    Raises InvalidField: no name, an unknown technology, a speed that is none, a polygon that cannot be true.
    """
    _refuse_wording("name", row.name, is_needed=True)
    if row.technology not in TECHNOLOGIES:
        raise InvalidField("technology", f"{row.technology or 'nothing'} is none of {', '.join(TECHNOLOGIES)}")
    for field in ("down_kbps", "up_kbps"):
        if not 0 < getattr(row, field) <= MOST_KBPS:
            raise InvalidField(field, "a speed in whole kbit/s, above nothing")
    try:
        geometry, box = checked_polygon(row.geometry, near)
    except GeometryRefused as wrong:
        raise InvalidField("geometry", str(wrong)) from None
    return replace(row, geometry=geometry), box
