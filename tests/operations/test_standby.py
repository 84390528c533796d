"""Two servers: what is acknowledged is on both; one takes over from the other, and the other does not come back as itself."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from atlas import embedded
from atlas.embedded import HomeHasStandby
from atlas.keeper import Keeper
from atlas.node import Node, NodeFailed
from atlas.programs import embedded_programs
from atlas.standby import Pair, PairRefused, fail_over, keeping, pair_of, pair_running, written
from evals.drills.commands import open_folder
from evals.drills.failover import FailoverDrill, failover_drill
from tests.conftest import in_memory_where_there_is_room


@dataclass(frozen=True)
class Drilled:
    """A drill that was played once, and the pair it left, at rest."""

    drill: FailoverDrill
    home: Path

    @property
    def secret(self) -> bytes:
        return bytes.fromhex((self.home / "secret").read_text())

    @property
    def pair(self) -> Pair:
        known = pair_of(self.home)
        assert known is not None
        return known


@pytest.fixture(scope="module")
async def drilled() -> AsyncIterator[Drilled]:
    with open_folder(in_memory_where_there_is_room()) as folder:
        yield Drilled(await failover_drill(folder, kills=1, seed=2), folder / "home")


def unreal_pair(home: Path, *, is_synchronous: bool) -> Pair:
    nodes = [Node(name, home / name, "127.0.0.1", port) for name, port in (("a", 1), ("b", 2))]
    for node in nodes:
        node.folder.mkdir()
    return Pair(home, 4, is_synchronous, nodes[0], nodes[1])


def test_no_acknowledged_write_is_lost_when_the_primary_is_killed(drilled: Drilled) -> None:
    assert drilled.drill.failovers == 1
    assert drilled.drill.acknowledged > 0
    assert drilled.drill.lost == 0


def test_the_audit_trail_holds_after_a_failover(drilled: Drilled) -> None:
    assert drilled.drill.broken_links == 0


def test_the_old_primary_takes_no_write_once_the_other_has_taken_over(drilled: Drilled) -> None:
    assert drilled.drill.refused_by_fenced > 0
    assert drilled.drill.written_by_fenced == 0


async def test_the_old_primary_started_by_hand_comes_up_as_a_standby(drilled: Drilled) -> None:
    old = drilled.pair.standby
    await old.start(embedded_programs())

    async with old.asked(drilled.secret, within_s=10) as conn:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await conn.execute("CREATE TABLE public.split (brain int)")
    await old.stop(embedded_programs())


async def test_writes_go_on_while_the_standby_is_away_and_it_is_taken_back_when_it_can_be(drilled: Drilled) -> None:
    async with pair_running(drilled.pair, drilled.secret) as pair:
        keeper = Keeper(pair, drilled.secret, away_since=float("-inf"))
        await pair.standby.stop(embedded_programs())
        await keeper.look()
        alone = keeper.pair
        async with alone.primary.asked(drilled.secret, within_s=10) as conn:
            await conn.execute("CREATE TABLE public.written_alone (n int)")
        with pytest.raises(PairRefused, match="may lack acknowledged writes"):
            await fail_over(alone, drilled.secret)
        await keeper.look()
        async with keeper.pair.standby.asked(drilled.secret, within_s=10) as conn:
            there = await (await conn.execute("SELECT to_regclass('public.written_alone') IS NOT NULL")).fetchone()

    assert not alone.is_synchronous
    assert keeper.pair.is_synchronous
    assert there == (True,)


async def test_a_client_finds_whichever_server_takes_writes(drilled: Drilled) -> None:
    async with pair_running(drilled.pair, drilled.secret) as pair:
        conn = await psycopg.AsyncConnection.connect(pair.url(drilled.secret))
        async with conn:
            row = await (await conn.execute("SELECT pg_is_in_recovery(), inet_server_port()")).fetchone()

    assert row == (False, pair.primary.port)


def test_a_server_of_a_pair_is_not_started_alone(drilled: Drilled) -> None:
    with pytest.raises(HomeHasStandby):
        embedded.start(drilled.home)


async def test_nobody_fails_over_to_a_standby_that_may_lack_acknowledged_writes(tmp_path: Path) -> None:
    pair = written(unreal_pair(tmp_path, is_synchronous=False))

    with pytest.raises(PairRefused, match="a person must accept their loss"):
        await fail_over(pair, b"")
    assert pair_of(tmp_path) == pair


async def test_of_two_who_fail_over_at_once_the_second_finds_the_others_outcome(tmp_path: Path) -> None:
    pair = unreal_pair(tmp_path, is_synchronous=True)
    turned = written(pair.swapped())

    assert await fail_over(pair, b"") == turned
    assert not turned.primary.is_fenced


async def test_the_old_primary_is_fenced_before_the_standby_is_asked_to_take_over(tmp_path: Path) -> None:
    pair = written(unreal_pair(tmp_path, is_synchronous=True))
    for node in (pair.primary, pair.standby):
        (node.folder / "postgresql.conf").touch()

    with contextlib.suppress(NodeFailed):
        await fail_over(pair, b"")

    assert pair.primary.is_fenced
    assert pair_of(tmp_path) == pair.swapped()


async def test_one_process_at_a_time_keeps_a_pair(tmp_path: Path) -> None:
    tried = "import fasteners, sys; sys.exit(not fasteners.InterProcessLock(sys.argv[1]).acquire(blocking=False))"

    async with keeping(tmp_path) as is_ours:
        other = await asyncio.create_subprocess_exec(sys.executable, "-c", tried, str(tmp_path / "keeper.lock"))
        refused = await other.wait()
    later = await asyncio.create_subprocess_exec(sys.executable, "-c", tried, str(tmp_path / "keeper.lock"))

    assert (is_ours, refused, await later.wait()) == (True, 1, 0)
