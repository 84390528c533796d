"""A provider that dies in the middle of its answer: the same turn is answered by the rules, and how much later than without a provider."""

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from statistics import median
from typing import Final

from agents.model import Provider
from agents.supervisor import Reply
from evals.bench import Conditions, Row
from evals.benchmarks.turn import asked, in_quiet, is_answered, maya_in, p99, timed
from evals.stage import Stage, cast_of, stage
from evals.world.happened import conversation_opened

TURNS: Final = 40
WORDS: Final = "How much do I owe?"
# Two chunks of a sentence, and then nothing: no reason to end, no end of the stream.
BEGUN: Final = ("You ", "owe ")
LONGER_THAN_A_REST_S: Final = 60


@asynccontextmanager
async def dying_provider() -> AsyncGenerator[tuple[str, list[int]], None]:
    """Its base URL, and a list that grows by one with each request it left unanswered."""
    died: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(next(int(line.split(":")[1]) for line in head.splitlines() if line.startswith("content-length")))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for words in BEGUN:
            delta = {"index": 0, "delta": {"role": "assistant", "content": words}, "finish_reason": None}
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "dying", "choices": [delta]}
            event = b"data: " + json.dumps(chunk).encode() + b"\n\n"
            writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
            await writer.drain()
        died.append(len(died))
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", died


async def run(conditions: Conditions) -> Sequence[Row]:
    """The same question again and again; the circuit breaker's rest is over each time, so that every turn meets the dying provider."""
    return await in_quiet(conditions, "provider_down", measured)


async def measured() -> Sequence[Row]:
    ticks = itertools.count(step=LONGER_THAN_A_REST_S)
    async with stage() as one, dying_provider() as (url, died):
        cast = await cast_of(Provider("key", url), one.encoder, clock=lambda: float(next(ticks)))
        without, _ = await turns(one)
        with_it, answered = await turns(replace(one, cast=cast))
        if len(died) < TURNS:
            raise RuntimeError(f"only {len(died)} of {TURNS} turns met the provider")
    later = [1000 * (seconds - median(without)) for seconds in with_it]
    return [
        Row("provider-down", "later than without a provider", "ms", median(later), p99(later), 0.0, "no provider", "≤ 300"),
        Row("provider-down", "turns left without an answer", "turns", TURNS - answered, None, None, "", "0"),
    ]


async def turns(one: Stage) -> tuple[list[float], int]:
    """Seconds of each turn, and how many of them were answered by a tool."""
    said: list[Reply] = []
    async with maya_in(one) as (here, maya):
        thread = await conversation_opened(here.atlas, maya, "chat", WORDS)

        async def turn(_: int) -> None:
            said.append(await asked(here, maya, thread, WORDS))

        seconds = await timed(TURNS, turn)
    return seconds, sum(is_answered(reply) for reply in said[-TURNS:])
