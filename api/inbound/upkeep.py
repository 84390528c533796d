"""What the doors do when nobody speaks: replay what waited for its device, take off the board what was over at once, end hold-downs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from api.inbound.udp import Clock
from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.nms.rules import HOLD_DOWN
from atlas.nms.writes import age_out, end_hold_down, forget_writers, replay_quarantine
from atlas.principal import intake

log = structlog.get_logger()

EVERY_S: Final = 10.0


@asynccontextmanager
async def upkeep(atlas: Atlas, clock: Clock, hold_down: timedelta = HOLD_DOWN) -> AsyncIterator[None]:
    """Does it all every ten seconds, or as often as the hold-down is long. A PostgreSQL that is away is met again the next time."""
    doing = asyncio.create_task(_for_ever(atlas, clock, hold_down))
    try:
        yield
    finally:
        doing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await doing


async def _for_ever(atlas: Atlas, clock: Clock, hold_down: timedelta) -> None:
    every_s = min(EVERY_S, hold_down.total_seconds())
    while True:
        try:
            await keep_up(atlas, clock, hold_down)
        except (psycopg.Error, PoolTimeout, AtlasError, TimeoutError) as trouble:
            log.warning("upkeep_waits", error=type(trouble).__name__)
        await asyncio.sleep(every_s)


async def keep_up(atlas: Atlas, clock: Clock, hold_down: timedelta = HOLD_DOWN) -> None:
    """Once, as one transaction each."""
    async with atlas.transaction(intake("doors")) as conn:
        replayed = await replay_quarantine(conn, clock())
    async with atlas.transaction(intake("doors")) as conn:
        aged = await age_out(conn, clock())
        settled = await end_hold_down(conn, clock(), hold_down)
        await forget_writers(conn)
    if replayed.alarms or aged or settled:
        log.info("doors_kept_up", replayed=replayed.alarms, aged=aged, settled=settled)
