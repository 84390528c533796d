"""The spool of letters: handed out as files with an index, counted as delivered some working days later, or come back."""

import asyncio
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import structlog

from atlas.connection import Atlas
from atlas.errors import Conflict, NotFound
from atlas.principal import executor
from atlas.statements import Statements

SQL = Statements(__file__)
log = structlog.get_logger()

SPOOL: Final = executor("spool")
INDEX: Final = "index.csv"
# The longest address that a window holds; shorter ones leave columns empty, so that every line of the index is alike.
ADDRESS_LINES: Final = 6
COLUMNS: Final = ("id", *(f"address_{place}" for place in range(1, ADDRESS_LINES + 1)), "pages", "sha256")


@dataclass(frozen=True)
class PrintedLetter:
    """One letter of the spool, ready to be posted."""

    reference: str
    address: str
    pages: int
    sha256: str
    pdf: bytes


@dataclass(frozen=True)
class LetterStanding:
    """Where a letter is: printed, posted or returned, and whether it counts as delivered by now."""

    reference: str
    customer_id: int
    purpose: str
    pages: int
    printed_at: datetime
    posted_at: datetime | None
    returned_at: datetime | None
    is_delivered: bool


async def hand_out(atlas: Atlas, folder: Path, at: datetime) -> int:
    """Writes every letter that is not posted yet into the folder, with an index, and keeps that they are; how many.

    Raises Conflict where the folder holds an index already: what was handed out before is not written over.
    """
    async with atlas.transaction(SPOOL) as conn:
        waiting = await SQL.all(conn, PrintedLetter, "waiting")
        if waiting:
            # Before they are kept as posted: a folder that cannot be written leaves them where they are.
            await asyncio.to_thread(_write, folder, waiting)
            await SQL.run(conn, "post", references=[one.reference for one in waiting], at=at)
    log.info("letters_handed_out", letters=len(waiting))
    return len(waiting)


def _write(folder: Path, letters: Sequence[PrintedLetter]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / INDEX
    if index.exists():
        raise Conflict(f"{index} is there already: name another folder")
    for one in letters:
        (folder / f"{one.reference}.pdf").write_bytes(one.pdf)
    # Last, and whole: whoever takes the folder begins with it.
    beside = folder / f".{INDEX}"
    beside.write_text(index_of(letters), encoding="utf-8")
    beside.rename(index)


def index_of(letters: Sequence[PrintedLetter]) -> str:
    """One line a letter: id, the lines of its address, pages, and the sum of its file."""
    made = io.StringIO()
    lines = csv.writer(made)
    lines.writerow(COLUMNS)
    for one in letters:
        first, last = one.address.splitlines()[: ADDRESS_LINES - 1], one.address.splitlines()[ADDRESS_LINES - 1 :]
        address = [*first, *([", ".join(last)] if last else [])]
        lines.writerow([one.reference, *address, *[""] * (ADDRESS_LINES - len(address)), one.pages, one.sha256])
    return made.getvalue()


async def count_as_delivered(atlas: Atlas, today: date) -> int:
    """Letters whose working days since they were posted are over, and that did not come back, reached their customer; how many did now."""
    async with atlas.transaction(SPOOL) as conn:
        counted = await SQL.run(conn, "count_as_delivered", today=today)
    log.info("letters_counted_as_delivered", letters=counted)
    return counted


async def came_back(atlas: Atlas, reference: str, at: datetime) -> None:
    """A posted letter came back: what it said reached nobody. Raises NotFound where no such letter was posted."""
    async with atlas.transaction(SPOOL) as conn:
        if not await SQL.run(conn, "came_back", reference=reference, at=at):
            raise NotFound("posted letter", reference)
        await SQL.run(conn, "reached_nobody", reference=reference)


async def spooled(atlas: Atlas, most: int = 200) -> list[LetterStanding]:
    """The latest letters, those that wait to be posted first."""
    async with atlas.transaction(SPOOL) as conn:
        return await SQL.all(conn, LetterStanding, "spooled", most=most)
