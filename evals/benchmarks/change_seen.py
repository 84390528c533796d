"""`change-seen`: from a device's change of state, about to be committed, to another process having read it."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import psycopg

from api.serve import database
from api.settings import Settings
from atlas.cmdb.reads import device_named
from atlas.connection import Atlas
from atlas.principal import Zone, executor
from evals.bench import Conditions, Row

TIMES: Final = 500
PAUSE_S: Final = 0.004
DEVICE: Final = "olt-change-seen"


async def run(conditions: Conditions) -> Sequence[Row]:
    settings = Settings(home=conditions.home / "change-seen")
    async with database(settings) as url:
        with psycopg.connect(url) as conn:
            conn.execute("INSERT INTO gis.area (name, latitude, longitude) VALUES ('Here', 50, -1) ON CONFLICT DO NOTHING")
            conn.execute(
                "INSERT INTO cmdb.device (name, kind, area_id) SELECT %s, 'olt', id FROM gis.area ON CONFLICT DO NOTHING", (DEVICE,)
            )
        seen = np.array(await changes_seen(url, settings.secret)) * 1000
        floor = np.median(np.array(await bare_notices(url))) * 1000
    figure = "device state committed, read by another process"
    floor_is = "a bare NOTIFY to another connection"
    return [Row("change-seen", figure, "ms", float(np.median(seen)), float(np.percentile(seen, 99)), float(floor), floor_is, "p99 ≤ 10 ms")]


async def changes_seen(url: str, secret: bytes) -> list[float]:
    """Seconds for each change: the monotonic clock is the same in every process of one machine."""
    watching = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "evals.benchmarks.change_seen", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert watching.stdin is not None, "started with pipes"
    assert watching.stdout is not None, "started with pipes"
    try:
        watching.stdin.write(json.dumps({"url": url, "secret": secret.hex()}).encode() + b"\n")
        await watching.stdout.readline()
        return [await one_change(url_conn, watching.stdout, number) async for url_conn, number in numbered(url)]
    finally:
        watching.terminate()
        await watching.wait()


async def numbered(url: str) -> Any:
    async with await psycopg.AsyncConnection.connect(url) as conn:
        for number in range(TIMES):
            yield conn, number


async def one_change(conn: psycopg.AsyncConnection[Any], answers: asyncio.StreamReader, number: int) -> float:
    state = "disabled" if number % 2 == 0 else "enabled"
    await conn.execute(
        "UPDATE cmdb.device SET operational_state = %s, state_changed_at = %s WHERE name = %s", (state, datetime.now(UTC), DEVICE)
    )
    began = time.monotonic()
    await conn.commit()
    while True:
        seen = json.loads(await answers.readline())
        if seen["state"] == state:
            break
    await asyncio.sleep(PAUSE_S)
    return float(seen["at"]) - began


async def bare_notices(url: str) -> list[float]:
    took = []
    async with (
        await psycopg.AsyncConnection.connect(url, autocommit=True) as hears,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as tells,
    ):
        await hears.execute("LISTEN floor")
        for _ in range(TIMES):
            began = time.monotonic()
            await tells.execute("NOTIFY floor")
            await anext(hears.notifies(stop_after=1))
            took.append(time.monotonic() - began)
    return took


async def watch() -> None:
    """The other process: told by Atlas that devices changed, it reads the one and says when it knew."""
    told = json.loads(sys.stdin.readline())
    async with Atlas.open(told["url"], bytes.fromhex(told["secret"]), (Zone.EXECUTOR,), most=2) as atlas:
        changes = atlas.changes()
        first = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0.5)
        say({"state": "listening"})
        change = await first
        while True:
            if change == "cmdb.device":
                async with atlas.transaction(executor("benchmark")) as conn:
                    device = await device_named(conn, DEVICE)
                say({"state": device.operational_state if device else None, "at": time.monotonic()})
            change = await anext(changes)


def say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(watch())
