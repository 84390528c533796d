"""After commit, hands each notice to a messenger: at least once, under one key, never twice. Safe in any number of processes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from atlas.actions.rules import is_in_doubt
from atlas.connection import Atlas
from atlas.identity import NoticeId
from atlas.principal import executor
from atlas.statements import Connection, Statements
from forge.outside.ports import Message, Messenger, Never, NoAnswer, NotNow

SQL = Statements(__file__)
log = structlog.get_logger()

OUTBOX: Final = executor("outbox")
BATCH: Final = 128
AT_ONCE: Final = 16
# What the slowest carrier may take over one message; beyond it we do not know what became of it.
WORST_CASE: Final = timedelta(seconds=20)
# Longer than a whole batch at its worst: nobody else takes a notice while it may still be on its way.
LEASE: Final = timedelta(seconds=20 * BATCH / AT_ONCE + 20)
AGAIN_AFTER: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class DueNotice:
    """A notice that is ours to send. `attempts` counts this one; `may_send` is what the customer says now."""

    id: NoticeId
    key: str
    channel: str
    address: str
    words: str
    queued_at: datetime
    attempts: int
    may_send: bool

    @property
    def message(self) -> Message:
        return Message(self.key, self.channel, self.address, self.words, self.queued_at)


@dataclass(frozen=True)
class Told:
    """What became of one attempt: sent, failed for good, queued again, still leased (nobody answered), or in doubt."""

    notice: DueNotice
    state: str
    reference: str | None = None
    failure: str | None = None
    again_after: timedelta | None = None


@dataclass(frozen=True)
class Drained:
    sent: int
    failed: int
    later: int
    in_doubt: int


async def drain(atlas: Atlas, messenger: Messenger, lease: timedelta = LEASE, worst_case: timedelta = WORST_CASE) -> Drained:
    """Sends whatever is due until nothing is; what became of it, counted."""
    told: list[Told] = []
    while batch := await _leased(atlas, lease):
        now_told = await _sent_together(messenger, batch, worst_case)
        async with atlas.transaction(OUTBOX) as conn:
            await mark(conn, now_told)
        told.extend(now_told)
    counts = {state: sum(one.state == state for one in told) for state in ("sent", "failed", "in_doubt")}
    if told:
        log.info("notices_handed_over", due=len(told), **counts)
    return Drained(counts["sent"], counts["failed"], len(told) - sum(counts.values()), counts["in_doubt"])


async def _leased(atlas: Atlas, lease: timedelta) -> list[DueNotice]:
    async with atlas.transaction(OUTBOX) as conn:
        return await SQL.all(conn, DueNotice, "lease_notices", most=BATCH, lease=lease)


async def _sent_together(messenger: Messenger, batch: Sequence[DueNotice], worst_case: timedelta) -> list[Told]:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(notice: DueNotice) -> Told:
        async with room:
            return await attempt(messenger, notice, worst_case)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(notice)) for notice in batch]
    return [task.result() for task in tasks]


async def attempt(messenger: Messenger, notice: DueNotice, worst_case: timedelta = WORST_CASE) -> Told:
    """One attempt at one notice. Beyond the first the carrier is asked for the key before anything is sent."""
    try:
        async with asyncio.timeout(worst_case.total_seconds()):
            if notice.attempts > 1 and (reference := await messenger.find(notice.message)):
                return Told(notice, "sent", reference)
            if not notice.may_send:
                return Told(notice, "failed", failure="opted out")
            return Told(notice, "sent", await messenger.send(notice.message))
    except Never as refusal:
        return Told(notice, "failed", failure=str(refusal))
    except NotNow as refusal:
        return Told(notice, "queued", failure=str(refusal), again_after=refusal.after or AGAIN_AFTER)
    except (NoAnswer, TimeoutError) as silence:
        # Still leased: when the lease is over whoever comes next asks for the key first.
        return Told(notice, "in_doubt" if is_in_doubt(notice.attempts) else "leased", failure=str(silence) or "no answer in time")


async def mark(conn: Connection, told: Sequence[Told]) -> int:
    """Writes down what became of the attempts; how many were still ours to speak of."""
    return await SQL.run(
        conn,
        "mark",
        ids=[one.notice.id for one in told],
        attempts=[one.notice.attempts for one in told],
        states=[one.state for one in told],
        references=[one.reference for one in told],
        failures=[one.failure for one in told],
        again_after=[one.again_after for one in told],
    )
