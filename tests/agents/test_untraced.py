"""What subscribers say is told to no tracing service, whatever the environment of the process says."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import langsmith
import pytest
from langchain_core.tracers.langchain import wait_for_all_tracers
from langsmith.utils import get_env_var, tracing_is_enabled

from agents.supervisor import Supervisor, answer
from atlas.identity import CustomerId
from atlas.principal import Assurance, customer
from forge.untraced import keep_to_ourselves
from tests.agents.conftest import NOW


@pytest.fixture
async def heard() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A service on loopback that would take traces: its port, and the first octets of every call."""
    calls: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(await reader.read(200))
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], calls


@pytest.fixture
def told_to_trace(heard: tuple[int, list[bytes]], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {"TRACING": "true", "ENDPOINT": f"http://127.0.0.1:{heard[0]}", "API_KEY": "key"}.items():
        monkeypatch.setenv(f"LANGSMITH_{name}", value)
    langsmith.configure(enabled=None)
    get_env_var.cache_clear()
    yield
    monkeypatch.undo()
    get_env_var.cache_clear()
    keep_to_ourselves()


@pytest.mark.usefixtures("told_to_trace")
async def test_a_turn_is_told_to_nobody(supervisor: Supervisor, maya: int, heard: tuple[int, list[bytes]]) -> None:
    assert tracing_is_enabled()

    keep_to_ourselves()
    reply = await answer(supervisor, customer(CustomerId(maya), Assurance.VERIFIED), uuid.uuid4(), "How much do I owe?", NOW)
    await asyncio.to_thread(wait_for_all_tracers)

    assert (bool(reply.tools), heard[1]) == (True, [])
