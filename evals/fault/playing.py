"""Plays what is told over real UDP: every datagram made beforehand, then sent at its moment."""

import asyncio
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from api.inbound.snmp.usm import SnmpUser
from atlas.nms.records import Severity
from evals.fault.told import Form, Told
from evals.trap_encoding import BEDROCK_ALARM, LINK_DOWN, LINK_UP, SecureSender, bedrock_alarm, encode_trap, link_state

# All clocks of the scene count from here, so that one device's uptime never runs backwards, whoever speaks for it.
BOOTED: Final = datetime(2026, 1, 1, tzinfo=UTC)
ENGINE_ID: Final = b"\x80\x00\x7e\xd9\x04bedrock-bng"
# The poller gives up after its third try, so symptoms are often heard before what caused them.
EARLIEST_CAUSE: Final = 0.2
LEAD: Final = timedelta(milliseconds=20)

Address = tuple[str, int]


@dataclass(frozen=True)
class Doors:
    """Where traps and syslog are heard. Without `user` everything goes as SNMPv2c."""

    snmp: Address
    syslog: Address
    user: SnmpUser | None = None


@dataclass(frozen=True)
class Datagram:
    after_s: float
    to: Address
    octets: bytes


@dataclass(frozen=True)
class Played:
    """When the first and the last datagram left, and how many."""

    first_at: datetime
    last_at: datetime
    datagrams: int


def raised(told: Sequence[Told], doors: Doors, spread_s: float, rng: np.random.Generator, starts_at: datetime) -> list[Datagram]:
    """The burst: everything within `spread_s`, shuffled; the ends of the cut are rarely the first to be heard."""
    when = np.sort(rng.random(len(told)) * spread_s)[rng.permutation(len(told))]
    for place, one in enumerate(told):
        if one.form is Form.LINK_TRAP:
            when[place] = max(float(when[place]), EARLIEST_CAUSE * spread_s)
    return _datagrams(told, when.tolist(), doors, starts_at, is_clear=False)


def cleared(told: Sequence[Told], doors: Doors, starts_at: datetime, pace: float = 1.0) -> list[Datagram]:
    """The repair, port by port; `pace` stretches it."""
    return _datagrams(told, [one.clears_after_s * pace for one in told], doors, starts_at, is_clear=True)


def _datagrams(told: Iterable[Told], when: Iterable[float], doors: Doors, starts_at: datetime, *, is_clear: bool) -> list[Datagram]:
    secure = SecureSender(doors.user, ENGINE_ID) if doors.user else None
    made = [
        Datagram(after_s, doors.syslog if one.form is Form.SYSLOG else doors.snmp, _octets(one, after_s, starts_at, secure, is_clear))
        for one, after_s in zip(told, when, strict=True)
    ]
    return sorted(made, key=lambda datagram: datagram.after_s)


def _octets(one: Told, after_s: float, starts_at: datetime, secure: SecureSender | None, is_clear: bool) -> bytes:
    at = starts_at + timedelta(seconds=after_s)
    words = one.clear_words if is_clear else one.words
    if one.form is Form.SYSLOG:
        return f"<{187 if not is_clear else 189}>1 {at.isoformat(timespec='milliseconds')} {one.device.name} rpd - - - {words}".encode()
    ticks = int((at - BOOTED).total_seconds() * 100)
    if one.form is Form.LINK_TRAP:
        oid, bindings = (LINK_UP if is_clear else LINK_DOWN), link_state(one.managed_object, one.device.device_id, is_clear)
    else:
        severity = Severity.CLEARED if is_clear else one.severity
        oid, bindings = BEDROCK_ALARM, bedrock_alarm(one.managed_object, one.cause, severity, text=words)
    if secure is not None and one.form is Form.SECURE_TRAP:
        return secure.trap(oid, bindings, ticks, agent=one.device.address)
    return encode_trap(oid, bindings, ticks, agent=one.device.address)


async def send(datagrams: Sequence[Datagram]) -> Played:
    """Sends each at its moment after the call; they are in that order."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        started = loop.time()
        first_at = datetime.now(UTC)
        for datagram in datagrams:
            wait = started + datagram.after_s - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            out.sendto(datagram.octets, datagram.to)
        return Played(first_at, datetime.now(UTC), len(datagrams))


async def play_cut(told: Sequence[Told], doors: Doors, rng: np.random.Generator, spread_s: float = 1.0) -> Played:
    """The burst of raises. Making a datagram takes a millisecond, so all are made before the first is sent."""
    starts_at = datetime.now(UTC) + LEAD
    return await send(await asyncio.to_thread(raised, told, doors, spread_s, rng, starts_at))


async def play_repair(told: Sequence[Told], doors: Doors, pace: float = 1.0) -> Played:
    starts_at = datetime.now(UTC) + LEAD
    return await send(await asyncio.to_thread(cleared, told, doors, starts_at, pace))
