"""Defers work by name in the caller's transaction; workers on any machine take it. At least once: law 5 holds, not the queue."""

import json
from datetime import datetime
from typing import Any, Final

from procrastinate import App, PsycopgConnector

from atlas.connection import CONNECT_S, LEASE_S, SESSION, zone_url
from atlas.principal import Zone
from atlas.statements import Connection
from atlas.watchdog import WatchedConnection

# A killed worker's jobs come back after this; the package's own default takes half a minute.
HEARTBEAT_S: Final = 2.0
STALLED_AFTER_S: Final = 6.0


async def defer(
    conn: Connection,
    name: str,
    *,
    lock: str | None = None,
    queueing_lock: str | None = None,
    at: datetime | None = None,
    **arguments: Any,
) -> int:
    """Leaves a job `name` ("cortex.look", "forge.carry_out", ...) in this transaction; its id.

    `lock`: one such job runs at a time. `queueing_lock`: one such job waits at a time, so a burst of calls leaves one. `at`: not before.
    """
    async with conn.cursor() as cursor:
        await cursor.execute(
            "SELECT jobs.defer(%s, %s::jsonb, %s, %s, %s)", (name, json.dumps(arguments, default=str), lock, queueing_lock, at)
        )
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


def queue(url: str, secret: bytes, most: int = 6) -> App:
    """The job queue as a worker opens it: the executor's own login, in the schema `jobs`."""
    connector = PsycopgConnector(
        conninfo=zone_url(url, Zone.EXECUTOR, secret),
        kwargs={"options": f"-c search_path=jobs {SESSION}", "connect_timeout": CONNECT_S},
        connection_class=WatchedConnection,
        timeout=LEASE_S,
        min_size=1,
        max_size=most,
    )
    return App(connector=connector)
