"""Where conversations are kept between turns: LangGraph's tables in Atlas, encrypted, one writer a conversation at a time, pruned."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, cast
from uuid import UUID
from weakref import WeakValueDictionary

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.memory import InMemorySaver
from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg_pool import AsyncConnectionPool

from atlas.connection import zone_url
from atlas.principal import Zone
from atlas.statements import Connection, Statements
from forge.sealed_checkpoints import SealedSaver, SealedSerializer, pool_options

SQL: Final = Statements(__file__)


class Checkpoints(Protocol):
    """Keeps conversations. `of(thread)` is held for one turn; a second turn of the same thread waits for it."""

    def of(self, thread: UUID) -> AbstractAsyncContextManager[BaseCheckpointSaver[Any]]: ...


@dataclass
class OneAtATime:
    """A lock a thread within this process, so that a flood into one conversation does not hold every connection."""

    locks: WeakValueDictionary[UUID, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def of(self, thread: UUID) -> asyncio.Lock:
        return self.locks.setdefault(thread, asyncio.Lock())


class TurnSaver(SealedSaver):
    """For one turn, under the conversation's lock: what was read once is not read again until something is written."""

    _last: CheckpointTuple | None = None

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        asked = config["configurable"]
        is_latest = not asked.get("checkpoint_id") and not asked.get("checkpoint_ns")
        if is_latest and self._last and self._last.config["configurable"]["thread_id"] == asked["thread_id"]:
            return self._last
        found = await super().aget_tuple(config)
        self._last = found if is_latest else None
        return found

    async def aput(
        self, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata, new_versions: ChannelVersions
    ) -> RunnableConfig:
        self._last = None
        return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = "") -> None:
        self._last = None
        await super().aput_writes(config, writes, task_id, task_path)


@dataclass(frozen=True)
class KeptInAtlas:
    """One saver a turn, on a connection of its own that also holds the conversation's advisory lock across processes."""

    pool: AsyncConnectionPool[AsyncConnection[DictRow]]
    serde: SealedSerializer
    here: OneAtATime = field(default_factory=OneAtATime)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, secret: bytes, most: int = 8) -> AsyncIterator["KeptInAtlas"]:
        there = zone_url(url, Zone.EXECUTOR, secret)
        pool: AsyncConnectionPool[AsyncConnection[DictRow]] = AsyncConnectionPool(there, **pool_options(most))
        await pool.open(wait=True, timeout=10)
        try:
            yield cls(pool, SealedSerializer(secret))
        finally:
            await pool.close()

    @asynccontextmanager
    async def of(self, thread: UUID) -> AsyncGenerator[BaseCheckpointSaver[Any], None]:
        async with self.here.of(thread), self.pool.connection() as conn:
            await conn.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (str(thread),))
            try:
                yield TurnSaver(conn, serde=self.serde)
                await SQL.run(cast(Connection, conn), "forget_earlier", thread=str(thread))
            finally:
                await conn.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (str(thread),))


@dataclass(frozen=True)
class KeptInMemory:
    """For one process and its lifetime: tests, and a chat that need not be remembered."""

    saver: InMemorySaver = field(default_factory=InMemorySaver)
    here: OneAtATime = field(default_factory=OneAtATime)

    @asynccontextmanager
    async def of(self, thread: UUID) -> AsyncGenerator[BaseCheckpointSaver[Any], None]:
        async with self.here.of(thread):
            yield self.saver
