"""What the doors do when nobody speaks: replay what waited for its device, and take off the board what was over at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from api.inbound.udp import Clock
from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.nms.writes import age_out, forget_writers, replay_quarantine
from atlas.principal import intake

log = structlog.get_logger()

EVERY_S: Final = 10.0


@asynccontextmanager
async def upkeep(atlas: Atlas, clock: Clock, every_s: float = EVERY_S) -> AsyncIterator[None]:
    """Does both every ten seconds while the block runs. A PostgreSQL that is away is met again the next time."""
    doing = asyncio.create_task(_for_ever(atlas, clock, every_s))
    try:
        yield
    finally:
        doing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await doing


async def _for_ever(atlas: Atlas, clock: Clock, every_s: float) -> None:
    while True:
        try:
            await keep_up(atlas, clock)
        except (psycopg.Error, PoolTimeout, AtlasError, TimeoutError) as trouble:
            log.warning("upkeep_waits", error=type(trouble).__name__)
        await asyncio.sleep(every_s)


async def keep_up(atlas: Atlas, clock: Clock) -> None:
    """Once, as one transaction each."""
    async with atlas.transaction(intake("doors")) as conn:
        replayed = await replay_quarantine(conn, clock())
    async with atlas.transaction(intake("doors")) as conn:
        aged = await age_out(conn, clock())
        await forget_writers(conn)
    if replayed.alarms or aged:
        log.info("doors_kept_up", replayed=replayed.alarms, aged=aged)
