"""Sustained HTTP intake: batches of 64 TMF642 alarms, deduplicated and durable, against a bare uvicorn that only COPYs."""

import asyncio
import os
import random
import statistics
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import psycopg

from atlas import embedded
from atlas.migrate import migrate
from evals.bench import Conditions, Row
from evals.benchmarks.intake_door import SECRET
from evals.benchmarks.intake_load import BATCH, DEVICES, batch, device_name, load

# Each of these batches is sent many times over, so that most alarms are repeats, as in a real storm.
DIFFERENT_BATCHES: Final = 400
SECONDS: Final = 8.0


class AlarmsLost(Exception):
    """What the door confirmed is not what Atlas holds."""


@dataclass(frozen=True)
class Measured:
    """Alarms a second in each whole second of a run but the first, alarms confirmed, and the door's memory in MB at its largest."""

    rates: tuple[float, ...]
    confirmed: int
    door_mb: float


async def run(conditions: Conditions) -> Sequence[Row]:
    server = await asyncio.to_thread(embedded.start, conditions.home)
    try:
        await asyncio.to_thread(_prepare, server.url)
        batches = _batches()
        door = await _measured("door", server.url, batches)
        await asyncio.to_thread(_all_there, server.url, door.confirmed)
        floor = await _measured("floor", server.url, batches)
    finally:
        await asyncio.to_thread(server.stop)
    floor_rate = statistics.median(floor.rates)
    return [
        Row(
            "intake", "alarms kept, sustained", "alarms/s", statistics.median(door.rates), min(door.rates), floor_rate, FLOOR_IS, "≥ 25,000"
        ),
        Row("intake", "memory of the door", "MB", door.door_mb, None, floor.door_mb, FLOOR_IS, "bounded"),
    ]


FLOOR_IS: Final = "bare uvicorn with COPY, no dedup"


def _batches() -> list[bytes]:
    chance = random.Random(1)  # noqa: S311 - a load to be repeated, not a secret
    return [batch(chance) for _ in range(DIFFERENT_BATCHES)]


def _prepare(url: str) -> None:
    """A migrated database with the devices that will speak, and a table for the floor."""
    migrate(url, SECRET)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("DROP TABLE IF EXISTS bench_event")
        conn.execute("CREATE TABLE bench_event (object text, cause text, severity text, text text, raised_at timestamptz)")
        conn.execute("INSERT INTO gis.area (name, latitude, longitude) VALUES ('Bench', 50, -3) ON CONFLICT DO NOTHING")
        with conn.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO cmdb.device (name, kind, area_id) SELECT %s, 'olt', min(id) FROM gis.area ON CONFLICT DO NOTHING",
                [(device_name(number),) for number in range(DEVICES)],
            )
        conn.execute("DELETE FROM nms.alarm")
        conn.execute("VACUUM ANALYZE cmdb.device")


def _all_there(url: str, confirmed: int) -> None:
    """Raises AlarmsLost unless every confirmed alarm was counted, in one row for each different alarm."""
    with psycopg.connect(url) as conn:
        counted = conn.execute("SELECT coalesce(sum(times), 0)::bigint, count(*) FROM nms.alarm").fetchone()
    if counted is None or counted[0] != confirmed:
        raise AlarmsLost(f"{confirmed} alarms were confirmed, Atlas counts {counted}")


async def _measured(name: str, url: str, batches: Sequence[bytes]) -> Measured:
    async with _process(name, url) as (port, process):
        answered = await load(port, batches, SECONDS)
        assert process.stdin is not None, "started with pipes"
        assert process.stdout is not None, "started with pipes"
        process.stdin.close()
        door_mb = float(await process.stdout.readline())
    seconds = Counter(int(at) for at in answered)
    rates = tuple(float(seconds[second] * BATCH) for second in range(1, int(SECONDS)))
    return Measured(rates, len(answered) * BATCH, door_mb)


@asynccontextmanager
async def _process(name: str, url: str) -> AsyncIterator[tuple[int, asyncio.subprocess.Process]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "evals.benchmarks.intake_door",
        name,
        env={**os.environ, "DATABASE_URL": url},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None, "started with a pipe"
    try:
        yield int(await process.stdout.readline()), process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
