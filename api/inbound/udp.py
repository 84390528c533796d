"""Listens for datagrams and hands what they mean to the intake. A datagram can be wrong in any way; the listener goes on."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from api.inbound.batch import AlarmIntake
from api.inbound.reading import Reading, set_aside
from api.inbound.sources import plain_address
from atlas.errors import AtlasError
from atlas.nms.records import Door

log = structlog.get_logger()

Hear = Callable[[bytes, str, datetime], Reading]
Clock = Callable[[], datetime]

LONGEST_DATAGRAM: Final = 65_535
# The kernel keeps this much for us while we are busy or full, some twenty thousand traps; less where its administrator allows less.
RECEIVE_BUFFER: Final = 16 * 1024 * 1024
# Datagrams read at a stretch before anybody else gets a turn.
AT_A_STRETCH: Final = 64


class UdpListener:
    """One open socket. When the intake is full it stops reading, and the socket's own buffer holds what it can."""

    def __init__(self, sock: socket.socket, door: Door, hear: Hear, intake: AlarmIntake, clock: Clock) -> None:
        self.socket = sock
        self.door = door
        self.hear = hear
        self.intake = intake
        self.clock = clock
        self.loop = asyncio.get_running_loop()
        self.tasks: set[asyncio.Task[None]] = set()
        self.datagrams = 0
        self.broken = 0
        self.busy_s = 0.0
        self.loop.add_reader(sock.fileno(), self._read)

    @property
    def name(self) -> str:
        return self.door.value

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def close(self) -> None:
        """Stops listening; answers that still wait for a commit are given up, and their senders send again."""
        if self.socket.fileno() >= 0:
            self.loop.remove_reader(self.socket.fileno())
            self.socket.close()
        for task in self.tasks:
            task.cancel()

    def _read(self) -> None:
        began = time.perf_counter()
        self._read_stretch()
        self.busy_s += time.perf_counter() - began

    def _read_stretch(self) -> None:
        for _ in range(AT_A_STRETCH):
            try:
                datagram, address = self.socket.recvfrom(LONGEST_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                log.warning("datagram_unreadable", door=self.door.value, error=error.strerror)
                return
            self.datagrams += 1
            self._heard(datagram, address)
            if self.intake.is_full:
                self.loop.remove_reader(self.socket.fileno())
                self._spawn(self._resume())
                return

    def _heard(self, datagram: bytes, address: tuple[str, int]) -> None:
        received_at = self.clock()
        try:
            reading = self.hear(datagram, address[0], received_at)
        except Exception:
            # Whatever a parser did not foresee must not cost us the listener, nor the datagram.
            self.broken += 1
            log.exception("datagram_broke_its_parser", door=self.door.value, octets=len(datagram))
            reading = set_aside(self.door, plain_address(address[0]), received_at, "broke its parser", datagram)
        if reading.answer is None:
            self.intake.offer(reading)
        else:
            self._spawn(self._answer(reading, reading.answer, address))

    async def _answer(self, reading: Reading, answer: bytes, address: tuple[str, int]) -> None:
        """Confirms an inform once it is safe; a sender that hears nothing sends again."""
        with contextlib.suppress(AtlasError, OSError):
            if reading.events or reading.quarantined:
                await self.intake.take(reading)
            self.socket.sendto(answer, address)

    async def _resume(self) -> None:
        await self.intake.has_room.wait()
        if self.socket.fileno() >= 0:
            self.loop.add_reader(self.socket.fileno(), self._read)

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def listen_udp(host: str, port: int, door: Door, hear: Hear, intake: AlarmIntake, clock: Clock) -> UdpListener:
    """Opens `host`:`port` (0: any free port). Raises OSError where the address is taken or not ours."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    sock = socket.socket(family, kind, protocol)
    sock.setblocking(False)
    _widen(sock)
    try:
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return UdpListener(sock, door, hear, intake, clock)


def _widen(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    # Root may go beyond the administrator's limit; Linux only.
    force = getattr(socket, "SO_RCVBUFFORCE", None)
    if force is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, force, RECEIVE_BUFFER)
