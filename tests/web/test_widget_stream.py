"""An answer at the chat of the operator's site is read as it is made: grounded words only, and whatever breaks, each message once."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from agents.checkpoints import KeptInAtlas
from agents.consultation import Consultants
from agents.conversation import TurnContext
from agents.router import Router
from agents.supervisor import Graph, Supervisor
from api.answering import answer_conversation
from api.bootstrap import House
from api.chat import Desk
from api.inbound.widget.keeping import Visitor
from api.inbound.widget.stream import MOST_OF_ONE, Places
from api.listening import listening
from api.settings import Settings
from api.watching import Watching
from atlas.connection import Atlas
from atlas.identity import ConversationId, StaffId
from atlas.principal import Role, staff
from cortex.pictures import WarmTopology
from forge.switches import stop
from tests import given
from tests.agents.conftest import LONDON
from tests.conftest import SECRET
from tests.doors.hooking import one
from tests.web import chromium
from tests.web.browsing import Site, browser, site
from tests.web.test_widget import OURS, SHOP, said

FIRST, SECOND = "Your bill is 46.70.", "It was 40.50 before."
WHOLE = f"{FIRST} {SECOND}"


@dataclass
class Wording:
    """A graph that words an answer a sentence at a time, as far as the test lets it. `then`: what it says in the end, or breaks with."""

    parts: tuple[str, ...]
    then: str | Exception
    steps: asyncio.Queue[None] = field(default_factory=asyncio.Queue)

    def copy(self, _: dict[str, Any]) -> "Wording":
        return self

    async def ainvoke(self, *_: Any, context: TurnContext, **__: Any) -> dict[str, Any]:
        for count in range(1, len(self.parts) + 1):
            await self.steps.get()
            await cast(Watching, context.watcher).so_far(" ".join(self.parts[:count]))
        await self.steps.get()
        if isinstance(self.then, Exception):
            raise self.then
        reply = {"words": self.then, "modules": ("billing",), "tools": (), "proposals": (), "language": "en", "trace": {}}
        return {"reply": reply}

    def goes_on(self, steps: int = 1) -> None:
        for _ in range(steps):
            self.steps.put_nowait(None)


@dataclass
class Reader:
    """What one browser read on one connection, event by event."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def until(self, is_so: Callable[["Reader"], bool]) -> None:
        async with asyncio.timeout(20):
            while not is_so(self):  # noqa: ASYNC110 - the test looks, as an eye does
                await asyncio.sleep(0.02)

    @property
    def said(self) -> list[tuple[int, str]]:
        return [(shown["id"], shown["words"]) for kind, shown in self.events if kind == "said"]

    @property
    def so_far(self) -> list[str]:
        return [shown["so_far"] for kind, shown in self.events if kind == "now"]

    async def read(self, answer: httpx.Response) -> None:
        kind = ""
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                self.events.append((kind, json.loads(value)))


@dataclass(frozen=True)
class Chat:
    """A site that is really served, the agents behind it, and one browser's token."""

    site: Site
    url: str
    token: str
    desk: Callable[[Wording], Desk]
    owner: given.Owner

    @asynccontextmanager
    async def reading(self, after: int = 0, last_event_id: str = "") -> AsyncIterator[Reader]:
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Last-Event-ID": last_event_id} if last_event_id else {})
        reader = Reader()
        async with (
            httpx.AsyncClient(timeout=30) as client,
            client.stream("GET", f"{self.url}/widget/live", params={"after": after}, headers=headers) as answer,
        ):
            assert answer.headers["content-type"].startswith("text/event-stream")
            reads = asyncio.create_task(reader.read(answer))
            try:
                yield reader
            finally:
                reads.cancel()
                await asyncio.gather(reads, return_exceptions=True)

    async def asks(self, words: str) -> ConversationId:
        async with browser(self.site.app) as client:
            client.headers.update({**OURS, "Authorization": f"Bearer {self.token}"})
            assert (await said(client, words)).status_code == 201
        return ConversationId(await one(self.owner, "SELECT max(id) FROM helpdesk.conversation"))


@pytest.fixture
async def chat(atlas: Atlas, owner: given.Owner, database_url: str, tmp_path: Path) -> AsyncIterator[Chat]:
    made = await site(atlas, tmp_path, chat_origins=(SHOP,))
    async with KeptInAtlas.open(database_url, SECRET, most=4) as kept, listening(made.app, "127.0.0.1", 0) as port:
        async with browser(made.app) as client:
            token = (await client.post("/widget/visits", headers=OURS)).json()["token"]

        def desk(wording: Wording) -> Desk:
            return desk_of(made, kept, tmp_path, wording)

        yield Chat(made, f"http://127.0.0.1:{port}", token, desk, owner)


