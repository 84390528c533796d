"""Groups what all doors hear into few transactions: commits are shared, repeats folded in memory, nothing answered before it is safe.

While PostgreSQL is away, slow or full, alarms wait here folded by alarm, so that memory is bounded by how many different alarms there are
and not by how often they are told. When even those are too many, HTTP is refused (503) and UDP waits in the socket's own buffer.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid4

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from api.inbound.reading import Reading, set_aside
from atlas.connection import Atlas, AtlasUnreachable
from atlas.errors import AtlasError
from atlas.nms.records import AlarmEvent, Quarantined
from atlas.nms.rules import AlarmKey, AlarmMoves, alarm_key, in_order
from atlas.nms.writes import begin_batch, quarantine, record_moves
from atlas.principal import Principal, intake

log = structlog.get_logger()

# Different alarms that may wait; about 1 KB each, so at most a few hundred MB with PostgreSQL away during the worst storm.
MOST_WAITING: Final = 200_000
# Alarms of one transaction: long enough to share a commit, short enough that nobody waits half a second for somebody else's storm.
MOST_AT_ONCE: Final = 5_000
# While PostgreSQL merges one batch the next is written out; both may hold the same alarm, in whatever order they commit.
WRITERS: Final = 2
# Things to quarantine that may wait; each is at most 64 KB.
MOST_REJECTED: Final = 2_000
# A burst of traps arrives over a few milliseconds: one look at all of it is worth waiting this long.
QUIET_S: Final = 0.002
LONGEST_GATHERING_S: Final = 0.010
FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 2.0
# How long a caller is kept waiting for its commit before it is told to come again; what it sent stays and is not lost.
PATIENCE_S: Final = 8.0
# Of the 20 s that draining may take; a PostgreSQL that is away now is not waited for at the end.
LAST_ATTEMPT_S: Final = 10.0


class IntakeFull(AtlasError):
    """Too much waits for PostgreSQL already; nothing of this was taken, send it again."""


class NotYetSafe(AtlasError):
    """It was taken but is not committed yet; send it again if in doubt, repeats do no harm."""


@dataclass(slots=True)
class Waiting:
    """What is not committed yet: alarms folded, rejects, and who waits to hear that it is."""

    moves: dict[AlarmKey, AlarmMoves] = field(default_factory=dict)
    rejected: list[Quarantined] = field(default_factory=list)
    callers: list[asyncio.Future[None]] = field(default_factory=list)

    def add(self, reading: Reading) -> None:
        for event in reading.events:
            known = self.moves.get(key := alarm_key(event))
            if known is None:
                self.moves[key] = AlarmMoves.of(event)
            else:
                known.add(event)
        self.rejected.extend(reading.quarantined)

    @property
    def is_empty(self) -> bool:
        return not (self.moves or self.rejected or self.callers)


@dataclass(slots=True)
class Writer:
    """Writes one batch after the other, and numbers them: of a commit whose answer was lost, Atlas can still say whether it happened."""

    id: UUID = field(default_factory=uuid4)
    batch: int = 0


class AlarmIntake:
    """The one way from the doors into Atlas. `running()` writes in the background until it is left, then writes what still waits."""

    def __init__(
        self, atlas: Atlas, principal: Principal | None = None, most_waiting: int = MOST_WAITING, patience_s: float = PATIENCE_S
    ) -> None:
        self.atlas = atlas
        self.principal = principal or intake("doors")
        self.most_waiting = most_waiting
        self.patience_s = patience_s
        self.waiting = Waiting()
        self.arrived = asyncio.Event()
        self.has_room = asyncio.Event()
        self.has_room.set()
        self.recorded = 0
        self.disk_is_low = False
        self.is_ending = False
        self.merged = 0
        self.set_aside = 0

    @property
    def waiting_alarms(self) -> int:
        return len(self.waiting.moves)

    @property
    def is_full(self) -> bool:
        return len(self.waiting.moves) >= self.most_waiting or len(self.waiting.rejected) >= MOST_REJECTED

    def offer(self, reading: Reading) -> None:
        """Takes a reading without waiting for its commit. Ask `is_full` first, and wait for `has_room` where it is."""
        self.waiting.add(reading)
        self.arrived.set()
        if self.is_full:
            self.has_room.clear()

    async def take(self, reading: Reading) -> None:
        """Takes a reading and returns when it is committed. Raises IntakeFull (nothing taken) or NotYetSafe (taken, not committed)."""
        if self.disk_is_low:
            raise IntakeFull("the disk is nearly full: what is left is for what moves money")
        if self.is_full:
            raise IntakeFull(f"{len(self.waiting.moves)} alarms wait for PostgreSQL")
        caller = asyncio.get_running_loop().create_future()
        self.waiting.callers.append(caller)
        self.offer(reading)
        try:
            async with asyncio.timeout(self.patience_s):
                await caller
        except TimeoutError:
            raise NotYetSafe(f"not committed within {self.patience_s:g} s") from None

    @asynccontextmanager
    async def running(self) -> AsyncIterator["AlarmIntake"]:
        self.is_ending = False
        writers = [asyncio.create_task(self._write_forever(Writer())) for _ in range(WRITERS)]
        try:
            yield self
        finally:
            await self._end(writers)

    async def _end(self, writers: Sequence[asyncio.Task[None]]) -> None:
        """Lets the writers finish, for whoever is stopped between a commit and its answer does not know what is written."""
        self.is_ending = True
        self.arrived.set()
        _, late = await asyncio.wait(writers, timeout=LAST_ATTEMPT_S)
        for writer in late:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)
        if late:
            log.error("intake_left_behind", alarms=len(self.waiting.moves), rejected=len(self.waiting.rejected))

    async def _write_forever(self, writer: Writer) -> None:
        while not self.is_ending or not self.waiting.is_empty:
            await self.arrived.wait()
            if not self.is_ending:
                await self._gather()
                self.arrived.clear()
            try:
                await self._write_all(writer)
            except Exception:
                # A mistake of ours must not end the only way into Atlas: what it held waits again, and is tried again.
                log.exception("intake_stumbled", alarms=len(self.waiting.moves))
                self.arrived.set()
                await asyncio.sleep(LONGEST_PAUSE_S)

    async def _gather(self) -> None:
        """Waits for the rest of a burst: until nothing new came for two milliseconds, or ten are over."""
        loop = asyncio.get_running_loop()
        began, seen = loop.time(), -1
        while seen != len(self.waiting.moves) < MOST_AT_ONCE and loop.time() - began < LONGEST_GATHERING_S:
            seen = len(self.waiting.moves)
            await asyncio.sleep(QUIET_S)

    async def _write_all(self, writer: Writer) -> None:
        while not self.waiting.is_empty:
            batch, self.waiting = self.waiting, Waiting()
            try:
                await self._write(writer, batch)
            except BaseException:
                self._put_back(batch)
                raise
            self.has_room.set()

    async def _write(self, writer: Writer, batch: Waiting) -> None:
        moves = in_order(batch.moves.values())
        for start in range(0, len(moves), MOST_AT_ONCE):
            await self._write_moves(writer, moves[start : start + MOST_AT_ONCE])
        if batch.rejected:
            await self._persist(writer, (), batch.rejected)
        for caller in batch.callers:
            if not caller.done():
                caller.set_result(None)

    async def _write_moves(self, writer: Writer, moves: Sequence[AlarmMoves]) -> None:
        """One transaction, tried until PostgreSQL takes it; a batch it will never take is halved until the culprit stands alone."""
        try:
            await self._persist(writer, moves, ())
        except (psycopg.DataError, psycopg.IntegrityError) as refusal:
            if len(moves) > 1:
                middle = len(moves) // 2
                await self._write_moves(writer, moves[:middle])
                await self._write_moves(writer, moves[middle:])
            else:
                await self._persist(writer, (), _refused(moves[0], refusal))

    async def _persist(self, writer: Writer, moves: Sequence[AlarmMoves], rejected: Sequence[Quarantined]) -> None:
        pause = FIRST_PAUSE_S
        writer.batch += 1
        while True:
            try:
                unknown = await self._persisted(writer, moves, rejected)
            except (psycopg.DataError, psycopg.IntegrityError):
                raise
            except (psycopg.Error, AtlasUnreachable, PoolTimeout, TimeoutError) as trouble:
                log.warning("intake_waits", alarms=len(self.waiting.moves) + len(moves), error=type(trouble).__name__, again_in_s=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            else:
                self.recorded += sum(move.times for move in moves)
                self.merged += len(moves)
                self.set_aside += unknown + len(rejected)
                return

    async def _persisted(self, writer: Writer, moves: Sequence[AlarmMoves], rejected: Sequence[Quarantined]) -> int:
        """Writes the writer's batch, unless an attempt whose end nobody heard of did; how many of its alarms no known device said."""
        async with self.atlas.transaction(self.principal) as conn:
            if not await begin_batch(conn, writer.id, writer.batch):
                log.info("batch_was_kept", alarms=len(moves), rejected=len(rejected))
                return 0
            recorded = await record_moves(conn, moves)
            if rejected:
                await quarantine(conn, rejected)
            return recorded.unknown

    def _put_back(self, batch: Waiting) -> None:
        for key, move in self.waiting.moves.items():
            known = batch.moves.setdefault(key, move)
            if known is not move:
                known.join(move)
        batch.rejected.extend(self.waiting.rejected)
        batch.callers.extend(self.waiting.callers)
        self.waiting = batch


def _refused(move: AlarmMoves, refusal: psycopg.Error) -> tuple[Quarantined, ...]:
    event: AlarmEvent = move.latest
    reason = f"Atlas refused it: {refusal.diag.message_primary or type(refusal).__name__}"
    return set_aside(event.door, event.device, event.received_at, reason, event.text.encode(errors="replace")).quarantined
