"""A primary and its standby: every acknowledged write is on both disks; when one dies the other serves, and the dead one stays fenced.

pair.json in the home says who is primary, in which term, and whether every acknowledged write is on both. Whoever changes that writes it
there first. One keeper at a time (atlas/keeper.py) watches, fails over, and takes the other back.
"""

import asyncio
import contextlib
import json
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import fasteners  # type: ignore[import-untyped]
import psycopg
import structlog
from psycopg import conninfo, sql

from atlas import embedded
from atlas.embedded import DATABASE
from atlas.errors import AtlasError
from atlas.node import OWNER, STANDBY, Node, NodeFailed, NodeState, owned_by_server, owner_password
from atlas.programs import ProgramFailed, Programs, embedded_programs, give_to_server

log = structlog.get_logger()

LOOPBACK: Final = "127.0.0.1"
STREAMS_WITHIN_S: Final = 60.0


class PairRefused(AtlasError):
    """What was asked of the pair would lose an acknowledged write, or cannot be done as things stand."""


@dataclass(frozen=True)
class Pair:
    """Two servers of one home. `is_synchronous`: no write is acknowledged that is not on both disks, so that a failover loses none."""

    home: Path
    term: int
    is_synchronous: bool
    primary: Node
    standby: Node

    def url(self, secret: bytes) -> str:
        """Both servers at once: a client finds the one that takes writes, now and after a failover."""
        nodes = (self.primary, self.standby)
        return conninfo.make_conninfo(
            "",
            host=",".join(node.host for node in nodes),
            port=",".join(str(node.port) for node in nodes),
            user=OWNER,
            password=owner_password(secret),
            dbname=DATABASE,
            target_session_attrs="read-write",
            connect_timeout=2,
        )

    def swapped(self) -> "Pair":
        return replace(self, term=self.term + 1, is_synchronous=False, primary=self.standby, standby=self.primary)


def pair_of(home: Path) -> Pair | None:
    """The pair of a home; None where there is a single server."""
    path = home / "pair.json"
    if not path.exists():
        return None
    told = json.loads(path.read_text())
    nodes = {name: Node(name, Path(node["folder"]), node["host"], node["port"]) for name, node in told["nodes"].items()}
    primary = nodes.pop(told["primary"])
    (standby,) = nodes.values()
    return Pair(home, told["term"], told["is_synchronous"], primary, standby)


def written(pair: Pair) -> Pair:
    """Makes it the truth about the pair, on disk before anybody acts on it."""
    nodes = {node.name: {"folder": str(node.folder), "host": node.host, "port": node.port} for node in (pair.primary, pair.standby)}
    told = {"term": pair.term, "primary": pair.primary.name, "is_synchronous": pair.is_synchronous, "nodes": nodes}
    making = pair.home / "pair.json.making"
    with making.open("w") as file:
        json.dump(told, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    making.rename(pair.home / "pair.json")
    return pair


async def make_pair(home: Path, secret: bytes) -> Pair:
    """Gives the home's database a standby; both run when this returns. Raises PairRefused where it is in use, or has one already."""
    home = await asyncio.to_thread(home.resolve)
    if await asyncio.to_thread(pair_of, home) is not None:
        raise PairRefused(f"{home} has a standby already")
    programs = embedded_programs()
    data = await asyncio.to_thread(_prepared, home, secret)
    ports = _free_ports()
    primary = Node("a", data, LOOPBACK, ports[0])
    standby = Node("b", data.with_name(f"{data.name}-standby"), LOOPBACK, ports[1])
    pair = Pair(home, 1, is_synchronous=False, primary=primary, standby=standby)
    await asyncio.to_thread(lambda: primary.configure(secret, follows=None, acknowledged_by=None))
    try:
        await primary.start(programs)
        await copy_standby(pair, secret, programs)
    except BaseException:
        with contextlib.suppress(ProgramFailed):
            await primary.stop(programs)
        await asyncio.to_thread(primary.release)
        raise
    return await acknowledged_by_both(await asyncio.to_thread(written, pair), secret)


def _prepared(home: Path, secret: bytes) -> Path:
    """The single server's data, at rest, its owner known by password: from now on it is reached over the network."""
    server = embedded.start(home)
    with psycopg.connect(server.url, autocommit=True) as conn:
        conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(OWNER), sql.Literal(owner_password(secret))))
    server.stop()
    if (server.folder / "postmaster.pid").exists():
        raise PairRefused(f"Bedrock runs on {home}: stop it before it gets a standby")
    owned_by_server(server.folder)
    return server.folder


def _free_ports() -> list[int]:
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(2)]
        for one in found:
            one.bind((LOOPBACK, 0))
        return [int(one.getsockname()[1]) for one in found]


async def copy_standby(pair: Pair, secret: bytes, programs: Programs) -> None:
    """A fresh copy of the primary becomes its standby and runs. What was in the standby's folder is gone."""
    folder = pair.standby.folder
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    await _slot_for(pair, secret)
    target = pair.primary.url(secret, password=None, dbname=None)
    await programs.run(
        "pg_basebackup",
        *("--dbname", target, "--pgdata", folder, "--wal-method", "stream", "--checkpoint", "fast", "--no-password"),
        password=owner_password(secret),
    )
    await asyncio.to_thread(owned_by_server, folder)
    await _followed(pair, secret, programs)


async def _slot_for(pair: Pair, secret: bytes) -> None:
    """The primary keeps its log for the standby until it has it."""
    async with pair.primary.asked(secret, within_s=10) as conn:
        await conn.execute(
            "SELECT pg_create_physical_replication_slot(%(slot)s, true)"
            " WHERE NOT EXISTS (SELECT 1 FROM pg_replication_slots WHERE slot_name = %(slot)s)",
            {"slot": pair.standby.application},
        )


