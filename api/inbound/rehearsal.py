"""Stores an alarm of nobody's on every warm connection and takes it back: the first real one finds functions and caches ready."""

from contextlib import AsyncExitStack
from datetime import datetime
from uuid import uuid4

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from atlas.connection import WARM, Atlas
from atlas.errors import AtlasError
from atlas.jobs import defer
from atlas.nms.records import AlarmEvent, AlarmType, Door, ProbableCause, Severity
from atlas.nms.writes import LOOK, begin_batch, record_alarms
from atlas.principal import intake
from atlas.statements import Connection

log = structlog.get_logger()


async def rehearse(atlas: Atlas, now: datetime) -> None:
    """On as many connections as a pool keeps; they are held together, so that they are different ones, and play one after the other.

    Where PostgreSQL is in trouble just then, nothing is rehearsed.
    """
    try:
        async with AsyncExitStack() as stack:
            for conn in [await stack.enter_async_context(atlas.transaction(intake("doors"))) for _ in range(WARM)]:
                async with conn.transaction(force_rollback=True):
                    await _stored(conn, now)
    except (psycopg.Error, AtlasError, PoolTimeout, TimeoutError) as trouble:
        log.warning("not_rehearsed", error=type(trouble).__name__)


async def _stored(conn: Connection, now: datetime) -> None:
    cause, kind = ProbableCause.INDETERMINATE, AlarmType.COMMUNICATIONS
    nobodys = AlarmEvent("", "", cause, Severity.INDETERMINATE, kind, "a rehearsal, taken back", now, Door.SNMP, now)
    await begin_batch(conn, uuid4(), 1)
    await record_alarms(conn, [nobodys])
    await defer(conn, LOOK, lock=LOOK, queueing_lock=LOOK)
