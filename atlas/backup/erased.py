"""Who was erased, kept outside the database by number and day alone, so that a restore to an earlier moment does not bring them back."""

import asyncio
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from psycopg import AsyncConnection

from atlas.backup.manifest import BackupDamaged
from atlas.identity import CustomerId
from atlas.privacy.reads import threads_of
from atlas.statements import Connection, Statements

SQL: Final = Statements(__file__)
ERASURES: Final = "erasures.jsonl"
# An erasure bears the time at which its transaction began: one that was under way at the moment restored is from before it and not in it.
UNDER_WAY: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class Erased:
    """One erasure: of which number, customer since when, and for which reasons something was left. It names nobody."""

    customer_id: int
    customer_since: date
    erased_at: datetime
    because: tuple[str, ...]


@dataclass(frozen=True)
class Kept:
    """An erasure as the database has it."""

    id: int
    customer_id: int
    customer_since: date
    erased_at: datetime
    because: tuple[str, ...]

    @property
    def listed(self) -> Erased:
        return Erased(self.customer_id, self.customer_since, self.erased_at, self.because)


class ErasureList:
    """Carries erasures out of the database into a file that is only ever appended to."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.seen = 0

    async def look(self, conn: Connection) -> int:
        """Appends what was erased since the last look; how many. Raises OSError where the file cannot be written."""
        if not await SQL.value(conn, "keeps_erasures"):
            return 0
        found = await SQL.all(conn, Kept, "erasures_after", after=self.seen)
        if found:
            new = await asyncio.to_thread(appended, self.file, [one.listed for one in found])
            self.seen = found[-1].id
            return new
        return 0

    async def look_at(self, url: str) -> int:
        """As its owner, at the server at `url`."""
        async with await AsyncConnection.connect(url) as conn:
            return await self.look(conn)


def appended(file: Path, erased: Iterable[Erased]) -> int:
    """Writes those that the file has not yet, one a line, and is sure of it; how many."""
    known = set(listed(file))
    new = [one for one in erased if one not in known]
    if not new:
        return 0
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as kept:
        kept.writelines(_line(one) for one in new)
        kept.flush()
        os.fsync(kept.fileno())
    return len(new)


def listed(file: Path) -> list[Erased]:
    """Everybody in the file; none where there is no file. Raises BackupDamaged with the line that cannot be read."""
    if not file.exists():
        return []
    return [_read(file, number, line) for number, line in enumerate(file.read_text().splitlines(), start=1) if line.strip()]


def _line(one: Erased) -> str:
    told = {
        "customer_id": one.customer_id,
        "customer_since": one.customer_since.isoformat(),
        "erased_at": one.erased_at.isoformat(),
        "because": list(one.because),
    }
    return json.dumps(told) + "\n"


def _read(file: Path, number: int, line: str) -> Erased:
    try:
        told: dict[str, Any] = json.loads(line)
        since, at = date.fromisoformat(told["customer_since"]), datetime.fromisoformat(told["erased_at"])
        return Erased(int(told["customer_id"]), since, at, tuple(told["because"]))
    except (ValueError, KeyError, TypeError):
        raise BackupDamaged(f"{file}, line {number}: says of nobody when they were erased") from None


def lost_with(moment: datetime, erased: Iterable[Erased]) -> list[Erased]:
    """Those whose erasure a restore to `moment` may undo, each person once, by their last."""
    latest = {one.customer_id: one for one in sorted(erased, key=lambda one: one.erased_at) if one.erased_at > moment - UNDER_WAY}
    return list(latest.values())


async def erase_again(url: str, erased: Sequence[Erased]) -> int | None:
    """Erases, at the server at `url` as its owner, whom it has again; how many.

    None where its schema is too old for that, and must be brought up first.
    """
    async with await AsyncConnection.connect(url) as conn:
        if not await SQL.value(conn, "is_known"):
            return None
        again = 0
        for one in erased:
            who = {"customer_id": one.customer_id, "erased_at": one.erased_at}
            if await SQL.value(conn, "is_to_erase_again", customer_since=one.customer_since, **who):
                threads = await threads_of(conn, CustomerId(one.customer_id))
                await SQL.value(conn, "erase_again", because=list(one.because), threads=threads, **who)
                again += 1
        return again
