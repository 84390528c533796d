"""A fault proxy for PostgreSQL and anything else that speaks TCP: what passes can be delayed, throttled, held, cut or half closed.

Faults are set while it runs and hold for the connections that stand as for those that come. The same seed gives the same delays.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from psycopg import conninfo

CHUNK: Final = 65_536
# Without lingering, closing a socket throws away what waits and tells the other side so: a reset.
NO_LINGERING: Final = struct.pack("ii", 1, 0)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[], Awaitable[Streams]]


@dataclass(frozen=True)
class Fault:
    """What befalls the octets. `holds_asked` and `holds_answers` together are a black hole: nothing passes, nobody hears that it does not.

    `delay_s` is for each chunk, give or take half; `octets_per_s` bounds each direction of each connection.
    """

    delay_s: float = 0.0
    octets_per_s: float | None = None
    holds_asked: bool = False
    holds_answers: bool = False
    refuses: bool = False


PASSES: Final = Fault()
BLACK_HOLE: Final = Fault(holds_asked=True, holds_answers=True)
LOSES_ANSWERS: Final = Fault(holds_answers=True)
REFUSES: Final = Fault(refuses=True)


class Passage:
    """One connection through the proxy: two pumps that obey whatever fault stands at the moment."""

    def __init__(self, proxy: "FaultProxy", client: Streams, server: Streams) -> None:
        self.proxy, self.client, self.server = proxy, client, server
        self.pumps: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        (asks, tells), (hears, says) = self.client, self.server
        self.pumps = [asyncio.create_task(self._pump(asks, says, "asked")), asyncio.create_task(self._pump(hears, tells, "answers"))]
        try:
            await asyncio.wait(self.pumps, return_when=asyncio.FIRST_EXCEPTION)
            if any(pump.done() and not pump.cancelled() and pump.exception() for pump in self.pumps):
                self.reset()
        finally:
            for pump in self.pumps:
                pump.cancel()
            for _, writer in (self.client, self.server):
                writer.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, direction: str) -> None:
        while octets := await source.read(CHUNK):
            await self.proxy.let_pass(direction, len(octets))
            sink.write(octets)
            await sink.drain()
        await self.proxy.let_pass(direction, 0)
        if sink.can_write_eof():
            with contextlib.suppress(OSError, ValueError):
                sink.write_eof()

    def reset(self) -> None:
        for pump in self.pumps:
            pump.cancel()
        for _, writer in (self.client, self.server):
            reset(writer)

    def half_close(self) -> None:
        """The client hears that nothing more will come, and the server hears nothing of it."""
        with contextlib.suppress(OSError, RuntimeError):
            self.client[1].write_eof()


class FaultProxy:
    """Listens on a free port of loopback and passes everything on to `dial`, through whatever `fault` stands."""

    def __init__(self, dial: Dial, seed: int = 0) -> None:
        self.dial = dial
        self._fault = PASSES
        self._changed = asyncio.Event()
        self.chance = random.Random(seed)  # noqa: S311 - a fault to be repeated, not a secret
        self.passages: set[Passage] = set()
        self.port = 0
        self.accepted = 0

    @property
    def fault(self) -> Fault:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        self._fault = fault
        self._changed.set()
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FaultProxy"]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])
        try:
            yield self
        finally:
            server.close()
            self.cut()
            self.fault = PASSES

    def cut(self) -> int:
        """Resets every connection that stands; how many."""
        standing = list(self.passages)
        for passage in standing:
            passage.reset()
        return len(standing)

    def half_close(self) -> int:
        standing = list(self.passages)
        for passage in standing:
            passage.half_close()
        return len(standing)

    async def let_pass(self, direction: str, octets: int) -> None:
        """Returns when `octets` may go on in this direction, "asked" or "answers"."""
        while getattr(self.fault, f"holds_{direction}"):
            await self._changed.wait()
        fault = self.fault
        wait = fault.delay_s * self.chance.uniform(0.5, 1.5) if fault.delay_s else 0.0
        if fault.octets_per_s:
            wait += octets / fault.octets_per_s
        if wait:
            await asyncio.sleep(wait)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.fault.refuses:
            reset(writer)
            return
        try:
            server = await self.dial()
        except OSError:
            reset(writer)
            return
        passage = Passage(self, (reader, writer), server)
        self.passages.add(passage)
        try:
            await passage.run()
        finally:
            self.passages.discard(passage)


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection the rude way: the other side reads an error, not an end."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError, ValueError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGERING)
    writer.transport.abort()


def towards_port(port: int, host: str = "127.0.0.1") -> Dial:
    return lambda: asyncio.open_connection(host, port)


def towards_socket(path: str) -> Dial:
    """A server that listens on a socket of the file system only, as the embedded PostgreSQL does."""
    return lambda: asyncio.open_unix_connection(path)


@asynccontextmanager
async def before_postgresql(url: str, seed: int = 0) -> AsyncIterator[tuple[FaultProxy, str]]:
    """A proxy in front of the server of this URL, on a socket or a port, and the URL that goes through it."""
    there = {name: str(value) for name, value in conninfo.conninfo_to_dict(url).items()}
    host, port = there.get("host", "127.0.0.1"), int(there.get("port", 5432))
    dial = towards_socket(f"{host}/.s.PGSQL.{port}") if host.startswith("/") else towards_port(port, host)
    async with FaultProxy(dial, seed).running() as proxy:
        yield proxy, conninfo.make_conninfo(url, host="127.0.0.1", port=proxy.port)
