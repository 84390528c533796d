"""What the nightly check found, and the currency of the books."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

from atlas.billing.records.books import INVARIANTS, BrokenInvariant
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


# Of what is broken, so many are named in the result; the check itself names them all.
EXAMPLES: Final = 20


async def record_invariants(conn: Connection, broken: Iterable[BrokenInvariant], at: datetime, asked: Sequence[str] = INVARIANTS) -> None:
    """Keeps what a check of the books found: a row for each invariant, with the first few that break it."""
    found: dict[str, list[BrokenInvariant]] = defaultdict(list)
    for one in broken:
        found[one.invariant].append(one)
    rows = [
        {
            "at": at,
            "invariant": invariant,
            "broken": len(found[invariant]),
            "examples": json.dumps([asdict(one) for one in found[invariant][:EXAMPLES]]),
        }
        for invariant in asked
    ]
    await SQL.run_each(conn, "record_invariant", rows)


async def set_currency(conn: Connection, code: str) -> None:
    """The currency of the books, as its three letters. Raises an error of PostgreSQL where they are kept in another."""
    await SQL.run(conn, "set_currency", code=code)
