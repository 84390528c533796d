"""Behind the doors: the web app, the mailbox and the mail server of one scene, and the agents at work on whatever comes in by them."""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from agents.start import unplugged
from api.answering import answer_conversation
from api.app import web_app
from api.bootstrap import House, outside_world
from api.chat import Desk
from api.listening import listening
from api.settings import Settings
from atlas.errors import AtlasError
from atlas.identity import ConversationId
from atlas.principal import executor
from atlas.statements import Connection, Statements
from cortex.pictures import WarmTopology
from evals.inbound.mail_server import MailPeer
from evals.inbound.mailbox import BoxPeer
from evals.inbound.twilio import Twilio
from evals.scenario import Scenario, Speaker, Turn
from evals.stage import Scene
from evals.world.plan import world
from forge.outbox import drain
from forge.outside.ports import Messenger

SQL: Final = Statements(__file__)
WATCHER: Final = executor("evals")
# What Twilio was told to call, and the key it signs with.
KNOWN_AS: Final = "https://harbour.example"
KEY: Final = "the scenarios' own key"
OUR_MAIL: Final = "help@harbour.example"
CHECKED_BY: Final = "mx.harbour.example"
SHOP: Final = "https://www.harbour.example"
VOICE_DESK: Final = "+442079460000"
# Nobody's: a number of the drama range that none of the world's people has, and a mailbox.
UNKNOWN: Final = {"sms": "+447700900998", "email": "somebody@elsewhere.example"}
LOOK_EVERY_S: Final = 0.02
CODE: Final = re.compile(r"\b\d{6}\b")


class NobodyThere(AtlasError):
    """A scenario speaks of an address or of digits that the world does not have."""


@dataclass(frozen=True)
class Heard:
    """What came back by the door, and what the agents noted of how they came to it."""

    words: str
    tools: tuple[str, ...]
    modules: tuple[str, ...]
    trace: dict[str, Any]


@dataclass
class Hall:
    """`base` is where the web listens. `outgoing` keeps the letters that left us; `box` those that lie there for us."""

    here: Scene
    house: House
    desk: Desk
    base: str
    messenger: Messenger
    outgoing: MailPeer
    box: BoxPeer
    twilio: Twilio = field(default_factory=lambda: Twilio(KNOWN_AS, KEY))
    digits: str = ""

    async def settle(self) -> None:
        """The agents answer whatever waits, as their process does, until nothing does."""
        while left := await self._left():
            for conversation_id in left:
                await answer_conversation(self.desk, conversation_id)

    async def _left(self) -> list[ConversationId]:
        async with self.owner() as conn:
            return [ConversationId(one) for one in await SQL.column(conn, "left_to_answer")]

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """The agents answer beside the block, for a door at which somebody waits meanwhile."""

        async def on_and_on() -> None:
            while True:
                await self.settle()
                await asyncio.sleep(LOOK_EVERY_S)

        working = asyncio.create_task(on_and_on())
        try:
            yield
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[Connection]:
        # The queue's own triggers name its tables without their schema.
        async with await Connection.connect(self.here.url, autocommit=True, options="-c search_path=jobs,public") as conn:
            yield conn

    async def newest(self) -> int:
        async with self.owner() as conn:
            return int(await SQL.value(conn, "newest_message"))

    async def heard_since(self, after: int, words: str) -> Heard:
        """`words` as they were read or heard, with the traces of the answers that Atlas has since."""
        async with self.owner() as conn:
            traces = await SQL.column(conn, "traces_since", after=after)
        answers = [one for trace in traces for one in (trace or {}).get("answers", ())]
        tools = tuple(tool["name"] for one in answers for tool in one["tools"])
        return Heard(words, tools, tuple(one["module"] for one in answers), traces[-1] if traces else {})

    async def written(self, turn: Turn) -> str:
        """The words with the digits that were sent in them. Raises NobodyThere where none were."""
        if "{code}" not in turn.words and "{wrong code}" not in turn.words:
            return turn.words
        digits = await self._code()
        return turn.words.replace("{code}", digits).replace("{wrong code}", f"{(int(digits) + 1) % 10**6:06}")

    async def _code(self) -> str:
        """The newest digits, read where they went: a telephone or a mailbox."""
        letters = len(self.outgoing.letters)
        await self.sent()
        async with self.owner() as conn:
            texted = CODE.search(str(await SQL.value(conn, "code_texted") or ""))
        mailed = [CODE.search(one.get_content()) for one in self.outgoing.read[letters:]]
        found = next((one[0] for one in reversed(mailed) if one), texted[0] if texted else self.digits)
        if not found:
            raise NobodyThere("no code was sent")
        self.digits = found
        return found

    async def sent(self) -> None:
        """What is due leaves: letters by our mail server, everything else by the recorded carrier."""
        await drain(self.here.atlas, self.messenger)

    async def address(self, speaker: Speaker, channel: str) -> str:
        """Raises NobodyThere."""
        phone = next((one.phone for one in world(speaker.world).personas if one.key == speaker.customer), UNKNOWN[channel])
        if channel == "sms" or not speaker.customer:
            return phone
        async with self.owner() as conn:
            found = await SQL.value(conn, "address_on_file", channel=channel, phone=phone)
        if found is None:
            raise NobodyThere(f"{speaker.customer} has no {channel} on file")
        return str(found)


@asynccontextmanager
async def hall(here: Scene, scenario: Scenario) -> AsyncIterator[Hall]:
    """The house with its doors open, while the block runs."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bedrock-doors-")))
        outgoing, box = MailPeer(offers_tls=False), BoxPeer()
        await stack.enter_async_context(outgoing.listening())
        await stack.enter_async_context(box.listening())
        settings = Settings(home=home).model_copy(update=settings_of(scenario, outgoing.port))
        house = House(settings, here.atlas, here.forge, WarmTopology(), {})
        messenger, _ = await stack.enter_async_context(outside_world(house))
        port = await stack.enter_async_context(listening(web_app(house), settings.host, 0))
        plugged = here.supervisor
        without = unplugged(plugged) if here.has_provider else plugged
        yield Hall(here, house, Desk(house, plugged, without), f"http://{settings.host}:{port}", messenger, outgoing, box)


def settings_of(scenario: Scenario, mail_port: int) -> dict[str, Any]:
    """What an operator sets who has all of these doors; calls are gathered where the scenario says so."""
    return {
        "public_url": "",
        "webhook_url": KNOWN_AS,
        "twilio_auth_token": SecretStr(KEY),
        "twilio_secondary_auth_token": None,
        # Of Twilio only its calls to us are played: what we send is recorded.
        "twilio_account_sid": None,
        "twilio_voice": "gather" if "gather" in scenario.doors else "relay",
        "twilio_voice_desk": VOICE_DESK,
        "chat_origins": (SHOP,),
        "smtp_host": "127.0.0.1",
        "smtp_port": mail_port,
        "smtp_security": "none",
        "smtp_user": "",
        "mail_address": OUR_MAIL,
        "mail_checked_by": CHECKED_BY,
        "openai_api_key": None,
        "snmp_read_community": None,
        "management_networks": (),
        "stripe_api_key": None,
    }
