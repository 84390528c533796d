"""The whole platform on the demo ISP, for benchmarks that cut the whitepaper's backhaul again and again."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import psycopg
from pydantic import SecretStr

from api.bootstrap import House, house
from api.doors import snmp_user
from api.serve import database, platform
from api.settings import Settings
from atlas.itsm.reads import incident as incident_of
from atlas.itsm.records import IncidentState
from atlas.principal import Zone, executor
from atlas.statements import Connection
from evals.bench import Conditions
from evals.demo.play import address_of
from evals.demo.watching import incidents_standing, unsettled
from evals.fault.playing import Doors, Played, cleared, raised, send
from evals.fault.scene import Scene, scene_of_cut
from evals.fault.told import Told, told_of_cut
from evals.world.plan import world
from evals.world.seed import seed

WATCHER: Final = executor("benchmark")
# Shorter than the demo's, so that the whole burst is one look: what is measured begins at its last alarm.
SPREAD_S: Final = 0.1
PATIENCE_S: Final = 30.0
# What a worker does after an incident (tickets, notices, probes) must be over before the next cut is timed.
REST_S: Final = 0.5


@dataclass(frozen=True)
class CutStage:
    here: House
    url: str
    doors: Doors
    scene: Scene
    told: list[Told]

    @property
    def device_ids(self) -> list[int]:
        return [gear.device_id for gear in self.scene.dark]

    async def cut(self, number: int) -> Played:
        """The burst of one cut; the same for the same number."""
        rng = np.random.default_rng(number)
        return await send(await asyncio.to_thread(raised, self.told, self.doors, SPREAD_S, rng, datetime.now(UTC)))

    async def repair(self) -> None:
        """Clears everything at once and waits until the incident is closed, nothing of it is under way, and the house at rest."""
        async with self.here.atlas.transaction(WATCHER) as conn:
            standing = await incidents_standing(conn, self.device_ids)
        await send(await asyncio.to_thread(cleared, self.told, self.doors, datetime.now(UTC), 0.02))

        async def is_over(conn: Connection) -> bool:
            states = [(await incident_of(conn, found)).state for found in standing]
            left = sum([await unsettled(conn, found) for found in standing])
            return left == 0 and all(state is IncidentState.CLOSED for state in states)

        await self.until(is_over)
        await asyncio.to_thread(self._hours_pass)
        await asyncio.sleep(REST_S)

    def _hours_pass(self) -> None:
        """A link cut three times in minutes flaps, and is held; what is timed is one that was well for long."""
        with psycopg.connect(self.url) as conn:
            conn.execute("UPDATE nms.alarm SET reopened = 0 WHERE reopened > 0")

    async def until(self, holds: Callable[[Connection], Awaitable[bool]]) -> float:
        """Asks after every change that Atlas announces until it holds; when that change was heard, by the monotonic clock.

        Changes are heard beside the asking, so that a slow question makes nothing seem later. Raises TimeoutError after a while.
        """
        heard = Heard()
        hearing = asyncio.create_task(heard.listen(self.url))
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    await heard.something()
                    at = heard.last_at
                    async with self.here.atlas.transaction(WATCHER) as conn:
                        if await holds(conn):
                            return at
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)


class Heard:
    """When Atlas last announced a change; now and then something is taken to have been heard, should it have come before we listened."""

    def __init__(self) -> None:
        self.last_at = 0.0
        self.news = asyncio.Event()

    async def listen(self, url: str) -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
            await conn.execute("LISTEN atlas")
            while True:
                self.last_at = time.monotonic()
                self.news.set()
                async for _ in conn.notifies(timeout=0.5, stop_after=1):
                    pass

    async def something(self) -> None:
        await self.news.wait()
        self.news.clear()


@asynccontextmanager
async def cut_stage(conditions: Conditions, name: str) -> AsyncIterator[CutStage]:
    """Ten thousand subscribers, every process of the platform, and the fault; in a folder of its own, so that nobody was told before."""
    settings = Settings(home=conditions.home / name, port=0, snmp_port=0, syslog_port=0, intake_port=0, radius="off")
    async with database(settings) as url:
        await asyncio.to_thread(seed, url, now=datetime.now(UTC))
        handed = settings.model_copy(update={"database_url": SecretStr(url)})
        async with platform(handed, url) as running, house(handed, (Zone.EXECUTOR,), most=4) as here:
            async with here.atlas.transaction(WATCHER) as conn:
                scene = await scene_of_cut(conn, world().zone.backhaul)
            doors = Doors(address_of(running.addresses["snmp"]), address_of(running.addresses["syslog"]), snmp_user(settings))
            yield CutStage(here, url, doors, scene, told_of_cut(scene))
