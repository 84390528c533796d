"""Sends batches of TMF642 alarms over many connections, with as little work per batch as Python can do."""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from api.inbound.tmf642 import PATH

BATCH: Final = 64
DEVICES: Final = 5_000
OBJECTS: Final = 8
CONNECTIONS: Final = 128
TOKEN: Final = "the benchmark's own"  # noqa: S105
CAUSES: Final = ("lossOfSignal", "linkDown", "dyingGasp", "unreachable", "degradedSignal")


class Refused(Exception):
    """The door answered something else than that it kept a batch."""


def batch(chance: random.Random) -> bytes:
    """A batch as an element manager sends it: raises, repeats and clears of whatever chatters."""
    return json.dumps([_alarm(chance) for _ in range(BATCH)]).encode()


def device_name(number: int) -> str:
    return f"bench-{number:05d}"


def _alarm(chance: random.Random) -> dict[str, Any]:
    at = datetime.now(UTC) - timedelta(seconds=chance.uniform(0, 120))
    device, inside = chance.randrange(DEVICES), chance.randrange(OBJECTS)
    return {
        "alarmType": "communicationsAlarm",
        "perceivedSeverity": "cleared" if chance.random() < 0.3 else chance.choice(("critical", "major", "minor")),
        "probableCause": chance.choice(CAUSES),
        "alarmedObject": {"id": f"{device_name(device)}/gpon 0/1/{inside}"},
        "sourceSystemId": "ems-1",
        "state": "raised",
        "alarmRaisedTime": at.isoformat(),
        "externalAlarmId": f"{device}-{inside}-{chance.randrange(10**9)}",
        "specificProblem": "signal below threshold",
        "alarmDetails": f"received power of gpon 0/1/{inside} is out of range",
    }


class Sender(asyncio.Protocol):
    """One connection that sends the next batch as soon as the last is answered. As little work as Python can do per batch."""

    def __init__(self, requests: Sequence[bytes], chance: random.Random, answered: list[float]) -> None:
        self.requests = requests
        self.chance = chance
        self.answered = answered
        self.transport: asyncio.Transport | None = None
        self.stopped = asyncio.get_running_loop().create_future()
        self.is_stopping = False
        self.held = b""
        self.wrong = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        # Head and body come apart; both doors end their answers so, and nothing before the end does.
        self.held += data
        if not self.held.endswith(b"}"):
            return
        if not self.held.startswith(b"HTTP/1.1 201"):
            self.wrong = self.held
            self._end()
            return
        self.held = b""
        self.answered.append(time.perf_counter())
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.stopped.done():
            self.stopped.set_result(exc)

    def _next(self) -> None:
        assert self.transport is not None, "sends once connected"
        if self.is_stopping:
            self._end()
        else:
            self.transport.write(self.requests[self.chance.randrange(len(self.requests))])

    def _end(self) -> None:
        if self.transport is not None:
            self.transport.close()


async def load(port: int, batches: Sequence[bytes], seconds: float) -> list[float]:
    """Sends for `seconds` over 128 connections; when each batch was answered, in seconds since the first was sent. Raises Refused."""
    head = f"POST {PATH} HTTP/1.1\r\nhost: doors\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: %d\r\n\r\n"
    requests = [(head % len(each)).encode() + each for each in batches]
    answered: list[float] = []
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    senders = []
    for seed in range(CONNECTIONS):
        sender = Sender(requests, random.Random(seed), answered)  # noqa: S311 - a load to be repeated, not a secret
        await loop.create_connection(lambda one=sender: one, "127.0.0.1", port)  # type: ignore[misc]
        senders.append(sender)
    await asyncio.sleep(seconds)
    for sender in senders:
        sender.is_stopping = True
    await asyncio.gather(*(sender.stopped for sender in senders))
    for sender in senders:
        if sender.wrong:
            raise Refused(sender.wrong[:200].decode(errors="replace"))
    return [at - began for at in answered]
