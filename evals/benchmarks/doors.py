"""The doors by themselves: what one trap, line or alarm costs to read, and a burst over UDP until it is committed."""

import asyncio
import random
import socket
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import psycopg

from api.inbound.batch import AlarmIntake
from api.inbound.snmp import listening
from api.inbound.snmp.decoding import decode
from api.inbound.snmp.parsing import Traps, parse_trap
from api.inbound.snmp.usm import SnmpUser, UserSecurity
from api.inbound.syslog.parsing import Lines, parse_line
from api.inbound.tmf642 import batch_of, reading_of
from atlas import embedded
from atlas.connection import Atlas
from atlas.migrate import migrate
from atlas.principal import Zone
from evals.bench import Conditions, Row
from evals.benchmarks.intake_door import SECRET
from evals.benchmarks.intake_load import BATCH, batch
from evals.trap_encoding import LINK_DOWN, SecureSender, encode_trap, link_state

BURST: Final = 220
BURSTS: Final = 30
REPEATS: Final = 40
USER: Final = SnmpUser("bench", "sha256", "an authentication key", "aes128", "a privacy key")
LINE: Final = b"<189>521: core-1: Mar  2 09:00:00.100: %LINEPROTO-5-UPDOWN: Line protocol on Interface Te0/1, changed state to down"


async def run(conditions: Conditions) -> Sequence[Row]:
    reading = [*_reading_costs()]
    server = await asyncio.to_thread(embedded.start, conditions.home)
    try:
        await asyncio.to_thread(_prepare, server.url)
        seconds = await _bursts(server.url)
    finally:
        await asyncio.to_thread(server.stop)
    burst = Row(
        "doors",
        f"{BURST} traps at once over UDP, sent → committed",
        "ms",
        1000 * statistics.median(seconds),
        1000 * max(seconds),
        None,
        "",
        "well under 150",
    )
    return [*reading, burst]


def _reading_costs() -> list[Row]:
    now = datetime.now(UTC)
    trap = encode_trap(LINK_DOWN, link_state("xe-0/0/0", 502, is_up=False), 1000, agent="10.0.0.7")
    secure = SecureSender(USER, b"\x80\x00\x7f\x12\x04bench").trap(LINK_DOWN, link_state("xe-0/0/0", 502, is_up=False), 1000)
    traps, lines = Traps(users=UserSecurity([USER])), Lines()
    body = batch(random.Random(1))  # noqa: S311 - a load to be repeated, not a secret
    return [
        _row("an SNMPv2c trap decoded", lambda: decode(trap), "< 450 (220 traps in 100 ms)"),
        _row("an SNMPv2c trap read into an alarm", lambda: parse_trap(trap, "127.0.0.1", now, traps), "< 450 (220 traps in 100 ms)"),
        _row("an SNMPv3 trap, SHA-256 and AES, read", lambda: parse_trap(secure, "127.0.0.1", now, traps), ""),
        _row("a syslog line read", lambda: parse_line(LINE, "127.0.0.1", now, lines), ""),
        _row("a TMF642 alarm read, of a batch of 64", lambda: reading_of(batch_of(body), "127.0.0.1", now), "", per=BATCH),
    ]


def _row(figure: str, work: Callable[[], object], goal: str, per: int = 1) -> Row:
    """Microseconds of processor time, the fastest of several runs."""
    taken = []
    for _ in range(7):
        began = time.process_time()
        for _ in range(REPEATS):
            work()
        taken.append((time.process_time() - began) / REPEATS / per * 1e6)
    return Row("doors", figure, "µs", min(taken), None, None, "", goal)


def _prepare(url: str) -> None:
    migrate(url, SECRET)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("INSERT INTO gis.area (name, latitude, longitude) VALUES ('Bench', 50, -3)")
        with conn.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO cmdb.device (name, kind, area_id, management_address) SELECT %s, 'olt', min(id), %s FROM gis.area",
                [(_address(number), _address(number)) for number in range(47)],
            )


def _address(number: int) -> str:
    return f"10.0.0.{number + 1}"


async def _bursts(url: str) -> list[float]:
    """Each burst is of other alarms, so that each is stored anew."""
    async with Atlas.open(url, SECRET, (Zone.INTAKE,)) as atlas, AlarmIntake(atlas).running() as intake:
        listener = await listening.listen("127.0.0.1", 0, Traps(), intake, lambda: datetime.now(UTC))
        seconds = [await _burst(listener.port, intake, number) for number in range(BURSTS)]
        listener.close()
    return seconds[1:]


async def _burst(port: int, intake: AlarmIntake, number: int) -> float:
    traps = [_trap(number, index) for index in range(BURST)]
    until = intake.recorded + BURST
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        began = time.perf_counter()
        for trap in traps:
            sender.sendto(trap, ("127.0.0.1", port))
    while intake.recorded < until:  # noqa: ASYNC110 - a benchmark waits for what it measures without touching it
        await asyncio.sleep(0.0005)
    return time.perf_counter() - began


def _trap(burst: int, index: int) -> bytes:
    name = f"xe-{burst}/{index}"
    return encode_trap(LINK_DOWN, link_state(name, index + 1, is_up=False), 1000 + burst, agent=_address(index % 47))
