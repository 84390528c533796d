"""A storm of different alarms as fast as the doors take them, by HTTP batches, syslog over TCP and traps over UDP, at one doors process.

HTTP is answered when it is safe, and TCP makes its senders wait: nothing of either may be lost. Of UDP the kernel may drop what no buffer
holds; it counts that, and so do we.
"""

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]
import psycopg

from api.doors import intake_token
from api.inbound.tmf642 import PATH
from api.serve import database, environment_of
from api.settings import Settings
from atlas.statements import Statements
from evals.campaign.proxy import BLACK_HOLE, PASSES, FaultProxy, before_postgresql
from evals.demo.play import address_of
from evals.trap_encoding import LINK_DOWN, encode_trap, link_state

SQL: Final = Statements(__file__)
DEVICES: Final = 5_000
BATCH: Final = 500
HTTP_CONNECTIONS: Final = 24
TCP_CONNECTIONS: Final = 24
# Of a hundred alarms: how many come as traps, which nobody makes wait. The rest is half HTTP, half TCP.
UDP_SHARE: Final = 6
LINES_AT_ONCE: Final = 50
SAMPLED_EVERY_S: Final = 0.02
COMPLETES_WITHIN_S: Final = 300.0
MEGABYTE: Final = 2**20
MOST_MORE_MB: Final = 200.0
DROPS: Final = 12


@dataclass
class Told:
    """What the senders know: answered by HTTP as kept, written to TCP, sent by UDP, and how often HTTP was told to come again."""

    http: int = 0
    tcp: int = 0
    udp: int = 0
    come_again: int = 0


