"""`bedrock eval kills`: processes killed at every moment there is, others that take over, and a count of what the world outside saw."""

import asyncio
import itertools
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import structlog
from psycopg import AsyncConnection, conninfo, sql

from atlas.errors import AtlasError
from atlas.statements import Statements
from atlas.watchdog import WatchedConnection
from evals.kills.child import House, works
from evals.kills.kinds import ALL, Kind, Owner, Person, Subject, Works
from evals.kills.peer import Peer
from forge.matrix_in_force import put_in_force

SQL: Final = Statements(__file__)
log = structlog.get_logger()

SIGKILLED: Final = -9
# Every so often the one that takes over is killed as well.
AGAIN: Final = 0.25
# The last breath of a killed process' backend takes milliseconds; what is not finished after this many looks never will be.
LOOKS: Final = 200
LOOK_S: Final = 0.01
# Moments that are missed because a run was shorter than the last are tried again, so many times for each kill that is wanted.
MISSES: Final = 4


class ChildBroke(AtlasError):
    """The process that was to be killed ended by itself, with an error: its log says why."""


@dataclass
class Figures:
    """One kind, one way. `moments` are those at which a process can die; `covered` those at which one did."""

    kind: str
    way: str
    kills: int = 0
    moments: int = 0
    covered: set[int] = field(default_factory=set)
    killed_twice: int = 0
    lost: int = 0
    doubled: int = 0
    unfinished: int = 0
    in_doubt: int = 0
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not (self.lost or self.doubled or self.unfinished or self.in_doubt)

    def as_row(self) -> dict[str, Any]:
        row = {name: value for name, value in vars(self).items() if name not in ("covered", "broken")}
        return {**row, "covered": len(self.covered), "seconds": round(self.seconds, 1), "broken": self.broken[:5]}


@dataclass(frozen=True)
class Zygote:
    """The process whose children are killed."""

    process: asyncio.subprocess.Process

    async def run(self, peer: Peer, asked: dict[str, Any], peer_kill_at: int) -> tuple[int, int]:
        """How a child ended that did what is asked, and how many moments of its own it passed."""
        await self._tell(json.dumps(asked))
        peer.watch((await self._heard())["pid"], peer_kill_at)
        assert self.process.stdin is not None, "started with a pipe"
        self.process.stdin.write(b"g")
        ended = await self._heard()
        return ended["code"], ended["moments"]

    async def _tell(self, line: str) -> None:
        assert self.process.stdin is not None, "started with a pipe"
        self.process.stdin.write(line.encode() + b"\n")
        await self.process.stdin.drain()

    async def _heard(self) -> dict[str, Any]:
        assert self.process.stdout is not None, "started with a pipe"
        heard: dict[str, Any] = json.loads(await self.process.stdout.readline())
        return heard


@asynccontextmanager
async def zygote(house: House, port: int) -> AsyncIterator[Zygote]:
    command = (sys.executable, "-m", "evals.kills.child")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    one = Zygote(process)
    try:
        await one._tell(json.dumps({"url": house.url, "secret": house.secret.hex(), "port": port}))
        await one._heard()
        yield one
    finally:
        assert process.stdin is not None, "started with a pipe"
        process.stdin.close()
        await process.wait()


@dataclass(frozen=True)
class Stage:
    """One database with an ISP in it, and all that a campaign needs beside it. One thing at a time happens on it."""

    owner: Owner
    house: House
    zygote: Zygote
    peer: Peer
    port: int
    people: Iterator[Person]

    async def arranged(self, kind: Kind, survivor: Works) -> Subject:
        await SQL.run(self.owner, "let_time_pass")
        return await kind.arrange(self.owner, survivor.forge.atlas, next(self.people))

    async def ran(self, name: str, subject: Subject, *, has_keys: bool, kill_at: int = -1, peer_kill_at: int = -1) -> tuple[int, int]:
        asked = {"kind": name, "subject": asdict(subject), "port": self.port, "has_keys": has_keys, "kill_at": kill_at}
        code, moments = await self.zygote.run(self.peer, asked, peer_kill_at)
        if code not in (0, SIGKILLED):
            raise ChildBroke(f"{name} ended with {code}")
        return code, moments


@asynccontextmanager
async def staged(url: str, secret: bytes) -> AsyncIterator[Stage]:
    """On a database of its own that holds the demo ISP."""
    house, peer = House.at(url, secret), Peer()
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(await AsyncConnection.connect(url, autocommit=True))
        port = await stack.enter_async_context(peer.running())
        mother = await stack.enter_async_context(zygote(house, port))
        people = await SQL.all(owner, Person, "people")
        yield Stage(owner, house, mother, peer, port, itertools.cycle(people))


