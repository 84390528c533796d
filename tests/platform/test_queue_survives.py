"""A worker that loses its way to PostgreSQL takes jobs again by itself, and leaves none behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from procrastinate import App
from procrastinate.exceptions import ConnectorException

from api.worker import attempted
from atlas.connection import Atlas
from atlas.jobs import defer, queue, recover, take_jobs
from atlas.principal import executor
from evals.campaign.proxy import BLACK_HOLE, PASSES, REFUSES, FaultProxy, before_postgresql
from tests.conftest import SECRET

ME = executor("test")
COMES_WITHIN_S = 30


class Counted:
    """A worker with one kind of job, which counts; `holds` keeps a job from ending."""

    def __init__(self, jobs: App, proxy: FaultProxy) -> None:
        self.jobs, self.proxy = jobs, proxy
        self.runs: asyncio.Queue[int] = asyncio.Queue()
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def count(self, number: int) -> None:
        await self.runs.put(number)
        await self.may_end.wait()

    async def next_run(self) -> int:
        async with asyncio.timeout(COMES_WITHIN_S):
            return await self.runs.get()

    async def runs_until(self, last: int) -> list[int]:
        """What runs, up to `last`; a job whose end nobody could write down runs again."""
        runs = [await self.next_run()]
        while runs[-1] != last:
            runs.append(await self.next_run())
        return runs

    async def recovering(self) -> None:
        while True:
            await asyncio.sleep(0.2)
            await recover(self.jobs, stalled_after_s=1)


@asynccontextmanager
async def working(database_url: str) -> AsyncIterator[Counted]:
    async with before_postgresql(database_url) as (proxy, through):
        jobs, direct = queue(through, SECRET, lease_s=0.3), queue(database_url, SECRET, most=2)
        counted, stopping = Counted(jobs, proxy), asyncio.Event()
        jobs.task(name="test.count")(counted.count)
        async with jobs.open_async(), direct.open_async():
            options = {"fetch_job_polling_interval": 0.1, "install_signal_handlers": False, "delete_jobs": "successful"}
            options |= {"update_heartbeat_interval": 0.2, "stalled_worker_timeout": 1.0}
            counted.jobs = direct
            tasks = [asyncio.create_task(take_jobs(jobs, stopping, 1, **options)), asyncio.create_task(counted.recovering())]
            yield counted
            stopping.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def left(atlas: Atlas, number: int) -> None:
    async with atlas.transaction(ME) as conn:
        await defer(conn, "test.count", lock="one at a time", number=number)


async def test_jobs_are_taken_again_when_postgresql_can_be_reached_again(atlas: Atlas, database_url: str) -> None:
    async with working(database_url) as counted:
        await left(atlas, 1)
        assert await counted.next_run() == 1

        counted.proxy.fault = REFUSES
        counted.proxy.cut()
        await asyncio.sleep(1.5)
        counted.proxy.fault = PASSES
        await left(atlas, 2)

        assert 2 in await counted.runs_until(2)


async def test_a_job_whose_end_could_not_be_written_down_keeps_its_lock_from_nobody(atlas: Atlas, database_url: str) -> None:
    async with working(database_url) as counted:
        counted.may_end.clear()
        await left(atlas, 1)
        assert await counted.next_run() == 1

        counted.proxy.fault = BLACK_HOLE
        counted.may_end.set()
        await asyncio.sleep(0.5)
        counted.proxy.cut()
        counted.proxy.fault = PASSES
        await left(atlas, 2)

        assert 2 in await counted.runs_until(2)


async def test_a_look_for_stalled_jobs_that_fails_is_a_failed_sweep_and_no_end_of_looking(database_url: str) -> None:
    async with before_postgresql(database_url) as (proxy, through):
        jobs = queue(through, SECRET, most=2, lease_s=0.2)
        async with jobs.open_async():
            proxy.fault = REFUSES
            proxy.cut()

            await attempted("recovery", lambda: recover(jobs))
            proxy.fault = PASSES

            was_answered = await answers(jobs)
            async with asyncio.timeout(COMES_WITHIN_S):
                while not was_answered:
                    await asyncio.sleep(0.1)
                    was_answered = await answers(jobs)

    assert was_answered


async def answers(jobs: App) -> bool:
    try:
        return await recover(jobs) == ([], [])
    except ConnectorException:
        return False
