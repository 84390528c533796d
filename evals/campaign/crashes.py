"""PostgreSQL crashes under writers who keep what they were told is committed: nothing of that may be gone, and it serves again soon.

A writer whose answer was lost does not know; it asks by its operation id and writes again under the same one where it must.
"""

import asyncio
import os
import random
import signal
import statistics
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import psycopg
from psycopg_pool import PoolTimeout

from api.inbound.batch import AlarmIntake, IntakeFull, NotYetSafe
from api.inbound.reading import Reading
from api.serve import database
from api.settings import Settings
from atlas.actions.reads import broken_links
from atlas.actions.records import Asked
from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.nms.records import AlarmEvent, AlarmType, Door, ProbableCause, Severity
from atlas.principal import Zone, executor, intake
from atlas.statements import Statements

SQL: Final = Statements(__file__)
WRITER: Final = executor("crash writer")
DEVICES: Final = 40
PROPOSERS: Final = 4
TELLERS: Final = 4
# Long enough for every pool to have connections again, short enough that half of the crashes meet the rush after the last one.
BETWEEN_S: Final = (0.2, 1.2)
SETTLES_WITHIN_S: Final = 60.0
TROUBLES: Final = (AtlasError, psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, TimeoutError, OSError)


class Crash(StrEnum):
    """What is killed: one backend (PostgreSQL then restarts itself), its first process (its keeper does), or all of it at a signal."""

    BACKEND = "backend"
    POSTMASTER = "postmaster"
    IMMEDIATE = "immediate"


@dataclass
class Books:
    """What the writers were told and what they were not."""

    acknowledged: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)
    had_committed: set[str] = field(default_factory=set)


@dataclass
class Felt:
    """What the crashes were, how long each was felt in seconds, and where the audit trail is broken after them."""

    kinds: list[Crash] = field(default_factory=list)
    serving: list[float] = field(default_factory=list)
    writing: list[float] = field(default_factory=list)
    audit_breaks: int = 0


@dataclass(frozen=True)
class Crashes:
    """The figures. `serving_s` is from the kill until PostgreSQL commits for somebody new, `writing_s` until Bedrock's own pools do."""

    crashes: dict[str, int]
    acknowledged: int
    lost: int
    doubled: int
    audit_breaks: int
    answers_lost: int
    of_those_had_committed: int
    serving_s_median: float
    serving_s_worst: float
    writing_s_median: float
    writing_s_worst: float
    log_megabytes: float

    @property
    def holds(self) -> bool:
        return self.lost == 0 and self.doubled == 0 and self.audit_breaks == 0 and self.serving_s_worst <= 10 and self.writing_s_worst <= 10

    def as_rows(self) -> dict[str, Any]:
        return asdict(self)


async def crashed(settings: Settings, how_many: int, seed: int, tell: Callable[[str], None] = lambda _: None) -> Crashes:
    """Crashes the embedded PostgreSQL of `settings` so often, under writers, and reads the books afterwards."""
    chance = random.Random(seed)  # noqa: S311 - crashes to be repeated, not a secret
    books = Books()
    felt = Felt()
    async with database(settings) as url:
        await asyncio.to_thread(make_devices, url)
        async with writing(url, settings.secret, books) as wrote:
            for number in range(how_many):
                await asyncio.sleep(chance.uniform(*BETWEEN_S))
                kind = chance.choice(list(Crash))
                await one_crash(url, kind, chance, wrote, felt)
                seconds = f"serving after {felt.serving[-1]:.2f} s, writing after {felt.writing[-1]:.2f} s"
                tell(f"{number + 1} of {how_many}: {kind} killed; {seconds}")
            await settled(books)
        felt.audit_breaks = await audit_breaks(url, settings.secret)
        return await asyncio.to_thread(read_books, url, books, felt)


async def one_crash(url: str, kind: Crash, chance: random.Random, wrote: asyncio.Condition, felt: Felt) -> None:
    """Kills, and measures from then until it commits for somebody new, and until one of the writers has been told so again."""
    loop = asyncio.get_running_loop()
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as canary:
        victim = await victim_of(canary, kind, chance)
        began = loop.time()
        os.kill(victim, signal.SIGQUIT if kind is Crash.IMMEDIATE else signal.SIGKILL)
        await until_dead(canary)
    await until_it_commits(url)
    felt.kinds.append(kind)
    felt.serving.append(loop.time() - began)
    async with wrote, asyncio.timeout(SETTLES_WITHIN_S):
        await wrote.wait()
    felt.writing.append(loop.time() - began)


async def victim_of(conn: psycopg.AsyncConnection[Any], kind: Crash, chance: random.Random) -> int:
    if kind is Crash.BACKEND:
        found = await (await conn.execute(SQL.text("client_backends"))).fetchall()
        return int(chance.choice(found)[0])
    row = await (await conn.execute(SQL.text("postmaster"))).fetchone()
    assert row is not None
    return int(row[0])


