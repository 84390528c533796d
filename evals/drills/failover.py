"""The failover drill: the primary is killed under acknowledged load; what was acknowledged, how soon it serves, who may write."""

import asyncio
import contextlib
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]
import psycopg

from api.serve import database
from api.settings import Settings
from atlas.connection import Atlas
from atlas.keeper import Keeper, kept
from atlas.node import Node, NodeFailed
from atlas.principal import Zone
from atlas.programs import ProgramFailed, embedded_programs
from atlas.standby import make_pair, pair_running
from atlas.statements import Statements
from evals.drills.load import DRILL, AcknowledgedLoad, acknowledged_load, found_in, lost, prepare

SQL: Final = Statements(__file__)
SERVES_WITHIN_S: Final = 10.0
TOGETHER_WITHIN_S: Final = 90.0
BEFORE_KILL_S: Final = (0.4, 1.2)


@dataclass(frozen=True)
class FailoverDrill:
    """What came of it. `serving_s` is the longest wait of any kill until the next write of each kind was acknowledged."""

    kills: int
    failovers: int
    acknowledged: int
    unanswered: int
    lost: int
    serving_s: float
    median_serving_s: float
    written_by_fenced: int
    refused_by_fenced: int
    broken_links: int

    @property
    def passed(self) -> bool:
        return self.failovers > 0 and self.serving_s <= SERVES_WITHIN_S and not (self.lost or self.written_by_fenced or self.broken_links)


@dataclass
class Fenced:
    """Tries to write to the server that was primary, as somebody who still has its address would."""

    written: int = 0
    refused: int = 0

    async def tried(self, node: Node, secret: bytes) -> None:
        try:
            async with node.asked(secret, within_s=2) as conn:
                await SQL.run(conn, "write_to_one")
            self.written += 1
        except NodeFailed as failed:
            self.refused += isinstance(failed.__cause__, psycopg.errors.ReadOnlySqlTransaction)


async def failover_drill(folder: Path, kills: int, seed: int) -> FailoverDrill:
    """Makes a pair in `folder` and kills its primary `kills` times. The same kills for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - a drill to be repeated, not a secret
    settings = Settings(home=folder / "home", database_url=None, ballast_mb=0)
    async with database(settings) as url:
        await prepare(url)
    made = await make_pair(settings.home, settings.secret)
    fenced = Fenced()
    async with pair_running(made, settings.secret) as pair, kept(pair, settings.secret) as keeper:
        async with acknowledged_load(settings, pair.url(settings.secret)) as load:
            waits = [await _killed(keeper, load, fenced, chance) for _ in range(kills)]
            writes = list(load.writes)
        url = keeper.pair.url(settings.secret)
        async with Atlas.open(url, settings.secret, (Zone.EXECUTOR,), most=1) as atlas, atlas.transaction(DRILL) as conn:
            found = await found_in(conn)
        failovers = keeper.pair.term - made.term
    return FailoverDrill(
        kills=kills,
        failovers=failovers,
        acknowledged=sum(write.acknowledged is not None for write in writes),
        unanswered=sum(write.acknowledged is None for write in writes),
        lost=len(lost(found, writes, time.perf_counter())),
        serving_s=max(waits),
        median_serving_s=sorted(waits)[len(waits) // 2],
        written_by_fenced=fenced.written,
        refused_by_fenced=fenced.refused,
        broken_links=len(found.broken),
    )


async def _killed(keeper: Keeper, load: AcknowledgedLoad, fenced: Fenced, chance: random.Random) -> float:
    """Kills the primary; seconds until both kinds of write were acknowledged again. Returns once the pair is whole."""
    await asyncio.sleep(chance.uniform(*BEFORE_KILL_S))
    old, term = keeper.pair.primary, keeper.pair.term
    began = time.perf_counter()
    _kill(old, whole=chance.random() < 0.5)
    if chance.random() < 0.25:
        # A watchful machine starts it again at once, before anybody could fence it.
        with contextlib.suppress(ProgramFailed):
            await old.start(embedded_programs())
    serving = await load.acknowledged_after(began) - began
    async with asyncio.timeout(TOGETHER_WITHIN_S):
        while not keeper.pair.is_synchronous or keeper.pair.term == term:
            if keeper.pair.term > term:
                await fenced.tried(old, keeper.secret)
            elif await _is_whole(keeper):
                break
            await asyncio.sleep(0.02)
    if keeper.pair.term > term:
        await fenced.tried(old, keeper.secret)
    return serving


def _kill(node: Node, *, whole: bool) -> None:
    """kill -9: the postmaster alone, whose children then notice, or all of it at one blow."""
    processes = node.processes()
    for process in processes if whole else processes[:1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)


async def _is_whole(keeper: Keeper) -> bool:
    """The killed primary came back by itself before anybody failed over, and its standby with it."""
    state: Any = None
    with contextlib.suppress(NodeFailed):
        state = await keeper.pair.primary.state(keeper.secret)
    return state is not None and keeper.misses == 0 and state.acknowledging > 0
