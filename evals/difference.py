"""What a scenario changed in Atlas, row by row, by triggers in its copy of the world; and whose each row is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

Row = dict[str, Any]
LAYING: Final = Path(__file__).with_suffix(".sql").read_text()
# Columns by which a row says whose it is.
NAMES_CUSTOMER: Final = ("customer_id", "proposed_for")


@dataclass(frozen=True)
class Change:
    """One row that was written: `before` is None for a new one, `after` for one that is gone."""

    table: str
    key: str
    before: Row | None
    after: Row | None

    @property
    def kind(self) -> str:
        return "new" if self.before is None else "gone" if self.after is None else "changed"

    @property
    def row(self) -> Row:
        return self.after or self.before or {}

    @property
    def moved(self) -> Row:
        """The columns that are not what they were, as they are now."""
        if self.before is None or self.after is None:
            return self.row
        return {name: value for name, value in self.after.items() if value != self.before.get(name)}


def lay(url: str) -> None:
    """Lays the watch into a database; every copy of it then notes what is written."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(LAYING.encode())


def begin(owner: psycopg.Connection[Any]) -> None:
    """From here on: what was noted before is of the world, not of the scenario."""
    owner.execute("DELETE FROM evals.change")


def undone(owner: psycopg.Connection[Any]) -> int:
    """Takes back what was noted, row by row, and answers how many rows that were. Raises where a table was emptied."""
    row = owner.execute("SELECT evals.undone()").fetchone()
    return int(row[0]) if row else 0


def noted(owner: psycopg.Connection[Any]) -> list[Change]:
    """Every change since `begin`, in order."""
    rows = owner.execute("SELECT place, key::text, before, after FROM evals.change ORDER BY id").fetchall()
    return [Change(*row) for row in rows]


def net(changes: Iterable[Change]) -> tuple[Change, ...]:
    """What is different in the end: a row's first state against its last; what came and went again is left out."""
    ends: dict[tuple[str, str], Change] = {}
    for one in changes:
        first = ends.get((one.table, one.key))
        ends[one.table, one.key] = Change(one.table, one.key, first.before if first else one.before, one.after)
    return tuple(one for one in ends.values() if one.before != one.after)


def customers_in(changes: Sequence[Change], line_owners: dict[int, int]) -> frozenset[int]:
    """The customers whose rows were written. `line_owners`: whose each line is."""
    found: set[int] = set()
    for row in (one.row for one in changes):
        found |= {int(row[name]) for name in NAMES_CUSTOMER if row.get(name) is not None}
        if row.get("subscriber_id") is not None and int(row["subscriber_id"]) in line_owners:
            found.add(line_owners[int(row["subscriber_id"])])
    return frozenset(found)