async def until_dead(canary: psycopg.AsyncConnection[Any]) -> None:
    """A backend that is killed takes the others with it only when the first process notices."""
    while True:
        try:
            await canary.execute("SELECT 1")
        except psycopg.Error:
            return
        await asyncio.sleep(0.005)


async def until_it_commits(url: str) -> None:
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(url, connect_timeout=2) as conn:
                await conn.execute(SQL.text("beat"))
        except psycopg.Error:
            await asyncio.sleep(0.02)
        else:
            return


@asynccontextmanager
async def writing(url: str, secret: bytes, books: Books) -> AsyncIterator[asyncio.Condition]:
    """Writers at work while the block runs; the condition is notified whenever one is told that its write is safe."""
    wrote = asyncio.Condition()
    async with Atlas.open(url, secret, (Zone.EXECUTOR, Zone.INTAKE), most=4) as atlas:
        doors = AlarmIntake(atlas, intake("crash"))
        async with doors.running():
            work = [proposing(atlas, books, wrote, number) for number in range(PROPOSERS)]
            work += [telling(doors, books, wrote, number) for number in range(TELLERS)]
            tasks = [asyncio.create_task(one) for one in work]
            try:
                yield wrote
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


async def proposing(atlas: Atlas, books: Books, wrote: asyncio.Condition, writer: int) -> None:
    number = 0
    while True:
        number += 1
        await proposed_once(atlas, books, f"crash-{writer}-{number}")
        async with wrote:
            wrote.notify_all()


async def proposed_once(atlas: Atlas, books: Books, operation: str) -> None:
    """Writes until it is told that it is written. Each further try asks by the operation id what became of the one before."""
    while True:
        try:
            async with atlas.transaction(WRITER) as conn:
                asked = await SQL.one(conn, Asked, "propose", operation=operation, correlation_id=uuid.uuid4())
        except TROUBLES:
            books.unanswered.add(operation)
            await asyncio.sleep(0.02)
            continue
        if operation in books.unanswered and not asked.is_new:
            books.had_committed.add(operation)
        books.acknowledged.add(operation)
        return


async def telling(doors: AlarmIntake, books: Books, wrote: asyncio.Condition, teller: int) -> None:
    number = 0
    while True:
        number += 1
        operation = f"crash {teller}/{number}"
        reading = Reading((alarm(f"crash-{number % DEVICES}", operation),))
        while operation not in books.acknowledged:
            try:
                await doors.take(reading)
                books.acknowledged.add(operation)
            except (IntakeFull, NotYetSafe):
                await asyncio.sleep(0.1)
        async with wrote:
            wrote.notify_all()


def alarm(device: str, managed_object: str) -> AlarmEvent:
    now = datetime.now(UTC)
    return AlarmEvent(
        device, managed_object, ProbableCause.TEMPERATURE, Severity.WARNING, AlarmType.ENVIRONMENTAL, "it is warm", now, Door.TMF642, now
    )


async def settled(books: Books) -> None:
    """Whoever was left without an answer by the last crash has it now."""
    async with asyncio.timeout(SETTLES_WITHIN_S):
        while not books.unanswered <= books.acknowledged:  # noqa: ASYNC110 - the writers tell nobody which of them is done
            await asyncio.sleep(0.05)


def make_devices(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(SQL.text("make_devices"), {"devices": DEVICES})


async def audit_breaks(url: str, secret: bytes) -> int:
    async with Atlas.open(url, secret, (Zone.EXECUTOR,), most=1) as atlas, atlas.transaction(WRITER) as conn:
        return len(await broken_links(conn))


def read_books(url: str, books: Books, felt: Felt) -> Crashes:
    with psycopg.connect(url, autocommit=True) as conn:
        kept = [str(key) for (key,) in conn.execute(SQL.text("kept"))]
        log = conn.execute(SQL.text("log_written")).fetchone()
    acknowledged = frozenset(books.acknowledged)
    return Crashes(
        crashes=dict(Counter(map(str, felt.kinds))),
        acknowledged=len(acknowledged),
        lost=len(acknowledged - set(kept)),
        doubled=len(kept) - len(set(kept)),
        audit_breaks=felt.audit_breaks,
        answers_lost=len(books.unanswered),
        of_those_had_committed=len(books.had_committed),
        serving_s_median=statistics.median(felt.serving),
        serving_s_worst=max(felt.serving),
        writing_s_median=statistics.median(felt.writing),
        writing_s_worst=max(felt.writing),
        log_megabytes=float(log[0]) / 2**20 if log else 0.0,
    )