def desk_of(made: Site, kept: KeptInAtlas, home: Path, wording: Wording) -> Desk:
    """The agents, with this instead of a model and its tools."""

    async def nothing(*_: Any) -> Any:
        raise AssertionError("nothing is proposed")

    async def meaning(_: str) -> tuple[str, list[float]]:
        return "", []

    router = cast(Router, type("Deaf", (), {"meaning": staticmethod(meaning)})())
    worded = Supervisor(made.atlas, nothing, router, cast(Consultants, None), kept, LONDON, cast(Graph, wording))
    house = House(Settings(home=home), made.atlas, made.forge, WarmTopology(), {})
    return Desk(house, worded, worded, provider_has_s=15.0)


@asynccontextmanager
async def answered_by(desk: Desk, conversation_id: ConversationId) -> AsyncIterator[asyncio.Task[None]]:
    """The agents at work on the conversation while the block runs; finished at its end."""
    work = asyncio.create_task(answer_conversation(desk, conversation_id))
    yield work
    async with asyncio.timeout(20):
        await work


async def test_an_answer_is_read_sentence_by_sentence_and_then_once_as_a_message(chat: Chat) -> None:
    wording = Wording((FIRST, SECOND), WHOLE)

    async with chat.reading() as reader:
        talk = await chat.asks("Why is my bill higher?")
        async with answered_by(chat.desk(wording), talk):
            for words in (FIRST, WHOLE):
                wording.goes_on()
                await reader.until(lambda seen, words=words: seen.so_far[-1:] == [words])  # type: ignore[misc]
            unsaid = [words for _, words in reader.said]
            wording.goes_on()
        await reader.until(lambda seen: len(seen.said) == 2 and seen.so_far[-1] == "")

    assert unsaid == ["Why is my bill higher?"]
    assert [words for _, words in reader.said] == ["Why is my bill higher?", WHOLE]
    assert [words for words in reader.so_far if words] == [FIRST, WHOLE]


async def test_whoever_comes_back_in_the_middle_reads_on_where_the_answer_is(chat: Chat) -> None:
    wording = Wording((FIRST, SECOND), WHOLE)
    talk = await chat.asks("Why is my bill higher?")

    async with answered_by(chat.desk(wording), talk):
        wording.goes_on()
        async with chat.reading() as before:
            await before.until(lambda seen: seen.so_far[-1:] == [FIRST])
        wording.goes_on()
        async with chat.reading(last_event_id=str(before.said[-1][0])) as after:
            await after.until(lambda seen: seen.so_far[-1:] == [WHOLE])
            wording.goes_on()
            await after.until(lambda seen: bool(seen.said) and seen.said[-1][1] == WHOLE)

    shown = dict(before.said) | dict(after.said)
    assert list(shown.values()) == ["Why is my bill higher?", WHOLE]
    assert len(after.said) == len({number for number, _ in after.said})


async def test_what_was_said_while_nobody_listened_comes_first_and_once(chat: Chat) -> None:
    wording = Wording((), WHOLE)
    talk = await chat.asks("Why is my bill higher?")
    async with answered_by(chat.desk(wording), talk):
        wording.goes_on()

    async with chat.reading() as reader:
        await reader.until(lambda seen: bool(seen.so_far))

    assert [words for _, words in reader.said] == ["Why is my bill higher?", WHOLE]
    assert reader.so_far == [""]


async def test_a_message_that_was_overtaken_by_a_later_one_is_not_lost(chat: Chat, owner: given.Owner) -> None:
    await chat.asks("Why is my bill higher?")
    async with chat.reading() as reader:
        await reader.until(lambda seen: bool(seen.said))
        number = reader.said[0][0]
        # Its number was taken before the one that everybody has read already.
        await owner.execute(
            "INSERT INTO helpdesk.message (id, conversation_id, is_from_us, author, words, channel, address, at)"
            " SELECT id - 1, conversation_id, false, author, 'And since when?', channel, address, clock_timestamp() FROM helpdesk.message"
        )
        await reader.until(lambda seen: len(seen.said) == 2)

    assert reader.said == [(number, "Why is my bill higher?"), (number - 1, "And since when?")]


async def test_what_was_shown_and_then_failed_is_replaced_by_what_is_said(chat: Chat, tmp_path: Path) -> None:
    broken, rules = Wording((FIRST,), RuntimeError("the provider went away")), Wording((), "Your bill is 46.70, says our rule.")
    talk = await chat.asks("Why is my bill higher?")

    async with chat.reading() as reader:
        desk = chat.desk(broken)
        async with answered_by(replace(desk, unplugged=replace(desk.supervisor, graph=cast(Graph, rules))), talk):
            broken.goes_on()
            await reader.until(lambda seen: seen.so_far[-1:] == [FIRST])
            broken.goes_on()
            await reader.until(lambda seen: seen.so_far[-1:] == [""])
            rules.goes_on()
        await reader.until(lambda seen: len(seen.said) == 2)

    assert reader.said[-1][1] == "Your bill is 46.70, says our rule."


