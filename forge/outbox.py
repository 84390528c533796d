"""After commit, hands each notice to a messenger: at least once, under one key, never twice. Safe in any number of processes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from opentelemetry.trace import SpanContext

from atlas.actions.rules import is_in_doubt
from atlas.connection import Atlas
from atlas.identity import NoticeId
from atlas.principal import executor
from atlas.statements import Connection, Statements
from atlas.tracing import span_of, spanned
from forge.may_send import IN_BULK, NO_LIMIT, OF_A_DEBT, ONE_WAY, Limit, May, Permit, permits
from forge.outside.ports import Message, Messenger, Never, NoAnswer, NotNow

SQL = Statements(__file__)
log = structlog.get_logger()

OUTBOX: Final = executor("outbox")
# As many as go out at once: a killed worker's batch is taken over as soon as its slowest call must be over.
BATCH: Final = 32
AT_ONCE: Final = BATCH
# What the slowest carrier may take over one message; beyond it we do not know what became of it.
WORST_CASE: Final = timedelta(seconds=12)
# Longer than a batch at its worst: nobody else takes a notice while it may still be on its way.
LEASE: Final = WORST_CASE + timedelta(seconds=5)
AGAIN_AFTER: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class Leased:
    """A notice that is ours until the lease ends. `attempts` counts this one; `ways_tried` are those that would not do.

    `others`: the carrier's references of other notices with these words at this address.
    """

    id: NoticeId
    key: str
    channel: str
    address: str
    template: str
    words: str
    queued_at: datetime
    attempts: int
    ways_tried: int
    others: tuple[str, ...]
    correlation_id: UUID


@dataclass(frozen=True)
class DueNotice:
    """A leased notice, and what may become of it now."""

    notice: Leased
    permit: Permit

    @property
    def message(self) -> Message:
        """Another way to reach them is another message, so it has a key of its own."""
        one = self.notice
        key = one.key if not one.ways_tried else f"{one.key}/way-{one.ways_tried + 1}"
        template = one.template if self.permit.as_template else ""
        return Message(key, one.channel, one.address, one.words, one.queued_at, template, one.others)


@dataclass(frozen=True)
class Told:
    """What became of one attempt: sent, failed for good, queued again, still leased (nobody answered), in doubt, or turned another way."""

    notice: Leased
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


def never_stops() -> bool:
    return False


async def drain(
    atlas: Atlas,
    messenger: Messenger,
    lease: timedelta = LEASE,
    worst_case: timedelta = WORST_CASE,
    is_stopping: Callable[[], bool] = never_stops,
    limit: Limit = NO_LIMIT,
) -> Drained:
    """Sends whatever is due until nothing is, or until this process is to stop; what became of it, counted."""
    told: list[Told] = []
    while not is_stopping() and (batch := await _leased(atlas, lease, limit)):
        now_told, lost = await _sent_together(messenger, batch, worst_case)
        async with atlas.transaction(OUTBOX) as conn:
            now_told = await _turned(conn, now_told)
            await mark(conn, now_told)
        for error in lost:
            raise error
        told.extend(now_told)
    counts = {state: sum(one.state == state for one in told) for state in ("sent", "failed", "in_doubt")}
    if told:
        log.info("notices_handed_over", due=len(told), **counts)
    return Drained(counts["sent"], counts["failed"], len(told) - sum(counts.values()), counts["in_doubt"])


async def _leased(atlas: Atlas, lease: timedelta, limit: Limit) -> list[DueNotice]:
    async with atlas.transaction(OUTBOX) as conn:
        leasing = {"most": BATCH, "lease": lease, "in_bulk": sorted(IN_BULK)}
        batch = await SQL.all(conn, Leased, "lease_notices", can_wait=False, **leasing)
        batch = batch or await SQL.all(conn, Leased, "lease_notices", can_wait=True, **leasing)
        may = await permits(conn, [one.id for one in batch], limit)
    return [DueNotice(one, may[one.id]) for one in batch]


async def _sent_together(messenger: Messenger, batch: Sequence[DueNotice], worst_case: timedelta) -> tuple[list[Told], list[BaseException]]:
    """What became of each, and what broke on the way: one that breaks takes no other with it."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(notice: DueNotice) -> Told:
        async with room:
            return await attempt(messenger, notice, worst_case)

    ended = await asyncio.gather(*(one(notice) for notice in batch), return_exceptions=True)
    return [told for told in ended if isinstance(told, Told)], [error for error in ended if isinstance(error, BaseException)]


def _span_of(messenger: Messenger, due: DueNotice, worst_case: timedelta = WORST_CASE) -> tuple[SpanContext, dict[str, str | int]]:  # noqa: ARG001
    one = due.notice
    about: dict[str, str | int] = {"bedrock.notice_id": one.id, "bedrock.channel": one.channel, "bedrock.attempt": one.attempts}
    return span_of(one.correlation_id, "notice", one.id), about


@spanned("carrier", _span_of)
async def attempt(messenger: Messenger, due: DueNotice, worst_case: timedelta = WORST_CASE) -> Told:
    """One attempt at one notice. Beyond the first the carrier is asked for the key before anything is sent."""
    notice = due.notice
    try:
        async with asyncio.timeout(worst_case.total_seconds()):
            if notice.attempts > 1 and (reference := await messenger.find(due.message)):
                return Told(notice, "sent", reference)
            if due.permit.may is not May.SEND:
                return _withheld(notice, due.permit)
            return Told(notice, "sent", await messenger.send(due.message))
    except Never as refusal:
        return Told(notice, "turned", failure=str(refusal))
    except NotNow as refusal:
        return Told(notice, "queued", failure=str(refusal), again_after=refusal.after or AGAIN_AFTER)
    except (NoAnswer, TimeoutError) as silence:
        return _unanswered(notice, str(silence) or "no answer in time")
    except Exception as error:  # a carrier's own fault, of whatever kind, says nothing of whether the message is on its way
        log.warning("carrier_broke", notice_id=notice.id, error=type(error).__name__)
        return _unanswered(notice, type(error).__name__)


BECOMES: Final = {May.LATER: "queued", May.NOT_HERE: "turned", May.NEVER: "failed", May.TOLD: "sent"}


def _withheld(notice: Leased, permit: Permit) -> Told:
    return Told(notice, BECOMES[permit.may], failure=permit.why, again_after=permit.after)


def _unanswered(notice: Leased, why: str) -> Told:
    """Still leased: when the lease is over, whoever comes next asks for the key first; after several of these a person decides."""
    return Told(notice, "in_doubt" if is_in_doubt(notice.attempts) else "leased", failure=why)


async def _turned(conn: Connection, told: Sequence[Told]) -> list[Told]:
    """Whoever could not be reached this way is reached the next: their notice waits there. Who has none left is not reached at all."""
    ways = [one for one in told if one.state == "turned"]
    if not ways:
        return list(told)
    ids, attempts = [one.notice.id for one in ways], [one.notice.attempts for one in ways]
    again = set(
        await SQL.column(
            conn,
            "turn",
            ids=ids,
            attempts=attempts,
            failures=[one.failure for one in ways],
            by_letter=sorted(OF_A_DEBT - ONE_WAY),
            one_way=sorted(ONE_WAY),
        )
    )
    return [replace(one, state="failed") if one.state == "turned" and one.notice.id not in again else one for one in told]


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
