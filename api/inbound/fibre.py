"""Cables and splices out of a pair of CSV files: `NAME-cables.csv`, and `NAME-splices.csv` beside it where there is one.

A cable: name, kind, from_site, to_site, tubes, strands_per_tube; if known conduit and length_m; where the place at its far end is new its
to_area, to_latitude and to_longitude. A splice: one and other, as `F-01/3@to`, `F-01/orange.green@from`, `spl-01#in` or `spl-01#leg 7`.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Final

from api.inbound.plans import PlanTaken, asked_for
from api.plan_rows import Judging, rows_of
from atlas.cmdb.reads import cable_named, plant_known, splice_end_meant, spliced_to
from atlas.cmdb.records.fibre import Cable, PlannedCable, SpliceEnd
from atlas.cmdb.rules import end_meant, strand_meant
from atlas.errors import AtlasError, InvalidField, NotFound
from atlas.identity import CorrelationId
from atlas.principal import Principal, executor
from atlas.statements import Connection
from forge.actions.cmdb.fibre import ImportFibre
from forge.propose import Forge

READER: Final = executor("import")
BATCH: Final = 500
KINDS: Final = ("feeder", "distribution", "drop", "trunk")
CABLE_NEEDS: Final = ("name", "kind", "from_site", "to_site", "tubes", "strands_per_tube")
SPLICE_NEEDS: Final = ("one", "other")
MOST_TUBES, MOST_STRANDS = 288, 24

Joint = tuple[SpliceEnd, SpliceEnd]


async def import_fibre(forge: Forge, principal: Principal, path: Path, correlation: CorrelationId, *, is_dry: bool) -> PlanTaken:
    """Takes the rows that can be taken and tells the rest. Dry, nothing is asked for. Raises InvalidField for a file that is none."""
    cables, splices = Judging(path.name), Judging(path.name.replace("cables", "splices"))
    first, second = await asyncio.to_thread(_texts, path, splices.file)
    cable_rows = rows_of(first, cables, CABLE_NEEDS)
    splice_rows = rows_of(second, splices, SPLICE_NEEDS) if second else []
    async with forge.atlas.transaction(READER) as conn:
        laid = await _cables(conn, cables, cable_rows)
        joined = await _splices(conn, splices, splice_rows, {cable.name: cable for cable in laid})
    parts = [ImportFibre(f"{correlation}/cables-{at}", tuple(laid[at : at + BATCH]), ()) for at in range(0, len(laid), BATCH)]
    parts += [ImportFibre(f"{correlation}/splices-{at}", (), tuple(joined[at : at + BATCH])) for at in range(0, len(joined), BATCH)]
    asked = [
        await asked_for(forge, principal, part, len(part.cables) + len(part.splices), correlation) for part in ([] if is_dry else parts)
    ]
    new = {"cables": len(laid), "splices": len(joined)}
    return PlanTaken(new, cables.same + splices.same, (*cables.wrong, *splices.wrong), tuple(asked))


def _texts(path: Path, beside: str) -> tuple[str, str]:
    """The two files of a pair; the second is empty where there is none."""
    if beside == path.name:
        raise InvalidField("file", f"{path.name}: cables are in cables.csv or NAME-cables.csv")
    splices = path.with_name(beside)
    try:
        return path.read_text(encoding="utf-8"), splices.read_text(encoding="utf-8") if splices.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidField("file", f"{path.name}: {error}") from error


async def _cables(conn: Connection, judging: Judging, rows: list[tuple[int, dict[str, str]]]) -> list[PlannedCable]:
    """The cables that are new and can be laid. A place that a cable before it leads to is there for the next."""
    known = await plant_known(conn, sorted({row.get(column, "") for _, row in rows for column in ("from_site", "to_site", "to_area")}))
    sites, areas = ({name for kind, name in known if kind == wanted} for wanted in ("site", "area"))
    new: dict[str, PlannedCable] = {}
    for row, cells in rows:
        try:
            cable = _cable(cells, sites, areas, new)
            if await _is_there(conn, cable):
                judging.same += 1
                continue
        except InvalidField as wrong:
            judging.refuse(row, wrong.field, wrong.reason)
            continue
        new[cable.name] = cable
        sites.add(cable.to_site)
    return list(new.values())


def _cable(cells: Mapping[str, str], sites: set[str], areas: set[str], before: Mapping[str, PlannedCable]) -> PlannedCable:
    """Raises InvalidField; `before` are the cables of the file above."""
    name, kind, start, end = (cells[column] for column in CABLE_NEEDS[:4])
    if name in before:
        raise InvalidField("name", f"{name} is there twice")
    if any(mark in name for mark in "/@#"):
        raise InvalidField("name", f"{name} holds a mark by which strands are written: / @ #")
    if kind not in KINDS:
        raise InvalidField("kind", f"{kind} is none of {', '.join(KINDS)}")
    if start not in sites:
        raise InvalidField("from_site", f"there is no place {start}")
    if start == end:
        raise InvalidField("to_site", f"it ends where it begins, at {end}")
    placed = _new_place(cells, areas) if end not in sites else (None, None, None)
    length = cells.get("length_m") or None
    return PlannedCable(
        name,
        kind,
        start,
        end,
        _whole("tubes", cells["tubes"], MOST_TUBES),
        _whole("strands_per_tube", cells["strands_per_tube"], MOST_STRANDS),
        cells.get("conduit") or None,
        _whole("length_m", length, 1_000_000) if length else None,
        *placed,
    )


def _new_place(cells: Mapping[str, str], areas: set[str]) -> tuple[str, float, float]:
    area = cells.get("to_area", "")
    if area not in areas:
        raise InvalidField("to_area" if area else "to_site", f"there is no {'area ' + area if area else 'place ' + cells['to_site']}")
    return area, _degrees("to_latitude", cells, 90), _degrees("to_longitude", cells, 180)


def _degrees(column: str, cells: Mapping[str, str], most: int) -> float:
    try:
        found = float(cells.get(column, ""))
    except ValueError:
        raise InvalidField(column, f"{cells.get(column) or 'nothing'} is no number of degrees") from None
    if not -most <= found <= most:
        raise InvalidField(column, f"degrees go from -{most} to {most}")
    return found


def _whole(column: str, written: str, most: int) -> int:
    if not written.isdecimal() or not 1 <= int(written) <= most:
        raise InvalidField(column, f"{written} is no whole number from 1 to {most}")
    return int(written)


async def _is_there(conn: Connection, planned: PlannedCable) -> bool:
    """Raises InvalidField where another cable has its name."""
    try:
        there = await cable_named(conn, planned.name)
    except NotFound:
        return False
    for one in fields(Cable):
        ours, theirs = getattr(there, one.name), getattr(planned, one.name)
        if ours != theirs:
            raise InvalidField(one.name, f"{planned.name} is there already, with {ours}")
    return True


async def _splices(
    conn: Connection, judging: Judging, rows: list[tuple[int, dict[str, str]]], laid: Mapping[str, PlannedCable]
) -> list[Joint]:
    new: list[Joint] = []
    taken: set[SpliceEnd] = set()
    for row, cells in rows:
        try:
            one, other = await _end(conn, "one", cells, laid), await _end(conn, "other", cells, laid)
            held = {end: await spliced_to(conn, end) for end in (one, other)}
            if held[one] == str(other):
                judging.same += 1
                continue
            _must_be_free({"one": one, "other": other}, held, taken)
        except InvalidField as wrong:
            judging.refuse(row, wrong.field, wrong.reason)
            continue
        taken |= {one, other}
        new.append((one, other))
    return new


def _must_be_free(ends: Mapping[str, SpliceEnd], held: Mapping[SpliceEnd, str | None], taken: set[SpliceEnd]) -> None:
    """Raises InvalidField for the first that is spliced already, or by a row above."""
    for column, end in ends.items():
        if held[end] or end in taken:
            raise InvalidField(column, f"{end} is spliced already, {'to ' + str(held[end]) if held[end] else 'by a row above'}")


async def _end(conn: Connection, column: str, cells: Mapping[str, str], laid: Mapping[str, PlannedCable]) -> SpliceEnd:
    """Raises InvalidField, naming the column."""
    try:
        name, strand, at = end_meant(cells[column])
        if strand and name in laid:
            return SpliceEnd(name, strand_meant(strand, laid[name]), at)
        return await splice_end_meant(conn, cells[column])
    except AtlasError as error:
        raise InvalidField(column, error.reason if isinstance(error, InvalidField) else str(error)) from None
