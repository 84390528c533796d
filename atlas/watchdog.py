"""A connection that never waits for long on a server that is not at work for it: deadlines of our own, which close the socket.

Keepalives are answered by whatever accepts packets and loses them, and `statement_timeout` runs on the side that we cannot hear. So a wait
that grows long is asked about over a new connection: while the server says that it works on our statement we wait on; otherwise the socket
is shut, and whoever waits gets an OperationalError.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncGenerator
from typing import Any, Final, TypeVar

import psycopg
import structlog
from psycopg import AsyncConnection, Notify, conninfo
from psycopg.abc import PQGen
from psycopg.rows import Row

log = structlog.get_logger()

RV = TypeVar("RV")

# Nearly every statement takes milliseconds; what takes this long is worth a question.
LOOK_AFTER_S: Final = 4.0
# What the question may take, connecting included. With LOOK_AFTER_S and a lease of a pooled connection it stays below 15 s.
LOOK_S: Final = 3.0
# How psycopg itself looks up from a wait, so that signals get through.
INTERVAL_S: Final = 0.1

# Waiting for a lock or a disk is work; waiting for us is not.
AT_WORK: Final = """
SELECT activity.state = 'active' AND coalesce(activity.wait_event_type, '') <> 'Client'
  FROM pg_stat_activity AS activity
 WHERE activity.pid = %s
"""


class WatchedConnection(AsyncConnection[Row]):
    """An AsyncConnection whose every wait, for a statement, a commit or a rollback, is watched."""

    look_after_s = LOOK_AFTER_S
    look_s = LOOK_S
    _looking: asyncio.Task[None] | None = None
    _is_listening = False

    async def wait(self, gen: PQGen[RV], interval: float = INTERVAL_S, timeout: float | None = None) -> RV:  # noqa: ASYNC109
        """What psycopg does, and besides: looks after the server once it has kept us waiting."""
        if self._is_listening:
            return await super().wait(gen, interval=interval, timeout=timeout)
        alarm = asyncio.get_running_loop().call_later(self.look_after_s, self._begin_to_look)
        try:
            return await super().wait(gen, interval=interval, timeout=timeout)
        finally:
            alarm.cancel()
            if self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def notifies(self, *, timeout: float | None = None, stop_after: int | None = None) -> AsyncGenerator[Notify]:  # noqa: ASYNC109
        """Unwatched: a listener hears nothing for hours and all is well. Whoever listens asks something now and then."""
        self._is_listening = True
        try:
            async for one in super().notifies(timeout=timeout, stop_after=stop_after):
                yield one
        finally:
            self._is_listening = False

    def cut_off(self) -> None:
        """Shuts the socket: whoever waits on it wakes to an error, and the server, if it hears of it, rolls back."""
        with contextlib.suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(self.pgconn.socket)) as same:
            same.shutdown(socket.SHUT_RDWR)

    def _begin_to_look(self) -> None:
        self._looking = asyncio.get_running_loop().create_task(self._look_after())

    async def _look_after(self) -> None:
        while await self._is_at_work():  # noqa: ASYNC110 - the server sets no event of ours
            await asyncio.sleep(self.look_after_s)
        log.warning("connection_cut_off", backend=self.info.backend_pid)
        self.cut_off()

    async def _is_at_work(self) -> bool:
        """Whether the server says in time, over another connection, that it works on our statement."""
        asking = asyncio.get_running_loop().create_task(self._asked())
        answered, _ = await asyncio.wait({asking}, timeout=self.look_s)
        if not answered:
            asking.cancel()
            return False
        return asking.exception() is None and asking.result()

    async def _asked(self) -> bool:
        there = conninfo.make_conninfo(self.info.dsn, password=self.info.password, connect_timeout=int(LOOK_S))
        async with await AsyncConnection[tuple[Any, ...]].connect(there, autocommit=True) as conn:
            row = await (await conn.execute(AT_WORK, (self.info.backend_pid,))).fetchone()
        return row is not None and bool(row[0])
