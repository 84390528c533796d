"""Defers work by name in the caller's transaction; workers on any machine take it. At least once: law 5 holds, not the queue."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job
from procrastinate.jobs import Status as JobStatus
from procrastinate.manager import JobManager

from atlas.connection import CONNECT_S, LEASE_S, SESSION, zone_url
from atlas.principal import Zone
from atlas.statements import Connection, Statements
from atlas.watchdog import WatchedConnection

SQL = Statements(__file__)
log = structlog.get_logger()

# A job that failed, or took its worker down, this often is parked: it waits for a person, and the queue goes on.
MOST_ATTEMPTS: Final = 5
# What was taken down together is taken up apart, so that the one that kills is found alone.
APART: Final = timedelta(seconds=2)
# A killed worker's jobs come back after this; the package's own default takes half a minute.
HEARTBEAT_S: Final = 2.0
STALLED_AFTER_S: Final = 6.0
BEGIN_ANEW_AFTER_S: Final = 0.5


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


def queue(url: str, secret: bytes, most: int = 6, lease_s: float = LEASE_S) -> App:
    """The job queue as a worker opens it: the executor's own login, in the schema `jobs`. `lease_s`: for a connection."""
    connector = PsycopgConnector(
        conninfo=zone_url(url, Zone.EXECUTOR, secret),
        kwargs={"options": f"-c search_path=jobs {SESSION}", "connect_timeout": CONNECT_S},
        connection_class=WatchedConnection,
        timeout=lease_s,
        reconnect_timeout=lease_s,
        min_size=1,
        max_size=most,
    )
    app = App(connector=connector)
    app.job_manager = ReportingManager(connector)
    return app


class ReportingManager(JobManager):
    """The package's own, which also says when it could not write down what became of a job.

    Such a job stays taken for as long as its worker lives, and keeps its lock. `lost` tells whoever runs the worker to begin anew under
    another name, so that the job is recovered as a dead worker's.
    """

    def __init__(self, connector: PsycopgConnector) -> None:
        super().__init__(connector)
        self.lost = asyncio.Event()

    async def finish_job(self, job: Job, status: JobStatus, delete_job: bool) -> None:
        with self._reporting():
            await super().finish_job(job, status, delete_job)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """The same pause as the package meant, by the database's clock: one that was moved would hold up every job of the same lock.

        Raises UniqueViolation where one like it waits, which does its work too: then this one is over.
        """
        with self._reporting():
            try:
                await super().retry_job(job, await self._in_as_long_as_until(retry_at), priority, queue, lock)
            except UniqueViolation:
                await super().finish_job(job, JobStatus.FAILED, delete_job=True)
                raise

    async def _in_as_long_as_until(self, at: datetime | None) -> datetime:
        pause = timedelta(0) if at is None else max(timedelta(0), at - datetime.now(UTC))
        answer = await self.connector.execute_query_one_async("SELECT clock_timestamp() AS now")
        now: datetime = answer["now"]
        return now + pause

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except UniqueViolation:
            raise
        except Exception:  # whatever it was, nobody knows what the queue says of this job now
            self.lost.set()
            raise


async def take_jobs(jobs: App, stopping: asyncio.Event, drain_s: float, **options: Any) -> None:
    """Works off the queue until `stopping`; a worker that lost its connection, or a job's end, is followed by another."""
    manager = jobs.job_manager
    assert isinstance(manager, ReportingManager), "opened by queue()"
    while not stopping.is_set():
        manager.lost.clear()
        working = asyncio.create_task(jobs.run_worker_async(shutdown_graceful_timeout=drain_s, **options))
        lost = asyncio.create_task(manager.lost.wait())
        try:
            await asyncio.wait({working, lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
            # The package takes a cancellation as a wish to stop, and drains by itself.
            working.cancel()
            await asyncio.wait({working})
        log.warning("queue_begun_anew", error=type(working.exception()).__name__ if not working.cancelled() else "lost")
        await asyncio.sleep(BEGIN_ANEW_AFTER_S)


async def recover(jobs: App, stalled_after_s: float = STALLED_AFTER_S) -> tuple[list[int], list[int]]:
    """A killed worker's jobs go back into the queue, or are parked where they did it once too often; the ids of both.

    One that waits in the queue already does the other's work too.
    """
    again, parked = [], []
    for nth, job in enumerate(await jobs.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled_after_s)):
        assert job.id is not None, "a job that was taken from the queue has an id"
        if job.attempts + 1 >= MOST_ATTEMPTS:
            await jobs.job_manager.finish_job(job, JobStatus.FAILED, delete_job=False)
            parked.append(job.id)
        elif await _taken_up(jobs, job, nth * APART if job.attempts else timedelta(0)):
            again.append(job.id)
    return again, parked


async def _taken_up(jobs: App, job: Job, after: timedelta) -> bool:
    try:
        await jobs.job_manager.retry_job(job, retry_at=datetime.now(UTC) + after)
    except UniqueViolation:
        return False
    return True


async def parked(conn: Connection) -> list[ParkedJob]:
    """What failed for good, oldest first; the executor's to see."""
    return await SQL.all(conn, ParkedJob, "parked")


async def retry_parked(conn: Connection, job_id: int) -> bool:
    """Lets a parked job begin anew, or drops it where one like it waits already; False where no such job is parked."""
    return bool(await SQL.value(conn, "unpark", job_id=job_id))
