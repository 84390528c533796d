"""Pools and `transaction(principal)`: the only code that commits. One login and one pool per trust zone; the principal is signed."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Self

import psycopg
from psycopg import AsyncCursor, conninfo
from psycopg_pool import AsyncConnectionPool

from atlas.clock import Clock
from atlas.errors import AtlasError
from atlas.principal import WORKING, Principal, Zone
from atlas.statements import Connection
from atlas.watchdog import WatchedConnection
from atlas.zone_keys import zone_secret

# A signed principal outlives no transaction by much, so that one copied from a log is worth nothing.
PRINCIPAL_LIVES_S: Final = 120
# Longer than any honest transaction, however many statements it has; each wait inside it is watched by itself.
TRANSACTION_DEADLINE_S: Final = 30
# How long a caller waits for a free connection, and the pool for the answer of one that was idle. After as long the pool gives a lost
# connection up, for the next caller to open anew at once: its own pauses double, and it would sleep on while the server is back.
LEASE_S: Final = 6.0
CHECK_S: Final = 1.5
CONNECT_S: Final = 5
# No lock of ours is held for longer; and a server that lost its client stops working for nobody.
SESSION: Final = "-c lock_timeout=12s -c client_connection_check_interval=2s"
# A listener that heard nothing asks whether anybody is still there.
LISTEN_S: Final = 5.0
# Connections kept open in a pool that may grow to BUSY: the first statement on a new one costs more than a whole incident.
WARM: Final = 4
BUSY: Final = 8


class AtlasUnreachable(AtlasError):
    """PostgreSQL does not answer; nothing was kept, try again."""


def login_of(zone: Zone) -> str:
    return f"bedrock_{zone.value}"


def password_of(zone: Zone, secret: bytes) -> str:
    return hmac.new(zone_secret(zone, secret), b"login", hashlib.sha256).hexdigest()


def principal_key(zone: Zone, secret: bytes) -> bytes:
    """What signs the principals of one zone and of no other. Raises KeyMissing."""
    return hmac.new(zone_secret(zone, secret), b"principal", hashlib.sha256).digest()


def zone_url(url: str, zone: Zone, secret: bytes) -> str:
    """The same server and database, as the zone's own login."""
    return conninfo.make_conninfo(url, user=login_of(zone), password=password_of(zone, secret), application_name=f"bedrock-{zone.value}")


def signed(principal: Principal, backend_pid: int, now_s: float, key: bytes) -> str:
    """The principal as `zone|customer|staff|assurance|backend|expiry|session|mac`, which only this backend believes."""
    message = "|".join(
        (
            principal.zone.value,
            str(principal.customer_id or ""),
            str(principal.staff_id or ""),
            str(int(principal.assurance)),
            str(backend_pid),
            str(int(now_s) + PRINCIPAL_LIVES_S),
            principal.session,
        )
    )
    return message + "|" + hmac.new(key, message.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Atlas:
    """One operator's Atlas as this process reaches it: a pool for each trust zone it was opened for."""

    url: str
    secret: bytes
    pools: dict[Zone, AsyncConnectionPool[Connection]]
    clock: Clock = field(default_factory=Clock)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        secret: bytes,
        zones: Collection[Zone] = WORKING,
        most: int = 8,
        kind: type[WatchedConnection[tuple[Any, ...]]] = WatchedConnection,
    ) -> AsyncIterator[Self]:
        """Opens the pools of `zones`, at most `most` connections of this `kind` each, and closes them at the end.

        Raises AtlasUnreachable where the server does not answer within ten seconds.
        """
        async with AsyncExitStack() as stack:
            pools: dict[Zone, AsyncConnectionPool[Connection]] = {}
            for zone in zones:
                pool = _pool(zone_url(url, zone, secret), most, kind)
                stack.push_async_callback(pool.close)
                try:
                    await pool.open(wait=True, timeout=2 * CONNECT_S)
                except psycopg.Error as error:
                    raise AtlasUnreachable(f"PostgreSQL does not answer as {login_of(zone)}: {error}") from error
                pools[zone] = pool
            clock = Clock()
            async with pools[next(iter(zones))].connection() as conn:
                await _heard(clock, await conn.execute("SELECT extract(epoch FROM clock_timestamp())::float8"))
            yield cls(url, secret, pools, clock)

    @asynccontextmanager
    async def transaction(self, principal: Principal) -> AsyncGenerator[Connection, None]:
        """A transaction as `principal`, on the pool of its zone: committed when the block ends, rolled back when it raises."""
        key = principal_key(principal.zone, self.secret)
        async with asyncio.timeout(TRANSACTION_DEADLINE_S), _leased(self.pools[principal.zone]) as conn, conn.transaction():
            setting = signed(principal, conn.info.backend_pid, self.clock.now_s(), key)
            answered = await conn.execute(
                "SELECT extract(epoch FROM clock_timestamp())::float8, set_config('bedrock.principal', %s, true),"
                " set_config('bedrock.part', %s, true)",
                (setting, principal.name),
            )
            await _heard(self.clock, answered)
            yield conn

    async def changes(self, zone: Zone = Zone.EXECUTOR) -> AsyncGenerator[str, None]:
        """What changes in Atlas, as it is committed: `nms.alarm`, `actions.action`, ... Ends when the connection is lost."""
        there = zone_url(self.url, zone, self.secret)
        async with await WatchedConnection[tuple[Any, ...]].connect(there, autocommit=True, connect_timeout=CONNECT_S) as conn:
            await conn.execute("LISTEN atlas")
            while True:
                async for notification in conn.notifies(timeout=LISTEN_S):
                    yield notification.payload
                await conn.execute("SELECT 1")


@asynccontextmanager
async def _leased(pool: AsyncConnectionPool[Connection]) -> AsyncGenerator[Connection, None]:
    """A connection of `pool`. Raises CancelledError, where the pool gives one to a task that was cancelled as it waited.

    The pool waits with asyncio.wait_for, which before Python 3.12 forgets a cancellation that comes together with what it waits for;
    whoever writes in a loop would then never end.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    async with pool.connection() as conn:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError
        yield conn


async def _heard(clock: Clock, answered: AsyncCursor[tuple[Any, ...]]) -> None:
    row = await answered.fetchone()
    if row is not None:
        clock.hear(row[0])


async def _as_new(conn: WatchedConnection[tuple[Any, ...]]) -> None:
    """Before each lease: does it answer, and is nothing left of whoever had it last? In one go, where asking alone took as long."""
    impatient = asyncio.get_running_loop().call_later(CHECK_S, conn.cut_off)
    try:
        await conn.execute("RESET ALL; DISCARD TEMP; UNLISTEN *; SELECT pg_advisory_unlock_all()")
    finally:
        impatient.cancel()


def _pool(url: str, most: int, kind: type[WatchedConnection[tuple[Any, ...]]]) -> AsyncConnectionPool[Any]:
    arguments: dict[str, Any] = {"autocommit": True, "connect_timeout": CONNECT_S, "options": SESSION}
    return AsyncConnectionPool(
        url,
        connection_class=kind,
        min_size=WARM if most >= BUSY else 1,
        max_size=most,
        open=False,
        kwargs=arguments,
        check=_as_new,
        timeout=LEASE_S,
        reconnect_timeout=LEASE_S,
        max_idle=60,
    )
