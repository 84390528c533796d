"""The syslog door: the same port on UDP and TCP."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Final

import structlog

from api.inbound.batch import AlarmIntake
from api.inbound.reading import Reading, set_aside
from api.inbound.sources import plain_address
from api.inbound.syslog.framing import Frames, StreamBroken
from api.inbound.syslog.parsing import Lines, parse_line
from api.inbound.udp import Clock, UdpListener, listen_udp
from atlas.nms.records import Door

log = structlog.get_logger()

CHUNK: Final = 65_536
# More senders than an operator has routers; one more is turned away rather than everybody slowed.
MOST_CONNECTIONS: Final = 2_000
OTHER_PORTS: Final = 5


class StreamListener:
    """Syslog over TCP. A full intake stops the reading, and TCP makes the senders wait."""

    def __init__(self, lines: Lines, intake: AlarmIntake, clock: Clock) -> None:
        self.lines = lines
        self.intake = intake
        self.clock = clock
        self.server: asyncio.Server | None = None
        self.writers: set[asyncio.StreamWriter] = set()
        self.datagrams = 0
        self.broken = 0
        self.busy_s = 0.0

    @property
    def name(self) -> str:
        return f"{Door.SYSLOG.value}-stream"

    @property
    def port(self) -> int:
        assert self.server is not None, "asked once it listens"
        return int(self.server.sockets[0].getsockname()[1])

    def close(self) -> None:
        if self.server is not None:
            self.server.close()
        for writer in self.writers:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self.writers) >= MOST_CONNECTIONS:
            writer.close()
            return
        self.writers.add(writer)
        source = plain_address(writer.get_extra_info("peername")[0])
        frames = Frames()
        try:
            while octets := await reader.read(CHUNK):
                await self.intake.has_room.wait()
                self._hear(frames.feed(octets), source)
            self._hear([frames.rest()], source)
        except StreamBroken as problem:
            self.broken += 1
            self.intake.offer(set_aside(Door.SYSLOG, source, self.clock(), str(problem), frames.rest()))
        except (ConnectionError, asyncio.CancelledError):
            self._hear([frames.rest()], source)
        finally:
            self.writers.discard(writer)
            writer.close()

    def _hear(self, messages: Iterable[bytes], source: str) -> None:
        began = time.perf_counter()
        for message in messages:
            if message.strip():
                self.datagrams += 1
                self.intake.offer(parse_line(message, source, self.clock(), self.lines))
        self.busy_s += time.perf_counter() - began


async def listen(host: str, port: int, lines: Lines, intake: AlarmIntake, clock: Clock) -> tuple[UdpListener, StreamListener]:
    """Takes RFC 5424 and RFC 3164 on UDP and TCP; with port 0 TCP takes the port that UDP was given. Raises OSError where it cannot."""
    for _ in range(0 if port else OTHER_PORTS):
        # What is free for UDP may be somebody else's for TCP: where any port will do, another one is tried.
        with suppress(OSError):
            return await _listen_once(host, port, lines, intake, clock)
    return await _listen_once(host, port, lines, intake, clock)


async def _listen_once(host: str, port: int, lines: Lines, intake: AlarmIntake, clock: Clock) -> tuple[UdpListener, StreamListener]:
    def hear(datagram: bytes, source: str, received_at: datetime) -> Reading:
        return parse_line(datagram.rstrip(b"\r\n\x00"), source, received_at, lines)

    datagrams = await listen_udp(host, port, Door.SYSLOG, hear, intake, clock)
    streams = StreamListener(lines, intake, clock)
    try:
        streams.server = await asyncio.start_server(streams.serve, host, datagrams.port, limit=CHUNK)
    except OSError:
        datagrams.close()
        raise
    return datagrams, streams
