"""The queue goes on whatever a job does to its worker, and a worker that is told to stop leaves nothing half done."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from procrastinate import App
from pydantic import SecretStr

from api.serve import DRAIN_S, environment_of
from api.settings import Settings
from atlas.connection import Atlas
from atlas.jobs import MOST_ATTEMPTS, defer, parked, queue, recover, retry_parked
from atlas.principal import executor
from evals.campaign.clock import MovedClock, installed
from tests import given
from tests.conftest import SECRET
from tests.given import Owner

ME = executor("test")
NOTICES = 1_500
HALF_DONE = """
SELECT (SELECT count(*) FROM helpdesk.notice WHERE state = 'leased'),
       (SELECT count(*) FROM jobs.procrastinate_jobs WHERE status = 'doing'),
       (SELECT count(*) FROM helpdesk.recorded_message WHERE times > 1),
       (SELECT count(*) FROM helpdesk.recorded_message) - (SELECT count(*) FROM helpdesk.notice WHERE state = 'sent')
"""


@pytest.fixture
async def jobs(database_url: str) -> AsyncIterator[App]:
    app = queue(database_url, SECRET, most=2)
    async with app.open_async():
        yield app


async def left(atlas: Atlas, name: str, **arguments: Any) -> int:
    async with atlas.transaction(ME) as conn:
        return await defer(conn, name, **arguments)


async def taken_and_killed(jobs: App) -> int | None:
    """Some worker takes the next job and dies with it; which one."""
    worker = await jobs.job_manager.register_worker()
    job = await jobs.job_manager.fetch_job(queues=None, worker_id=worker)
    await jobs.connector.execute_query_async("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
    return job.id if job else None


async def test_what_a_killed_worker_had_in_its_hands_is_taken_up_again(jobs: App, atlas: Atlas) -> None:
    mine = await left(atlas, "forge.carry_out", action_id=1)
    await taken_and_killed(jobs)

    again, given_up = await recover(jobs)

    assert (again, given_up, await taken_and_killed(jobs)) == ([mine], [], mine)


async def test_a_job_that_takes_its_worker_down_five_times_is_parked_and_the_next_one_runs(jobs: App, atlas: Atlas) -> None:
    poison = await left(atlas, "forge.carry_out", action_id=666)
    taken = []
    for _ in range(MOST_ATTEMPTS):
        taken.append(await taken_and_killed(jobs))
        await recover(jobs)
    honest = await left(atlas, "forge.carry_out", action_id=1)

    async with atlas.transaction(ME) as conn:
        waiting_for_a_person = await parked(conn)
    assert taken == [poison] * MOST_ATTEMPTS
    assert [(one.id, one.arguments, one.attempts) for one in waiting_for_a_person] == [(poison, {"action_id": 666}, MOST_ATTEMPTS)]
    assert await taken_and_killed(jobs) == honest


async def test_what_died_together_more_than_once_is_taken_up_apart(jobs: App, atlas: Atlas) -> None:
    for nth in range(3):
        await left(atlas, "forge.carry_out", action_id=nth)
    for _ in range(2):
        for _ in range(3):
            await taken_and_killed(jobs)
        await recover(jobs)

    async with atlas.transaction(ME) as conn:
        rows = await (
            await conn.execute("SELECT count(DISTINCT scheduled_at) FROM jobs.procrastinate_jobs WHERE status = 'todo'")
        ).fetchall()
    assert rows == [(3,)]


RETRIED = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from atlas.jobs import queue

async def main():
    app = queue(sys.argv[1], bytes.fromhex(sys.argv[2]), most=2)
    async with app.open_async():
        worker = await app.job_manager.register_worker()
        job = await app.job_manager.fetch_job(queues=None, worker_id=worker)
        await app.job_manager.retry_job(job, retry_at=datetime.now(UTC) + timedelta(seconds=4))

asyncio.run(main())
"""


async def test_a_job_is_tried_again_after_its_pause_whatever_the_clock_of_its_process_says(
    atlas: Atlas, database_url: str, tmp_path: Path
) -> None:
    """A day too far ahead it would hold up every job of the same lock for a day."""
    clock = MovedClock(tmp_path / "clock", installed())
    if not clock.can_move:
        pytest.skip("libfaketime is not installed (Debian: faketime): no clock is moved")
    clock.move(86_400)
    await left(atlas, "forge.carry_out", lock="action:1", action_id=1)

    command = (sys.executable, "-c", RETRIED, database_url, SECRET.hex())
    process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **clock.environment})
    code = await process.wait()

    async with atlas.transaction(ME) as conn:
        row = await (await conn.execute("SELECT scheduled_at < clock_timestamp() + interval '5 s' FROM jobs.procrastinate_jobs")).fetchone()
    assert (code, row) == (0, (True,))


async def test_a_parked_job_begins_anew_when_somebody_says_so(jobs: App, atlas: Atlas) -> None:
    mine = await left(atlas, "forge.carry_out", action_id=1)
    for _ in range(MOST_ATTEMPTS):
        await taken_and_killed(jobs)
        await recover(jobs)

    async with atlas.transaction(ME) as conn:
        answers = [await retry_parked(conn, mine), await retry_parked(conn, mine)]

    assert (answers, await taken_and_killed(jobs)) == ([True, False], mine)


async def test_a_worker_that_is_told_to_stop_under_load_leaves_nothing_leased(
    atlas: Atlas, owner: Owner, database_url: str, tmp_path: Path
) -> None:
    maya, done = await given.customer(owner), await given.action(owner)
    await owner.execute(
        "INSERT INTO helpdesk.notice (customer_id, purpose, key, channel, address, language, template, words, action_id)"
        " SELECT %s, 'reply', nth::text, 'sms', '+447700900001', 'en', '', 'Word ' || nth, %s FROM generate_series(1, %s) AS nth",
        (maya, done, NOTICES),
    )
    (tmp_path / "secret").write_text(SECRET.hex())
    settings = Settings(home=tmp_path, database_url=SecretStr(database_url))
    environment = {**os.environ, **environment_of(settings)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api.part", "worker", env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    await first_sent(database_url)

    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(DRAIN_S):
        code = await process.wait()

    held = await (await owner.execute(HALF_DONE)).fetchone()
    assert (code, held) == (0, (0, 0, 0, 0))


async def first_sent(url: str) -> None:
    """Returns once the worker is in the midst of it, or fails with the minute."""
    connect = psycopg.AsyncConnection.connect
    async with asyncio.timeout(60), await connect(url, autocommit=True) as ears, await connect(url, autocommit=True) as conn:
        await ears.execute("LISTEN atlas")
        async for _ in ears.notifies():
            sent = await (await conn.execute("SELECT EXISTS (SELECT 1 FROM helpdesk.notice WHERE state = 'sent')")).fetchone()
            if sent == (True,):
                return