async def _followed(pair: Pair, secret: bytes, programs: Programs) -> None:
    """The standby runs and follows the primary."""
    await asyncio.to_thread(_made_standby, pair, secret)
    await pair.standby.start(programs)
    await _until(pair, secret, lambda state: state.streaming > 0)


def _made_standby(pair: Pair, secret: bytes) -> None:
    pair.standby.configure(secret, follows=pair.primary, acknowledged_by=None)
    signal = pair.standby.folder / STANDBY
    signal.touch()
    give_to_server([signal])


async def _until(pair: Pair, secret: bytes, holds: Any) -> NodeState:
    try:
        async with asyncio.timeout(STREAMS_WITHIN_S):
            while True:
                with contextlib.suppress(NodeFailed):
                    state = await pair.primary.state(secret)
                    if holds(state):
                        return state
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise NodeFailed(f"node {pair.standby.name} does not follow node {pair.primary.name}; its log says why") from None


async def acknowledged_by_both(pair: Pair, secret: bytes) -> Pair:
    """From here on no write is acknowledged that is not on both disks; the pair that says so."""
    await asyncio.to_thread(lambda: pair.primary.configure(secret, follows=None, acknowledged_by=pair.standby))
    await pair.primary.reload(secret)
    await _until(pair, secret, lambda state: state.acknowledging > 0 and state.behind_octets == 0)
    return await asyncio.to_thread(written, replace(pair, is_synchronous=True))


async def acknowledged_alone(pair: Pair, secret: bytes) -> Pair:
    """The standby is away: writes go on without it, and nobody fails over to it until it has everything again."""
    # In this order: no write is acknowledged by one alone while somebody may still fail over to the other.
    pair = await asyncio.to_thread(written, replace(pair, is_synchronous=False))
    await asyncio.to_thread(lambda: pair.primary.configure(secret, follows=None, acknowledged_by=None))
    await pair.primary.reload(secret)
    return pair


async def fail_over(pair: Pair, secret: bytes, *, accept_loss: bool = False) -> Pair:
    """Fences the primary and promotes the standby; the new pair.

    Raises PairRefused where writes may have been acknowledged that the standby does not have, unless somebody accepts their loss.
    """
    if not pair.is_synchronous and not accept_loss:
        raise PairRefused(f"node {pair.standby.name} may lack acknowledged writes: a person must accept their loss")
    turned = await asyncio.to_thread(_turned, pair)
    if turned is None:
        return await asyncio.to_thread(pair_of, pair.home) or pair
    await asyncio.to_thread(lambda: turned.primary.configure(secret, follows=None, acknowledged_by=None))
    await turned.primary.promote(secret)
    log.warning("failed_over", term=turned.term, primary=turned.primary.name, fenced=turned.standby.name)
    return turned


def _turned(pair: Pair) -> Pair | None:
    """The primary fenced and the pair written the other way round; None where somebody was faster."""
    with fasteners.InterProcessLock(str(pair.home / "turning.lock")):
        known = pair_of(pair.home)
        if known is not None and known.term != pair.term:
            return None
        pair.primary.fence()
        return written(pair.swapped())


async def taken_back(pair: Pair, secret: bytes, programs: Programs) -> Pair:
    """The fenced server follows the new primary: rewound to where they parted, or copied anew. Returns once both acknowledge."""
    source = pair.primary.url(secret, password=None)
    await _slot_for(pair, secret)
    try:
        await pair.standby.stop(programs)
        await asyncio.to_thread(owned_by_server, pair.standby.folder)
        # It recovers by itself first, alone and without a network, which a standby would not.
        (pair.standby.folder / STANDBY).unlink(missing_ok=True)
        rewinding = ("--target-pgdata", pair.standby.folder, "--source-server", source)
        await programs.run("pg_rewind", *rewinding, password=owner_password(secret), as_server=True)
        await _followed(pair, secret, programs)
    except (ProgramFailed, NodeFailed, FileNotFoundError) as error:
        log.info("standby_copied_anew", node=pair.standby.name, because=str(error)[-300:])
        with contextlib.suppress(ProgramFailed):
            await pair.standby.stop(programs)
        await copy_standby(pair, secret, programs)
    return await acknowledged_by_both(pair, secret)


@asynccontextmanager
async def pair_running(pair: Pair, secret: bytes) -> AsyncIterator[Pair]:
    """Both servers run while the block does, and stop at its end, the primary first: what it still wrote reaches the other."""
    programs = embedded_programs()
    if pair.primary.is_fenced:
        raise PairRefused(f"node {pair.primary.name} is fenced, though the pair calls it primary")
    await pair.primary.start(programs)
    with contextlib.suppress(ProgramFailed, NodeFailed):
        await _followed(pair, secret, programs)
    try:
        yield pair
    finally:
        last = await asyncio.to_thread(pair_of, pair.home) or pair
        for node in (last.primary, last.standby):
            with contextlib.suppress(ProgramFailed):
                await node.stop(programs)


@asynccontextmanager
async def keeping(home: Path) -> AsyncIterator[bool]:
    """Whether we are the one who keeps the pair while the block runs; somebody else is, where not."""
    lock = fasteners.InterProcessLock(str(home / "keeper.lock"))
    is_ours = await asyncio.to_thread(lambda: lock.acquire(blocking=False))
    try:
        yield bool(is_ours)
    finally:
        if is_ours:
            await asyncio.to_thread(lock.release)
