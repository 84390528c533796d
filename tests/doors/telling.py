"""Tells a door something over the real network and comes back when it is committed."""

import asyncio
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
from fastapi import FastAPI

from api.inbound import alertmanager, tmf642
from api.inbound.batch import AlarmIntake
from api.inbound.snmp import listening as snmp
from api.inbound.snmp.parsing import Traps
from api.inbound.syslog import listening as syslog
from api.inbound.syslog.parsing import Lines
from atlas.connection import Atlas
from atlas.nms.reads import open_alarms, quarantined
from atlas.nms.records import OpenAlarm, Quarantined
from atlas.principal import executor, intake
from tests.given import Owner

TOKEN = "the operator's token"


def now() -> datetime:
    return datetime.now(UTC)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - the code under test sets no events for tests
            await asyncio.sleep(0.002)


async def trapped(atlas: Atlas, *datagrams: bytes, traps: Traps | None = None) -> None:
    """Sends datagrams to the SNMP door."""
    async with AlarmIntake(atlas).running() as door:
        listener = await snmp.listen("127.0.0.1", 0, traps or Traps(), door, now)
        for datagram in datagrams:
            send(listener.port, datagram)
        await until(lambda: listener.datagrams == len(datagrams))
        listener.close()


async def logged(atlas: Atlas, *messages: bytes) -> None:
    """Sends messages to the syslog door, each in a datagram."""
    async with AlarmIntake(atlas).running() as door:
        listener, streams = await syslog.listen("127.0.0.1", 0, Lines(), door, now)
        for message in messages:
            send(listener.port, message)
        await until(lambda: listener.datagrams == len(messages))
        listener.close()
        streams.close()


async def streamed(atlas: Atlas, *chunks: bytes) -> None:
    """Sends chunks to the syslog door over one TCP connection, and hangs up."""
    async with AlarmIntake(atlas).running() as door:
        listener, streams = await syslog.listen("127.0.0.1", 0, Lines(), door, now)
        _, writer = await asyncio.open_connection("127.0.0.1", streams.port)
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
        await until(lambda: bool(streams.writers))
        writer.close()
        await until(lambda: not streams.writers)
        listener.close()
        streams.close()


async def posted(atlas: Atlas, path: str, body: Any, token: str = TOKEN) -> httpx.Response:
    """Posts to the HTTP doors; octets as they are, anything else as JSON."""
    async with AlarmIntake(atlas).running() as door:
        return await posted_to(door, path, body, token)


async def posted_to(door: AlarmIntake, path: str, body: Any, token: str = TOKEN) -> httpx.Response:
    app = FastAPI()
    app.include_router(tmf642.router(door, TOKEN, now))
    app.include_router(alertmanager.router(door, TOKEN, now))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://doors") as client:
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        return await client.post(path, headers={"authorization": f"Bearer {token}"}, **content)


def send(port: int, datagram: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(datagram, ("127.0.0.1", port))


async def standing(atlas: Atlas) -> list[OpenAlarm]:
    async with atlas.transaction(executor("cortex")) as conn:
        return await open_alarms(conn)


async def set_aside(atlas: Atlas) -> list[Quarantined]:
    async with atlas.transaction(intake("doors")) as conn:
        return await quarantined(conn)


async def alarms(owner: Owner) -> list[tuple[Any, ...]]:
    """Every alarm ever heard, open or not: object, cause, severity, whether it stands."""
    rows = await owner.execute(
        "SELECT managed_object, probable_cause, severity, is_open FROM nms.alarm ORDER BY managed_object, probable_cause"
    )
    return await rows.fetchall()