async def test_nothing_is_shown_of_an_answer_that_is_switched_off(chat: Chat, owner: given.Owner) -> None:
    omar = StaffId(await given.member(owner, "Omar Reyes", "noc_lead"))
    await stop(chat.site.atlas, staff(omar, "Omar Reyes", frozenset({Role.NOC_LEAD})), "action", "send_message", "it says odd things")
    wording = Wording((FIRST,), WHOLE)
    talk = await chat.asks("Why is my bill higher?")

    async with chat.reading() as reader:
        async with answered_by(chat.desk(wording), talk):
            wording.goes_on(2)
        await reader.until(lambda seen: bool(seen.so_far) and not seen.events[-1][1].get("waits", True))

    assert set(reader.so_far) == {""}


async def test_an_answer_that_is_made_for_one_browser_is_read_by_no_other(chat: Chat) -> None:
    wording = Wording((FIRST,), WHOLE)
    async with browser(chat.site.app) as client:
        other = replace(chat, token=(await client.post("/widget/visits", headers=OURS)).json()["token"])
    talk = await chat.asks("Why is my bill higher?")

    async with chat.reading() as own, other.reading() as strangers:
        async with answered_by(chat.desk(wording), talk):
            wording.goes_on()
            await own.until(lambda seen: seen.so_far[-1:] == [FIRST])
            wording.goes_on()
        await own.until(lambda seen: len(seen.said) == 2)
        await strangers.until(lambda seen: bool(seen.so_far))

    assert (strangers.said, set(strangers.so_far)) == ([], {""})


async def test_what_is_left_of_an_answer_that_was_cut_off_is_not_kept(chat: Chat, owner: given.Owner) -> None:
    wording = Wording((FIRST,), WHOLE)
    talk = await chat.asks("Why is my bill higher?")
    async with answered_by(chat.desk(wording), talk):
        wording.goes_on(2)

    assert await one(owner, "SELECT state, so_far FROM helpdesk.inbox") == ("answered", "")


async def test_a_browser_that_opens_page_after_page_is_told_to_ask_instead(chat: Chat) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(MOST_OF_ONE):
            reader = await stack.enter_async_context(chat.reading())
            await reader.until(lambda seen: bool(seen.so_far))
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {chat.token}"}) as client:
            refused = await client.get(f"{chat.url}/widget/live")
            asked = await client.get(f"{chat.url}/widget/messages")

    assert (refused.status_code, asked.status_code) == (429, 200)


def test_a_place_is_free_again_when_the_page_was_closed() -> None:
    places, visitor = Places(), Visitor("web:1")

    for _ in range(3 * MOST_OF_ONE):
        with places.taken_by(visitor):
            assert places.has_one_for(visitor)

    assert not places.taken


@pytest.mark.skipif(chromium.installed() is None, reason="NO CHROMIUM IS INSTALLED: nobody has looked at an answer as it is made")
@pytest.mark.parametrize("light", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)], ids=["phone", "laptop"])
async def test_in_a_browser_whose_network_is_lost_in_the_middle_each_message_is_read_once(
    atlas: Atlas, owner: given.Owner, database_url: str, tmp_path: Path, width: int, height: int, light: str
) -> None:
    made = await site(atlas, tmp_path / "home", chat_origins=(SHOP,))
    wording = Wording((FIRST, SECOND), WHOLE)
    async with KeptInAtlas.open(database_url, SECRET, most=4) as kept, chromium.chromium(tmp_path / "browser") as page:
        desk = desk_of(made, kept, tmp_path, wording)
        async with listening(made.app, "127.0.0.1", 0) as port:
            await page.asked("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": light}])
            await page.open(f"http://127.0.0.1:{port}/widget/frame", width, height)
            await page.run("document.querySelector('textarea').value = 'Why is my bill higher?'")
            await page.run("document.querySelector('[data-ask]').requestSubmit()")
            await page.until("document.querySelector('li.theirs:not(.waits)') !== null")
            talk = ConversationId(await one(owner, "SELECT max(id) FROM helpdesk.conversation"))
            work = asyncio.create_task(answer_conversation(desk, talk))
            wording.goes_on()
            first = await page.until("document.querySelector('[data-so-far]:not([hidden])')?.textContent")
            picture = await page.picture(tmp_path / f"so-far-{width}-{light}.png")
        wording.goes_on()
        async with listening(made.app, "127.0.0.1", port):
            await page.until(f"document.querySelector('[data-so-far]').textContent === {json.dumps(WHOLE)}")
            wording.goes_on()
            await work
            await page.until("document.querySelector('li.ours') !== null")
            heard = await page.run("[...document.querySelectorAll('li')].map((line) => line.textContent)")
            is_over = await page.until("document.querySelector('[data-so-far]').hidden && document.querySelector('[data-writing]').hidden")
            fits = await page.run("document.documentElement.scrollWidth <= window.innerWidth")

    assert (first, heard, is_over, fits) == (FIRST, ["Why is my bill higher?", WHOLE], True, True)
    assert len(picture) > 5_000
