"""`leaks`: twenty leaks of five kinds written among 100,000 lines; what is found of them, what else is, and how soon after each write."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from statistics import median
from typing import Any, Final

import psycopg

from api.serve import database
from api.settings import Settings
from api.worker import SWEEP_EVERY_S
from atlas.connection import Atlas
from atlas.principal import Zone
from atlas.statements import Statements
from evals.bench import Conditions, Row
from evals.world.seed import seed
from forge.leaks import look_at_all, look_for_leaks

SQL: Final = Statements(__file__)
SUBSCRIBERS: Final = 100_000
OF_EACH: Final = 4
KINDS: Final = ("session_without_charge", "charge_without_session", "speed_differs", "suspended_but_online", "held_by_no_line")
# What has not been found by then is lost.
FOUND_WITHIN_S: Final = 30.0


async def run(conditions: Conditions) -> Sequence[Row]:
    """Precision and recall over what was seeded, and the time from each commit to the row that says it was found."""
    settings = Settings(home=conditions.home)
    async with database(settings) as url:
        seed(url, subscribers=SUBSCRIBERS, now=datetime.now(UTC))
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute(SQL.text("as_charged"))
        async with Atlas.open(url, settings.secret, (Zone.EXECUTOR,), most=2) as atlas:
            started = time.perf_counter()
            before = await look_at_all(atlas)
            whole_s = time.perf_counter() - started
            wanted, seconds = await _sown_and_found(atlas, url)
        with psycopg.connect(url) as owner:
            found = set(owner.execute(SQL.text("found")).fetchall())
    hit = found & wanted.keys()
    return [
        _row("recall of 20 seeded leaks", "", len(hit) / len(wanted), "1"),
        _row("precision among 100,000 lines", "", len(hit) / max(1, len(found)), "1"),
        _row("leaks found before any was seeded", "leaks", before.found, "0"),
        Row("leaks", "from the write to the finding", "s", median(seconds), max(seconds), None, "", "<= 5 s each"),
        _row("one look at every line", "s", whole_s, ""),
    ]


def _row(figure: str, unit: str, value: float, goal: str) -> Row:
    return Row("leaks", figure, unit, value, None, None, "", goal)


async def _sown_and_found(atlas: Atlas, url: str) -> tuple[dict[tuple[Any, ...], float], list[float]]:
    """Writes each leak in a transaction of its own while the worker's clock looks; when each was committed, and how long until found."""
    looking = asyncio.create_task(_clock(atlas))
    committed: dict[tuple[Any, ...], float] = {}
    found: dict[tuple[Any, ...], float] = {}
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as owner:
        lines = await _lines(owner)
        for kind, line in lines:
            await owner.execute(SQL.text(kind), {"line": line})
            committed[kind, line] = time.perf_counter()
            await _note(owner, found)
        deadline = time.perf_counter() + FOUND_WITHIN_S
        while not committed.keys() <= found.keys() and time.perf_counter() < deadline:
            await asyncio.sleep(0.05)
            await _note(owner, found)
    looking.cancel()
    with suppress(asyncio.CancelledError):
        await looking
    return committed, [found.get(key, deadline) - at for key, at in committed.items()]


async def _clock(atlas: Atlas) -> None:
    while True:
        await look_for_leaks(atlas)
        await asyncio.sleep(SWEEP_EVERY_S)


async def _lines(owner: psycopg.AsyncConnection[Any]) -> list[tuple[str, int]]:
    """Four lines of their own for each kind, shuffled, the same at every run."""
    candidates = [row[0] for row in await (await owner.execute(SQL.text("healthy_lines"))).fetchall()]
    chance = random.Random(31)  # noqa: S311 - a shuffle, not a secret
    chosen = chance.sample(candidates, OF_EACH * len(KINDS))
    pairs = [(kind, chosen[place * OF_EACH + nth]) for place, kind in enumerate(KINDS) for nth in range(OF_EACH)]
    chance.shuffle(pairs)
    return pairs


async def _note(owner: psycopg.AsyncConnection[Any], found: dict[tuple[Any, ...], float]) -> None:
    for row in await (await owner.execute(SQL.text("found"))).fetchall():
        found.setdefault(tuple(row), time.perf_counter())