async def campaign(stage: Stage, kinds: Sequence[str], kills: int, seed: int, tell: Callable[[Figures], None]) -> list[Figures]:
    """`kills` for each kind, shared among its ways."""
    figures = []
    for name in kinds:
        ways = ALL[name].ways
        for nth, has_keys in enumerate(ways):
            share = kills // len(ways) + (nth < kills % len(ways))
            chance = random.Random(f"{seed}:{name}:{has_keys}")  # noqa: S311 - moments to be repeated, not a secret
            async with AsyncExitStack() as stack:
                survivor = await works(stack, stage.house, stage.port, WatchedConnection, has_keys=has_keys)
                await put_in_force(survivor.forge.atlas, stage.house.matrix)
                one = Figures(name, "with keys" if has_keys else "without keys")
                began = time.monotonic()
                await _killed(stage, survivor, one, share, chance, has_keys=has_keys)
                one.seconds = time.monotonic() - began
            tell(one)
            figures.append(one)
    return figures


async def _killed(stage: Stage, survivor: Works, figures: Figures, kills: int, chance: random.Random, *, has_keys: bool) -> None:
    kind = ALL[figures.kind]
    stage.peer.refuses = kind.refuses
    own, outside = await _rehearsed(stage, survivor, figures, has_keys=has_keys)
    figures.moments = own + outside
    moments = _moments(own, outside, chance)
    for _ in range(kills * MISSES):
        if figures.kills >= kills:
            return
        moment = next(moments)
        subject, before, newest = await _begun(stage, survivor, kind)
        code, _ = await stage.ran(figures.kind, subject, has_keys=has_keys, **_when(moment, own))
        if code == SIGKILLED:
            figures.kills += 1
            figures.covered.add(moment)
            if chance.random() < AGAIN:
                again, _ = await stage.ran(figures.kind, subject, has_keys=has_keys, **_when(chance.randrange(figures.moments), own))
                figures.killed_twice += again == SIGKILLED
        await _taken_over(stage, survivor, figures, subject, before, newest)


async def _rehearsed(stage: Stage, survivor: Works, figures: Figures, *, has_keys: bool) -> tuple[int, int]:
    """How many moments of its own a process passes when nobody kills it, and how many at the peer."""
    subject, before, newest = await _begun(stage, survivor, ALL[figures.kind])
    _, own = await stage.ran(figures.kind, subject, has_keys=has_keys)
    outside = stage.peer.moments
    await _taken_over(stage, survivor, figures, subject, before, newest)
    return own, outside


async def _begun(stage: Stage, survivor: Works, kind: Kind) -> tuple[Subject, int, dict[str, int]]:
    row = await (await stage.owner.execute(SQL.text("newest"))).fetchone()
    assert row is not None, "the newest of each is always answered"
    newest = {"notice_id": row[0], "errand_id": row[1], "action_id": row[2]}
    subject = await stage.arranged(kind, survivor)
    return subject, len(stage.peer.effects), newest


def _moments(own: int, outside: int, chance: random.Random) -> Iterator[int]:
    """Every moment once, and again: first those at the peer, where a short campaign finds most; else in any order."""
    yield from chance.sample(range(own, own + outside), outside)
    yield from chance.sample(range(own), own)
    while True:
        yield from chance.sample(range(own + outside), own + outside)


def _when(moment: int, own: int) -> dict[str, int]:
    return {"kill_at": moment} if moment < own else {"peer_kill_at": moment - own}


async def _taken_over(stage: Stage, survivor: Works, figures: Figures, subject: Subject, before: int, newest: dict[str, int]) -> None:
    """Another process does the same again until nothing is left to do, then what the world saw is counted."""
    kind = ALL[figures.kind]
    stage.peer.watch(0, -1)
    for _ in range(LOOKS):
        await kind.perform(survivor, subject)
        if not await SQL.value(stage.owner, "unfinished", **newest):
            break
        await asyncio.sleep(LOOK_S)
    else:
        figures.unfinished += 1
    found = await kind.judge(stage.owner, stage.peer, before, subject)
    doubts = int(await SQL.value(stage.owner, "in_doubt"))
    if found.lost or found.doubled or doubts > figures.in_doubt:
        figures.broken.append(f"{subject.kind} {subject.details}: {found}; the peer saw {stage.peer.after(before)}")
        log.warning("effect_not_once", kind=figures.kind, lost=found.lost, doubled=found.doubled)
    figures.lost += found.lost
    figures.doubled += found.doubled
    figures.in_doubt = doubts


@asynccontextmanager
async def copied(url: str, name: str) -> AsyncIterator[str]:
    """A database of its own beside that of `url`, with the same in it; gone at the end. Nobody may be connected to the first."""
    original = str(conninfo.conninfo_to_dict(url)["dbname"])
    maintenance = conninfo.make_conninfo(url, dbname="postgres")
    async with await AsyncConnection.connect(maintenance, autocommit=True) as conn:
        await conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(original)))
        try:
            yield conninfo.make_conninfo(url, dbname=name)
        finally:
            await conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
