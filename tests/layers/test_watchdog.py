"""No wait on the database is endless: what the server does not work on is cut off, what it works on is waited for."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import psycopg
import pytest

from atlas.connection import CHECK_S, LEASE_S, Atlas
from atlas.principal import Zone, executor
from atlas.watchdog import LOOK_AFTER_S, LOOK_S, WatchedConnection
from tests.conftest import SECRET
from tests.layers.hole import Hole, hole_before

LONGEST_HANG_S = 15
ME = executor("test")


class Impatient(WatchedConnection[tuple[Any, ...]]):
    look_after_s = 0.05
    look_s = 0.5


@pytest.fixture
async def hole(database_url: str) -> AsyncGenerator[Hole, None]:
    async with hole_before(database_url) as one:
        yield one


@pytest.fixture
async def behind(hole: Hole) -> AsyncGenerator[Atlas, None]:
    async with Atlas.open(hole.url, SECRET, (Zone.EXECUTOR,), most=2, kind=Impatient) as opened:
        yield opened
        hole.collapse()


async def swallowed(behind: Atlas, hole: Hole) -> None:
    async with behind.transaction(ME) as conn:
        hole.swallow()
        await conn.execute("SELECT 1")


async def swallowed_at_the_commit(behind: Atlas, hole: Hole) -> None:
    async with behind.transaction(ME) as conn:
        await conn.execute("SELECT 1")
        hole.swallow()


async def test_a_statement_that_falls_into_a_black_hole_ends_with_an_error_and_a_closed_socket(hole: Hole, behind: Atlas) -> None:
    async with asyncio.timeout(LONGEST_HANG_S):
        with pytest.raises(psycopg.OperationalError):
            await swallowed(behind, hole)

        await hole.left.wait()


async def test_a_commit_that_falls_into_a_black_hole_is_an_error_and_not_a_success(hole: Hole, behind: Atlas) -> None:
    async with asyncio.timeout(LONGEST_HANG_S):
        with pytest.raises(psycopg.OperationalError):
            await swallowed_at_the_commit(behind, hole)


async def test_a_long_statement_that_the_server_works_on_is_waited_for(behind: Atlas) -> None:
    async with behind.transaction(ME) as conn:
        row = await (await conn.execute("SELECT 'done' FROM pg_sleep(%s)", (10 * Impatient.look_after_s,))).fetchone()

    assert row == ("done",)


async def test_a_listener_that_hears_nothing_for_long_is_not_cut_off(behind: Atlas) -> None:
    async with await Impatient.connect(behind.url, autocommit=True) as conn:
        heard = [one async for one in conn.notifies(timeout=5 * Impatient.look_after_s)]
        row = await (await conn.execute("SELECT 1")).fetchone()

    assert (heard, row) == ([], (1,))


async def test_a_transaction_after_the_hole_closes_again_goes_through(hole: Hole, behind: Atlas) -> None:
    with pytest.raises(psycopg.OperationalError):
        await swallowed(behind, hole)
    hole.swallows = False

    async with behind.transaction(ME) as conn:
        row = await (await conn.execute("SELECT 1")).fetchone()

    assert row == (1,)


def test_a_lease_and_the_first_statement_together_hang_no_longer_than_we_promise() -> None:
    assert LEASE_S + CHECK_S + LOOK_AFTER_S + LOOK_S <= LONGEST_HANG_S
