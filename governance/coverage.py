"""Every case at every boundary of a matrix, judged: what no row covers, what no case reaches, what is laxer where harm is greater."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import nextafter, prod
from typing import Any, Final

from atlas.money import Money
from governance.columns import MatrixRefused
from governance.facts import DeviceTier, Facts, ProposerKind, oddity
from governance.rows import STRICTNESS, Answer, Hours, Matrix, Row

# Well above any real matrix (the one that ships has a thousand cases for its longest action), well below a second's work.
MOST_CASES: Final = 100_000
PROPOSERS: Final = {kind: f"{kind}:1" for kind in ProposerKind}
COUNTED: Final = {"customers": "customers_up_to", "devices": "devices_up_to", "crews": "crews_up_to"}
PROTECTIONS: Final = {"touches_vulnerable": "vulnerable", "touches_emergency_line": "emergency_line", "is_disputed": "disputed"}


@dataclass(frozen=True)
class Case:
    """Facts at a boundary, with the row that decides them and their place in the grid, one step a column."""

    facts: Facts
    row: Row | None
    place: tuple[int, ...]


@dataclass(frozen=True)
class Grid:
    """The boundary values of each column that some row mentions, from the least harm to the most."""

    action: str
    steps: Mapping[str, Sequence[Any]]
    line: int

    @property
    def size(self) -> int:
        return prod(len(values) for values in self.steps.values())

    def facts(self) -> Iterator[tuple[tuple[int, ...], Facts]]:
        """All combinations that can occur at all; odd ones are left out, since they are refused before any row is read."""
        for place in product(*(range(len(values)) for values in self.steps.values())):
            chosen = {name: values[at] for at, (name, values) in zip(place, self.steps.items(), strict=True)}
            facts = Facts(self.action, **chosen)
            if oddity(facts) is None:
                yield place, facts


def grid_of(action: str, rows: Sequence[Row]) -> Grid:
    """The grid for one action; tier and proposer are always in it. Raises MatrixRefused when it would be too large to check."""
    steps: dict[str, Sequence[Any]] = {
        "money": _amounts([row.money_up_to for row in rows] + [row.money_each_up_to for row in rows]),
        "money_each": _amounts([row.money_each_up_to for row in rows]),
        **{name: _counts(getattr(row, limit) for row in rows) for name, limit in COUNTED.items()},
        "device_tier": tuple(DeviceTier),
        "confidence": _confidences(row.least_confidence for row in rows),
        "incident_confirmed": _flag((row.incident_confirmed for row in rows), (True, False)),
        **{name: _flag((getattr(row, column) for row in rows), (False, True)) for name, column in PROTECTIONS.items()},
        "in_quiet_hours": _flag((None if row.hours is Hours.ANY else True for row in rows), (False, True)),
        "proposed_by": tuple(PROPOSERS.values()),
    }
    mentioned = {name: values for name, values in steps.items() if values}
    grid = Grid(action, mentioned, rows[-1].line if rows else 1)
    if grid.size > MOST_CASES:
        raise MatrixRefused(grid.line, f"{action} has {grid.size} cases to check", "use fewer different limits for it")
    return grid


def _amounts(limits: Iterable[Money | None]) -> tuple[Money, ...]:
    return tuple(Money.of_minor(minor) for minor in _counts(limit.minor for limit in limits if limit is not None))


def _counts(limits: Iterable[int | None]) -> tuple[int, ...]:
    """0, 1, and both sides of each limit; nothing where no row has a limit."""
    named = {int(limit) for limit in limits if limit is not None}
    return tuple(sorted({0, 1} | named | {limit + 1 for limit in named})) if named else ()


def _confidences(least: Iterable[float | None]) -> tuple[float, ...]:
    named = {limit for limit in least if limit}
    below = {nextafter(limit, 0.0) for limit in named}
    return tuple(sorted({0.0, 1.0} | named | below, reverse=True)) if named else ()


def _flag(named: Iterable[bool | None], steps: tuple[bool, bool]) -> tuple[bool, ...]:
    return steps if any(flag is not None for flag in named) else ()


def cases(grid: Grid, rows: Sequence[Row]) -> list[Case]:
    return [Case(facts, next((row for row in rows if row.covers(facts)), None), place) for place, facts in grid.facts()]


def check_coverage(matrix: Matrix) -> None:
    """Raises MatrixRefused for a gap, an unreachable row, or rows that contradict one another."""
    for limit in matrix.hard_limits:
        rows = matrix.rows_for(limit.action)
        grid = grid_of(limit.action, rows)
        judged = cases(grid, rows)
        _check_reach(limit.action, rows, judged)
        _check_gaps(grid, rows, judged)
        _check_order(grid, judged, limit.disconnects)


def _check_reach(action: str, rows: Sequence[Row], judged: Iterable[Case]) -> None:
    reached = {case.row.rule for case in judged if case.row is not None}
    for at, row in enumerate(rows):
        if row.rule in reached:
            continue
        twin = next((earlier for earlier in rows[:at] if earlier.conditions == row.conditions), None)
        if twin is not None and twin.answer is not row.answer:
            raise MatrixRefused(row.line, f"{row.rule} contradicts {twin.rule} on line {twin.line} for {action}", "keep one of them")
        above = ", ".join(str(earlier.line) for earlier in rows[:at]) or "none"
        raise MatrixRefused(
            row.line, f"{row.rule} never decides {action}: earlier rows (lines {above}) take every case", "move it up or take it out"
        )


def _check_gaps(grid: Grid, rows: Sequence[Row], judged: Iterable[Case]) -> None:
    for case in judged:
        if case.row is None:
            raise MatrixRefused(
                rows[-1].line, f"no row decides {described(case.facts, grid)}", "add a last row for this action without limits"
            )


def _check_order(grid: Grid, judged: Sequence[Case], disconnects: bool) -> None:
    """More money, people, devices or doubt never meets a laxer answer."""
    by_place = {case.place: case for case in judged}
    # Vulnerability makes a disconnection graver, but help more urgent: only the first has a fixed order.
    unordered = {"proposed_by", "in_quiet_hours"} | (set() if disconnects else set(PROTECTIONS))
    ordered = [at for at, name in enumerate(grid.steps) if name not in unordered]
    for case, at in product(judged, ordered):
        graver = by_place.get((*case.place[:at], case.place[at] + 1, *case.place[at + 1 :]))
        if graver is not None and case.row and graver.row and _strictness(graver.row) < _strictness(case.row):
            raise MatrixRefused(
                graver.row.line,
                f"{graver.row.rule} contradicts {case.row.rule} on line {case.row.line}: it is laxer for {described(graver.facts, grid)}",
                "let the answer grow stricter as an action grows",
            )


def _strictness(row: Row) -> tuple[int, int]:
    return STRICTNESS[row.answer], row.how_many if row.answer is Answer.NEEDS_APPROVAL else 0


def described(facts: Facts, grid: Grid) -> str:
    """The facts in the columns that matter here, as `notify_outage (customers 501, proposed_by agent:1)`."""
    said = (f"{name} {_said(getattr(facts, name))}" for name in grid.steps)
    return f"{facts.action} ({', '.join(said)})"


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.name.lower() if isinstance(value, DeviceTier) else str(value)
