"""Stores an alarm of nobody's on every warm connection and takes it back: the first real one finds functions and caches ready."""

from contextlib import AsyncExitStack
from datetime import datetime
from uuid import uuid4

from atlas.connection import WARM, Atlas
from atlas.jobs import defer
from atlas.nms.records import AlarmEvent, AlarmType, Door, ProbableCause, Severity
from atlas.nms.writes import LOOK, begin_batch, record_alarms
from atlas.principal import intake


async def rehearse(atlas: Atlas, now: datetime) -> None:
    """On as many connections as a pool keeps; they are held together, so that they are different ones, and play one after the other."""
    cause, kind = ProbableCause.INDETERMINATE, AlarmType.COMMUNICATIONS
    nobodys = AlarmEvent("", "", cause, Severity.INDETERMINATE, kind, "a rehearsal, taken back", now, Door.SNMP, now)
    async with AsyncExitStack() as stack:
        held = [await stack.enter_async_context(atlas.transaction(intake("doors"))) for _ in range(WARM)]
        for conn in held:
            async with conn.transaction(force_rollback=True):
                await begin_batch(conn, uuid4(), 1)
                await record_alarms(conn, [nobodys])
                await defer(conn, LOOK, lock=LOOK, queueing_lock=LOOK)
