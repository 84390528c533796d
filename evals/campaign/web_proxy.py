"""A fault proxy for HTTP: requests answered late or with 500, their answers lost or cut short, requests sent twice or in another order.

One request a connection, bodies of known length: what doors and providers are asked. Which request meets what is drawn by the seed.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from evals.campaign.proxy import Dial, reset

LONGEST_HEAD: Final = 65_536
# Long enough for the next request of a busy sender to overtake; nobody's patience is over by then.
HELD_BACK_S: Final = 0.5
TWICE_AFTER_S: Final = 0.05
FAILED: Final = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class WebFault(StrEnum):
    """What befalls one request."""

    PASSES = "passes"
    ANSWERS_LATE = "answers_late"
    FAILS_BEFORE = "fails_before"  # 500, and the server never heard of it
    FAILS_AFTER = "fails_after"  # 500, though the server did it
    LOSES_ANSWER = "loses_answer"  # done, then reset
    CUTS_SHORT = "cuts_short"  # done, then half an answer and the end
    SENDS_TWICE = "sends_twice"
    OVERTAKEN = "overtaken"  # held until another has gone by


HARMLESS: Final[Mapping[WebFault, float]] = {WebFault.PASSES: 1.0}


@dataclass(frozen=True)
class Request:
    """One request whole: its head as it came, and its body."""

    head: bytes
    body: bytes

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode("latin-1")

    @property
    def closing(self) -> bytes:
        """The same, asking for one answer and then the end of the connection."""
        lines = [line for line in self.head.split(b"\r\n") if line and not line.lower().startswith(b"connection:")]
        return b"\r\n".join([*lines, b"connection: close", b"", b""]) + self.body


@dataclass
class WebFaultProxy:
    """Listens on a free port of loopback and asks `dial` once for each request. `mix` weighs what may befall it, at any time anew.

    Before a provider that takes no key with an order, `repeats` leaves POST out: twice by the network would be twice for good.
    """

    dial: Dial
    chance: random.Random
    late_s: float = 2.0
    repeats: Collection[str] = ("GET", "POST")
    mix: Mapping[WebFault, float] = field(default_factory=lambda: HARMLESS)
    port: int = 0
    befell: Counter[WebFault] = field(default_factory=Counter)
    gone_by: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["WebFaultProxy"]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])
        try:
            yield self
        finally:
            self.mix = HARMLESS
            server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await read_request(reader)
            if request is not None:
                await self._serve(request, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            reset(writer)
        finally:
            writer.close()

    async def _serve(self, request: Request, writer: asyncio.StreamWriter) -> None:
        fault = self.drawn(request)
        self.befell[fault] += 1
        if fault is WebFault.FAILS_BEFORE:
            await self._answer(writer, FAILED)
            return
        if fault is WebFault.OVERTAKEN:
            await self._hold_back()
        answer = await self._asked(request)
        if fault is WebFault.SENDS_TWICE:
            await asyncio.sleep(TWICE_AFTER_S)
            await self._asked(request)
        await self._told(writer, fault, answer)

    def drawn(self, request: Request) -> WebFault:
        kinds = list(self.mix)
        fault = self.chance.choices(kinds, [self.mix[kind] for kind in kinds])[0]
        return WebFault.PASSES if fault is WebFault.SENDS_TWICE and request.method not in self.repeats else fault

    async def _asked(self, request: Request) -> bytes:
        reader, writer = await self.dial()
        try:
            writer.write(request.closing)
            await writer.drain()
            return await reader.read(-1)
        finally:
            writer.close()
            self.gone_by.set()

    async def _hold_back(self) -> None:
        self.gone_by.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.gone_by.wait(), HELD_BACK_S)

    async def _told(self, writer: asyncio.StreamWriter, fault: WebFault, answer: bytes) -> None:
        if fault is WebFault.LOSES_ANSWER:
            reset(writer)
        elif fault is WebFault.FAILS_AFTER:
            await self._answer(writer, FAILED)
        elif fault is WebFault.CUTS_SHORT:
            await self._answer(writer, answer[: len(answer) // 2])
        else:
            if fault is WebFault.ANSWERS_LATE:
                await asyncio.sleep(self.late_s * self.chance.uniform(0.5, 1.5))
            await self._answer(writer, answer)

    async def _answer(self, writer: asyncio.StreamWriter, octets: bytes) -> None:
        writer.write(octets)
        await writer.drain()


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request; None where the caller left without one. Raises asyncio.IncompleteReadError where it left in the middle."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as left:
        if left.partial:
            raise
        return None
    return Request(head, await reader.readexactly(body_length(head)))


def body_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0
