"""A small OpenAI-shaped server on loopback that answers as it was told, in order; what it was asked is kept."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Answer = dict[str, Any] | int


def says(words: str) -> Answer:
    return {"role": "assistant", "content": words}


def calls(tool: str, **arguments: Any) -> Answer:
    call = {"id": f"call_{tool}", "type": "function", "function": {"name": tool, "arguments": json.dumps(arguments)}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


@dataclass
class ScriptedProvider:
    """`answers` are messages, or status codes to fail with; the last one is repeated."""

    answers: list[Answer]
    base_url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)

    def _next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(int(line.split(":")[1]) for line in head.splitlines() if line.startswith("content-length"))
        self.asked.append(json.loads(await reader.readexactly(length)))
        answer = self._next()
        status = answer if isinstance(answer, int) else 200
        kind = "application/json" if isinstance(answer, int) else "text/event-stream"
        body = json.dumps({"error": {"message": "it broke"}}).encode() if isinstance(answer, int) else _streamed(answer)
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n".encode())
        writer.write(b"connection: close\r\n\r\n" + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


def _streamed(message: dict[str, Any]) -> bytes:
    """The message as the three chunks of a stream: what is said, why it ends, what it cost."""
    called = [{"index": at, **call} for at, call in enumerate(message.get("tool_calls") or ())]
    said = {"role": "assistant", "content": message["content"], **({"tool_calls": called} if called else {})}
    ends = {"index": 0, "delta": {}, "finish_reason": "tool_calls" if called else "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    chunks = [_chunk([{"index": 0, "delta": said, "finish_reason": None}]), _chunk([ends]), _chunk([], usage=usage)]
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"


def _chunk(choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": choices, **more}


@asynccontextmanager
async def scripted(*answers: Answer) -> AsyncIterator[ScriptedProvider]:
    one = ScriptedProvider(list(answers))
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield one
