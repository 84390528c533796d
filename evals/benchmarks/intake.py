"""Sustained HTTP intake: batches of 64 TMF642 alarms, deduplicated and durable, against a bare uvicorn that only COPYs."""

import asyncio
import contextlib
import os
import random
import statistics
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
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
    """Alarms a second in each whole second of a run but the first, alarms confirmed, the door's memory in MB at its largest, and the
    processor time that an alarm cost door and PostgreSQL, in µs."""

    rates: tuple[float, ...]
    confirmed: int
    door_mb: float
    cpu_us: float


async def run(conditions: Conditions) -> Sequence[Row]:
    server = await asyncio.to_thread(embedded.start, conditions.home)
    try:
        await asyncio.to_thread(_prepare, server.url)
        batches = _batches()
        door = await _measured("door", server, batches)
        await asyncio.to_thread(_all_there, server.url, door.confirmed)
        floor = await _measured("floor", server, batches)
    finally:
        await asyncio.to_thread(server.stop)
    floor_rate = statistics.median(floor.rates)
    return [
        Row(
            "intake", "alarms kept, sustained", "alarms/s", statistics.median(door.rates), min(door.rates), floor_rate, FLOOR_IS, "≥ 25,000"
        ),
        Row("intake", "processor time an alarm, door and PostgreSQL", "µs", door.cpu_us, None, floor.cpu_us, FLOOR_IS, "≤ 80 (two cores)"),
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


async def _measured(name: str, server: embedded.EmbeddedServer, batches: Sequence[bytes]) -> Measured:
    server_began = _server_cpu_s(server.folder)
    async with _process(name, server.url) as (port, process):
        answered = await load(port, batches, SECONDS)
        assert process.stdin is not None, "started with pipes"
        assert process.stdout is not None, "started with pipes"
        process.stdin.close()
        door_mb, door_s = (float(part) for part in (await process.stdout.readline()).split())
    seconds = Counter(int(at) for at in answered)
    rates = tuple(float(seconds[second] * BATCH) for second in range(1, int(SECONDS)))
    confirmed = len(answered) * BATCH
    return Measured(rates, confirmed, door_mb, (door_s + _server_cpu_s(server.folder) - server_began) / confirmed * 1e6)


def _server_cpu_s(folder: Path) -> float:
    """Processor seconds of the postmaster, its children and its children that have ended. Linux only; elsewhere 0."""
    postmaster = (folder / "postmaster.pid").read_text().split()[0]
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, fields = stat.parent.name, stat.read_text().rpartition(")")[2].split()
            if name == postmaster:
                ticks += sum(int(field) for field in fields[11:15])
            elif fields[1] == postmaster:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


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
