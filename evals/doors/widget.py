"""The chat on the operator's site, as its pages use it: each tab shows a token of its own, posts, and reads its stream."""

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx

from atlas.errors import AtlasError
from evals.doors.hall import Hall, Heard
from evals.scenario import Speaker, Turn

READS_WITHIN_S: Final = 15.0


class NotRead(AtlasError):
    """What the platform says that a page has to read never came on that page's stream."""


@dataclass
class Tab:
    """One page: its token, and what its stream said, message by message."""

    client: httpx.AsyncClient
    said: dict[int, dict[str, Any]] = field(default_factory=dict)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        """Reads on until the page is closed."""
        kind = ""
        async with self.client.stream("GET", "/widget/live", timeout=None) as stream:
            stream.raise_for_status()
            async for line in stream.aiter_lines():
                name, _, value = line.partition(": ")
                kind = value if name == "event" else kind
                if name == "data" and kind == "said":
                    message = json.loads(value)
                    self.said[message["id"]] = message
                    self.came.set()

    async def has_read(self) -> list[dict[str, Any]]:
        """Everything, once the stream has said all that is there for this page. Raises NotRead."""
        there = (await self.client.get("/widget/messages")).raise_for_status().json()["messages"]
        try:
            async with asyncio.timeout(READS_WITHIN_S):
                while not {one["id"] for one in there} <= set(self.said):
                    await self.came.wait()
                    self.came.clear()
        except TimeoutError:
            raise NotRead(f"{len(there)} messages are there, {len(self.said)} were read") from None
        return [self.said[number] for number in sorted(self.said)]


@dataclass
class Widget:
    hall: Hall
    stack: AsyncExitStack
    tabs: dict[int, Tab] = field(default_factory=dict)

    async def plays(self, speaker: Speaker, turn: Turn, words: str) -> Heard:
        hall, tab = self.hall, await self._tab(turn.tab)
        after = await hall.newest()
        if turn.does == "signs in":
            address = words or await hall.address(speaker, "sms")
            (await tab.client.post("/widget/sign-in", data={"address": address})).raise_for_status()
            return await hall.heard_since(after, "If that address is on file, a code was sent.")
        if turn.does == "keys in":
            answer = (await tab.client.post("/widget/code", data={"digits": words})).raise_for_status().json()
            return await hall.heard_since(after, "You are signed in." if answer["is_right"] else "Those are not the six digits.")
        before = set(tab.said)
        (await tab.client.post("/widget/messages", data={"key": str(uuid4()), "words": words})).raise_for_status()
        await hall.settle()
        new = [one for one in await tab.has_read() if one["is_ours"] and one["id"] not in before]
        return await hall.heard_since(after, "\n\n".join(one["words"] for one in new))

    async def _tab(self, number: int) -> Tab:
        if number not in self.tabs:
            client = await self.stack.enter_async_context(httpx.AsyncClient(base_url=self.hall.base, headers={"Origin": self.hall.base}))
            token = (await client.post("/widget/visits")).raise_for_status().json()["token"]
            client.headers["Authorization"] = f"Bearer {token}"
            tab = self.tabs[number] = Tab(client)
            reading = asyncio.create_task(tab.read())
            self.stack.push_async_callback(_ended, reading)
        return self.tabs[number]


async def _ended(reading: asyncio.Task[None]) -> None:
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
