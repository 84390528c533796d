"""aimock: a server that speaks OpenAI's protocol, by others than us. Fixtures tell it what to answer; it runs on loopback for one test."""

import asyncio
import json
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

PROGRAM: Final = Path(__file__).parents[2] / "build/peers/node_modules/@copilotkit/aimock/dist/cli.js"
NODE: Final = shutil.which("node")
NEEDS_IT: Final = pytest.mark.skipif(
    NODE is None or not PROGRAM.exists(),
    reason="NOT tested against aimock: `make peers` installs it where npm is",
)
STARTS_WITHIN_S: Final = 30


def says(words: str, **more: Any) -> dict[str, Any]:
    """The end of a turn: what is said once the tools have answered."""
    return {"match": {"endpoint": "chat", "hasToolResult": True}, "response": {"content": words}, **more}


def calls(*tools: tuple[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    """The beginning of a turn: these tools, called side by side."""
    called = [{"name": name, "arguments": arguments} for name, arguments in tools]
    return {"match": {"endpoint": "chat", "hasToolResult": False}, "response": {"toolCalls": called}, **more}


def fails(status: int, **more: Any) -> dict[str, Any]:
    return {"match": {"endpoint": "chat"}, "response": {"error": {"message": "it broke", "type": "test"}, "status": status}, **more}


@asynccontextmanager
async def aimock(*fixtures: dict[str, Any]) -> AsyncIterator[str]:
    """Its base URL, while it runs."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "fixtures.json"
        told.write_text(json.dumps({"fixtures": list(fixtures)}))
        arguments = (str(PROGRAM), "-p", str(port), "-f", str(told), "--log-level", "silent", "--strict")
        process = await asyncio.create_subprocess_exec(NODE or "node", *arguments)
        try:
            await _answers(port)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            await process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def _answers(port: int) -> None:
    async with asyncio.timeout(STARTS_WITHIN_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
