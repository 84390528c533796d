"""Defers work by name in the caller's transaction; workers on any machine take it. At least once: law 5 holds, not the queue."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job
from procrastinate.jobs import Status as JobStatus

from atlas.connection import CONNECT_S, LEASE_S, SESSION, zone_url
from atlas.principal import Zone
from atlas.statements import Connection, Statements
from atlas.watchdog import WatchedConnection

SQL = Statements(__file__)

# A job that failed, or took its worker down, this often is parked: it waits for a person, and the queue goes on.
MOST_ATTEMPTS: Final = 5
# What was taken down together is taken up apart, so that the one that kills is found alone.
APART: Final = timedelta(seconds=2)
# A killed worker's jobs come back after this; the package's own default takes half a minute.
HEARTBEAT_S: Final = 2.0
STALLED_AFTER_S: Final = 6.0


@dataclass(frozen=True)
class ParkedJob:
    """A job that nobody tries any more. Its reason is in the worker's log, under its id; a killed worker could not say any."""

    id: int
    name: str
    arguments: dict[str, Any]
    attempts: int
    since: datetime | None


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


async def recover(jobs: App, now: datetime, stalled_after_s: float = STALLED_AFTER_S) -> tuple[list[int], list[int]]:
    """A killed worker's jobs go back into the queue, or are parked where they did it once too often; the ids of both.

    One that waits in the queue already does the other's work too.
    """
    again, parked = [], []
    for nth, job in enumerate(await jobs.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled_after_s)):
        assert job.id is not None, "a job that was taken from the queue has an id"
        if job.attempts + 1 >= MOST_ATTEMPTS:
            await jobs.job_manager.finish_job(job, JobStatus.FAILED, delete_job=False)
            parked.append(job.id)
        elif await _taken_up(jobs, job, now + nth * APART if job.attempts else now):
            again.append(job.id)
    return again, parked


async def _taken_up(jobs: App, job: Job, at: datetime) -> bool:
    try:
        await jobs.job_manager.retry_job(job, retry_at=at)
    except UniqueViolation:
        await jobs.job_manager.finish_job(job, JobStatus.FAILED, delete_job=True)
        return False
    return True


async def parked(conn: Connection) -> list[ParkedJob]:
    """What failed for good, oldest first; the executor's to see."""
    return await SQL.all(conn, ParkedJob, "parked")


async def retry_parked(conn: Connection, job_id: int) -> bool:
    """Lets a parked job begin anew, or drops it where one like it waits already; False where no such job is parked."""
    return bool(await SQL.value(conn, "unpark", job_id=job_id))