@dataclass(frozen=True)
class Burst:
    """The figures. `lost` counts HTTP and TCP; of UDP what is missing beyond the kernel's own count of drops."""

    alarms: int
    http_accepted: int
    http_come_again: int
    tcp_written: int
    udp_sent: int
    udp_dropped_by_kernel: int
    lost: int
    seconds: float
    alarms_a_second: float
    memory_before_mb: float
    memory_more_mb: float

    @property
    def holds(self) -> bool:
        return self.lost == 0 and self.memory_more_mb <= MOST_MORE_MB

    def as_rows(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Memory:
    """The resident memory of one process, sampled."""

    process: psutil.Process
    before: int = 0
    most: int = 0
    samples: list[int] = field(default_factory=list)

    async def watch(self) -> None:
        while True:
            self.most = max(self.most, self.process.memory_info().rss)
            await asyncio.sleep(SAMPLED_EVERY_S)


async def burst(settings: Settings, alarms: int, stalled_s: float = 0.0, tell: Callable[[str], None] = lambda _: None) -> Burst:
    """Plays the storm on an embedded PostgreSQL of `settings` and a doors process of its own, and counts what is in Atlas afterwards.

    `stalled_s`: from the first alarm on, the doors' way to PostgreSQL is a black hole for so long.
    """
    settings = settings.model_copy(update={"port": 0, "snmp_port": 0, "syslog_port": 0, "intake_port": 0, "radius": "off"})
    async with database(settings) as url:
        await asyncio.to_thread(make_devices, url)
        async with before_postgresql(url) as (proxy, through), doors_alone(settings, through if stalled_s else url) as (pid, addresses):
            memory = Memory(psutil.Process(pid))
            memory.before = memory.most = memory.process.memory_info().rss
            watching = asyncio.create_task(memory.watch())
            told, prepared = Told(), await asyncio.to_thread(prepare, alarms)
            began = time.perf_counter()
            stalling = asyncio.create_task(stalled(proxy, stalled_s))
            await storm(addresses, intake_token(settings), prepared, told)
            tell(f"told after {time.perf_counter() - began:.1f} s")
            dropped = kernel_drops(address_of(addresses["snmp"])[1])
            kept = await until_kept(url, alarms, dropped)
            seconds = time.perf_counter() - began
            watching.cancel()
            await stalling
    return figures(alarms, told, kept, dropped, seconds, memory)


async def stalled(proxy: FaultProxy, seconds: float) -> None:
    proxy.fault = BLACK_HOLE
    await asyncio.sleep(seconds)
    proxy.fault = PASSES


def figures(alarms: int, told: Told, kept: dict[str, int], dropped: int, seconds: float, memory: Memory) -> Burst:
    missing_udp = max(0, told.udp - kept.get("snmp", 0) - dropped)
    return Burst(
        alarms=alarms,
        http_accepted=told.http,
        http_come_again=told.come_again,
        tcp_written=told.tcp,
        udp_sent=told.udp,
        udp_dropped_by_kernel=dropped,
        lost=told.http - kept.get("tmf642", 0) + told.tcp - kept.get("syslog", 0) + missing_udp,
        seconds=seconds,
        alarms_a_second=alarms / seconds,
        memory_before_mb=memory.before / MEGABYTE,
        memory_more_mb=(memory.most - memory.before) / MEGABYTE,
    )


@asynccontextmanager
async def doors_alone(settings: Settings, url: str) -> AsyncIterator[tuple[int, dict[str, str]]]:
    """The doors part by itself, as `bedrock serve` starts it; its process and where it listens."""
    environment = {**os.environ, **environment_of(settings), "DATABASE_URL": url}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api.part", "doors", env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None, "started with a pipe"
    try:
        yield process.pid, json.loads(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()


@dataclass(frozen=True)
class Prepared:
    """All that will be said, made beforehand so that nothing slows the saying: HTTP bodies with their counts, TCP streams, datagrams."""

    bodies: list[tuple[int, bytes]]
    streams: list[list[bytes]]
    datagrams: list[bytes]


def prepare(alarms: int) -> Prepared:
    """Each alarm a different one: its number is its device and its object."""
    traps = range(alarms * UDP_SHARE // 100)
    middle = len(traps) + (alarms - len(traps)) // 2
    starts = range(len(traps), middle, BATCH)
    batches = [range(start, min(start + BATCH, middle)) for start in starts]
    by_tcp = range(middle, alarms)
    return Prepared(
        [(len(numbers), batch(numbers)) for numbers in batches],
        [[line(number) for number in by_tcp[part::TCP_CONNECTIONS]] for part in range(TCP_CONNECTIONS)],
        [trap(number) for number in traps],
    )


async def storm(addresses: dict[str, str], token: str, prepared: Prepared, told: Told) -> None:
    """Everything at once."""
    async with asyncio.TaskGroup() as group:
        bodies = iter(prepared.bodies)
        for _ in range(HTTP_CONNECTIONS):
            group.create_task(posting(address_of(addresses["intake"]), token, bodies, told))
        for lines in prepared.streams:
            group.create_task(streaming(address_of(addresses["syslog"]), lines, told))
        group.create_task(trapping(address_of(addresses["snmp"]), prepared.datagrams, told))


async def posting(to: tuple[str, int], token: str, bodies: Iterator[tuple[int, bytes]], told: Told) -> None:
    reader, writer = await asyncio.open_connection(*to)
    for alarms, body in bodies:
        head = f"POST {PATH} HTTP/1.1\r\nhost: doors\r\nauthorization: Bearer {token}\r\ncontent-length: {len(body)}\r\n\r\n"
        while (status := await asked(reader, writer, head.encode() + body)) != 201:
            assert status == 503, f"the door answered {status}"
            told.come_again += 1
            await asyncio.sleep(0.5)
        told.http += alarms
    writer.close()


async def asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """The status of the answer, read to its end."""
    writer.write(request)
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.split(b":")[1]))
    return int(head.split(b" ", 2)[1])


def batch(numbers: range) -> bytes:
    raised = datetime.now(UTC).isoformat()
    return json.dumps(
        [
            {
                "alarmType": "communicationsAlarm",
                "perceivedSeverity": "major",
                "probableCause": "lossOfSignal",
                "alarmedObject": {"id": f"{device(number)}/gpon 0/1/{number // DEVICES}"},
                "sourceSystemId": "ems-1",
                "state": "raised",
                "alarmRaisedTime": raised,
                "externalAlarmId": f"burst-{number}",
                "alarmDetails": f"received power of gpon 0/1/{number // DEVICES} is out of range",
            }
            for number in numbers
        ]
    ).encode()


def device(number: int) -> str:
    return f"burst-{number % DEVICES:05d}"


def address(number: int) -> str:
    return f"10.{number % DEVICES // 250}.{number % DEVICES % 250}.7"


def line(number: int) -> bytes:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    words = f"%LINK-3-UPDOWN: Interface TenGigE0/{number // DEVICES}, changed state to down"
    return f"<187>1 {at} {device(number)} ifmgr - - - {words}\n".encode()


def trap(number: int) -> bytes:
    port = number // DEVICES + 1
    return encode_trap(LINK_DOWN, link_state(f"xe-0/0/{port}", port, is_up=False), 1000 + number, agent=address(number))


async def streaming(to: tuple[str, int], lines: list[bytes], told: Told) -> None:
    """As fast as they are taken; a socket that is closed in peace has handed over what was written."""
    _, writer = await asyncio.open_connection(*to)
    for start in range(0, len(lines), LINES_AT_ONCE):
        some = lines[start : start + LINES_AT_ONCE]
        writer.write(b"".join(some))
        told.tcp += len(some)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def trapping(to: tuple[str, int], datagrams: list[bytes], told: Told) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for datagram in datagrams:
            out.sendto(datagram, to)
            told.udp += 1
            if told.udp % LINES_AT_ONCE == 0:
                await asyncio.sleep(0)


def kernel_drops(port: int) -> int:
    """Datagrams that the kernel dropped for want of room in this port's buffer; Linux counts them, elsewhere 0."""
    table = Path("/proc/net/udp")
    if not table.exists():
        return 0
    rows = (line.split() for line in table.read_text().splitlines()[1:])
    return sum(int(row[DROPS]) for row in rows if int(row[1].split(":")[1], 16) == port)


async def until_kept(url: str, alarms: int, dropped: int) -> dict[str, int]:
    """How many alarms of each door are in Atlas, once that is all of them or nothing has come for a while."""
    deadline, before, still = time.perf_counter() + COMPLETES_WITHIN_S, -1, 0
    while True:
        kept = await asyncio.to_thread(kept_by_door, url)
        total = sum(kept.values())
        still = still + 1 if total == before else 0
        if total >= alarms - dropped or still > 50 or time.perf_counter() > deadline:
            return kept
        before = total
        await asyncio.sleep(0.2)


def kept_by_door(url: str) -> dict[str, int]:
    with psycopg.connect(url) as conn:
        return {str(door): int(alarms) for door, alarms in conn.execute(SQL.text("kept"))}


def make_devices(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        rows = [(device(number), address(number)) for number in range(DEVICES)]
        conn.execute(SQL.text("make_devices"), {"names": [name for name, _ in rows], "addresses": [there for _, there in rows]})
