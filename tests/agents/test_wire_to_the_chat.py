"""A provider's model at one end and a browser's stream at the other: what is read on the operator's site is what a tool said."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agents.checkpoints import KeptInAtlas
from agents.consultation import consultants
from agents.model import CircuitBreaker, Provider
from agents.roster import Member
from agents.router import Router
from agents.start import unplugged
from api.answering import answer_conversation
from api.bootstrap import House
from api.chat import Desk
from api.listening import listening
from api.settings import Settings
from atlas.connection import Atlas
from cortex.pictures import WarmTopology
from tests.agents.aimock import NEEDS_IT, aimock, calls, fails, says
from tests.agents.conftest import on
from tests.given import Owner
from tests.web.browsing import browser, site
from tests.web.test_widget import OURS, SHOP, signed_in
from tests.web.test_widget_stream import Chat, Reader

pytestmark = NEEDS_IT
WHY = "Why is my bill higher this month?"
CHANGE = ("explain_bill_change", {})
DEARER, ABROAD = "It is £6.20 dearer this month.", "The reason is international calls."
# So much of an answer in one chunk, and so long until the next: what a sentence at a time looks like on the wire.
SLOWLY: dict[str, Any] = {"chunkSize": 12, "latency": 40}


@dataclass(frozen=True)
class OurSite:
    """The operator's site with Maya signed in at its chat, and the agents with the provider that is named."""

    chat: Chat
    answering: Callable[[str], Desk]

    async def asked(self, provider: str) -> Reader:
        """Everything that her browser read from the question to the answer."""
        async with self.chat.reading() as reader:
            talk = await self.chat.asks(WHY)
            await answer_conversation(self.answering(provider), talk)
            await reader.until(lambda seen: seen.said[-1:] != [] and seen.said[-1][1] != WHY and seen.so_far[-1] == "")
        return reader


@pytest.fixture
async def ours(
    atlas: Atlas, checkpoints: KeptInAtlas, router: Router, members: dict[str, Member], maya: int, owner: Owner, tmp_path: Path
) -> AsyncIterator[OurSite]:
    made = await site(atlas, tmp_path, chat_origins=(SHOP,))
    await owner.execute("UPDATE crm.contact SET changed_at = clock_timestamp() - interval '30 days'")
    async with listening(made.app, "127.0.0.1", 0) as port, browser(made.app) as client:
        client.headers.update(OURS)
        token = (await client.post("/widget/visits")).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        assert await signed_in(client, atlas, owner)
        house = House(Settings(home=tmp_path), atlas, made.forge, WarmTopology(), {})

        def answering(base_url: str) -> Desk:
            provider = Provider("key", base_url, timeout_s=5)
            plugged = on(atlas, checkpoints, router, consultants(members, router, provider, CircuitBreaker(lambda: 0.0)))
            return Desk(house, plugged, unplugged(plugged), provider_has_s=15.0)

        def nobody(_: object) -> Desk:
            raise AssertionError("the answer is a provider's")

        yield OurSite(Chat(made, f"http://127.0.0.1:{port}", token, nobody, owner), answering)


def read(reader: Reader) -> str:
    """Whatever came over the stream, in whatever event."""
    return json.dumps(reader.events, ensure_ascii=False)


def parts_read(reader: Reader) -> list[str]:
    return [words for words in reader.so_far if words]


async def test_a_streamed_answer_is_read_a_sentence_at_a_time_and_is_the_message_in_the_end(ours: OurSite) -> None:
    words = f"{DEARER} {ABROAD} That is all."
    async with aimock(calls(CHANGE), says(words, **SLOWLY)) as url:
        reader = await ours.asked(url)

    # On a busy machine two sentences are read at once; the whole is not.
    assert parts_read(reader)[0] in (DEARER, f"{DEARER} {ABROAD}")
    assert all(words.startswith(part) for part in parts_read(reader))
    assert reader.said[-1][1] == words


async def test_a_sentence_whose_claim_no_tool_returned_never_reaches_the_browser(ours: OurSite) -> None:
    invented = f"{DEARER} I have taken £25.00 off your bill. {ABROAD} That is all."
    async with aimock(calls(CHANGE), says(invented, **SLOWLY)) as url:
        reader = await ours.asked(url)

    assert DEARER in parts_read(reader)
    assert "25.00" not in read(reader)
    assert "colleague" in reader.said[-1][1]


async def test_a_claim_before_any_tool_was_asked_is_read_by_nobody(ours: OurSite) -> None:
    sure = says(f"{DEARER} {ABROAD} That is all.", **SLOWLY)
    sure["match"] = {"endpoint": "chat"}
    async with aimock(sure) as url:
        reader = await ours.asked(url)

    assert parts_read(reader) == []
    assert "£6.20" not in read(reader)


async def test_a_stream_that_is_cut_in_the_middle_of_a_sentence_is_replaced_by_a_whole_answer(ours: OurSite) -> None:
    words = f"{DEARER} {ABROAD} And something else that you will never read to its end."
    async with aimock(calls(CHANGE), says(words, **SLOWLY, truncateAfterChunks=6)) as url:
        reader = await ours.asked(url)

    assert DEARER in parts_read(reader)
    assert "And something" not in read(reader)
    assert "£6.20 more" in reader.said[-1][1]
    assert len(reader.said) == len({number for number, _ in reader.said})


@pytest.mark.parametrize(("after_s", "whose"), [(1, "the provider's"), (3600, "the rules'")])
async def test_a_provider_that_asks_for_patience_is_given_a_second_and_no_hour(ours: OurSite, after_s: int, whose: str) -> None:
    busy = {**fails(429), "match": {"endpoint": "chat", "sequenceIndex": 0}}
    busy["response"]["retryAfter"] = after_s
    words = f"{DEARER} {ABROAD} That is all."
    async with aimock(busy, calls(CHANGE), says(words)) as url:
        async with asyncio.timeout(30):
            reader = await ours.asked(url)

    answer = reader.said[-1][1]
    assert (answer == words) == (whose == "the provider's")
    assert "£6.20" in answer
