"""`bedrock demo channels`: people write, call and type at the running platform, through its real doors, and what it says is shown."""

import asyncio
import html
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from time import perf_counter
from typing import Final
from uuid import uuid4

import httpx
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.bootstrap import House
from atlas.errors import AtlasError
from atlas.helpdesk.reads import conversation
from atlas.identity import CorrelationId, StaffId
from atlas.principal import Role, executor, in_session, staff
from atlas.staff.reads import member_by_email
from atlas.statements import Statements
from evals.inbound.bng import Bng
from evals.inbound.telephone import Telephone
from evals.inbound.twilio import Twilio
from forge.actions.helpdesk.holding import HandBackConversation, TakeConversation
from forge.approvals import approve, waiting_for
from forge.propose import propose
from forge.sign_in.sessions import begun

SQL: Final = Statements(__file__)
WATCHER: Final = executor("demo")
# What Twilio was told to call, and the key it signs with, for as long as the demo lasts.
KNOWN_AS: Final = "https://demo.example"
KEY: Final = "the demo's own key"
PASSWORD: Final = "bedrock-demo"  # noqa: S105 - it guards nothing: see evals/README.md
LOOK_EVERY_S: Final = 0.01
PATIENCE_S: Final = 30.0
ASKS_FOR_CODE: Final = "code"
CODE: Final = "{code}"
MAYA, TOM, KLAUS, ASHA = "+447700900101", "+447700900102", "+447700900109", "asha@example.com"
# Who says what. A code is what was sent to their other address meanwhile, and by telephone it is keyed in; whoever was verified within the
# hour, in an earlier run, is not asked for one. The device is one that Atlas has.
WHATSAPP: Final = ("Hi, why is my bill higher this month?", ASKS_FOR_CODE, CODE, "And how much do I owe in all?", "thank you")
SMS: Final = ("Is there an outage in Harbour Quay?", "Welche Tarife haben Sie?")
VOICE: Final = ("Hello, my internet is not working", ASKS_FOR_CODE, CODE, "Yes please", "thank you")
DEVICE: Final = "{device}"
STAFF: Final = ("Who owes us the most?", f"What depends on device {DEVICE}?", f"Restart device {DEVICE}", "What is waiting for approval?")


class NoAnswer(AtlasError):
    """The platform said nothing in time; its log says why."""


@dataclass
class Talk:
    """One conversation as it was played: how long each answer took, and whether all came."""

    channel: str
    took_s: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Kept:
    """What Atlas has of one channel: messages `heard`, how many `answered`, and the changes proposed on the way."""

    channel: str
    heard: int
    answered: int
    conversations: int
    sent_on: int
    asked_of_forge: int


@dataclass(frozen=True)
class Stage:
    here: House
    console: Console
    base: str
    began_at: datetime
    twilio: Twilio = field(default_factory=lambda: Twilio(KNOWN_AS, KEY))

    def heading(self, channel: str, who: str) -> None:
        self.console.rule(f"[bold]{channel}[/] · {who}", align="left")

    def theirs(self, words: str) -> None:
        self.console.print(Text(words, style="bold cyan"), width=72)

    def ours(self, words: str, took_s: float) -> None:
        self.console.print(Text(words), Text(f"{took_s * 1000:.0f} ms", style="dim"), sep="\n", width=88)
        self.console.print()


async def play_channels(console: Console, here: House, base: str) -> bool:
    """Plays all four; whether every message was answered. `base`: where the platform's web listens. Raises NoAnswer."""
    stage = Stage(here, console, base, here.forge.now())
    await taken_back(stage)
    talks = [
        await written(stage, "whatsapp", "Maya Thompson", "whatsapp:" + MAYA, WHATSAPP),
        await written(stage, "sms", "Tom Okafor", TOM, SMS),
        await called(stage),
        await typed(stage),
    ]
    async with here.atlas.transaction(WATCHER) as conn:
        kept = await SQL.all(conn, Kept, "kept", since=stage.began_at)
    console.print(table_of(talks, kept))
    return len(kept) == len(talks) and all(one.heard == one.answered for one in kept)


async def taken_back(stage: Stage) -> None:
    """Whoever was handed to a person in an earlier run is the agents' again, as a colleague would give them back."""
    async with stage.here.atlas.transaction(WATCHER) as conn:
        asha = await member_by_email(conn, ASHA)
        held = [await conversation(conn, one) for one in await SQL.column(conn, "held", addresses=[MAYA, TOM, KLAUS])]
    if asha is None:
        raise NoAnswer("the demo's staff is not there")
    me = staff(asha.staff_id, asha.name, frozenset(asha.roles))
    for one in held:
        for order in (
            TakeConversation(one.conversation_id, one.customer_id, one.owner, one.last_message_id),
            HandBackConversation(one.conversation_id, one.customer_id, one.last_message_id),
        ):
            await propose(stage.here.forge, me, order, reason="the demo begins anew", correlation_id=CorrelationId(uuid4()))


async def written(stage: Stage, channel: str, who: str, sender: str, lines: tuple[str, ...]) -> Talk:
    """Messages as Twilio posts them, signed; each answer as Atlas has it once it is committed."""
    stage.heading(channel, who)
    talk, address, said = Talk(channel), sender.removeprefix("whatsapp:"), ""
    async with httpx.AsyncClient(base_url=stage.base) as twilio:
        for line in lines:
            if is_needless(line, said):
                continue
            words = await code_of(stage, stage.began_at) if line == CODE else line
            stage.theirs(words)
            after, began = await newest(stage), perf_counter()
            call = stage.twilio.call(stage.twilio.message(sender, words).with_field("NumMedia", "0"))
            signed = {"content-type": call.content_type.decode(), "x-twilio-signature": call.signatures[0].decode()}
            answer = await twilio.post("/webhooks/twilio/messages", content=call.body, headers=signed)
            answer.raise_for_status()
            said = await heard_back(stage, channel, address, after)
            talk.took_s.append(perf_counter() - began)
            stage.ours(said, talk.took_s[-1])
    return talk


def is_needless(line: str, said: str) -> bool:
    """Whether a code is asked for or given that our last words did not speak of."""
    return (line == ASKS_FOR_CODE and "code" not in said.casefold()) or (line == CODE and "six digits" not in said)


async def called(stage: Stage) -> Talk:
    """A call over ConversationRelay's socket, by somebody whose session ended a minute ago and whose box does not sign in again."""
    stage.heading("voice", "Klaus Becker, by telephone")
    talk, phone, called_at = Talk("voice"), Telephone(stage.base, stage.twilio, KLAUS), stage.here.forge.now()
    bng = await Bng.of(stage.here, KLAUS)
    await bng.session_ends(await bng.session_begins())
    await phone.rings()
    said = ""
    async with phone.relayed() as line:
        for words in VOICE:
            if is_needless(words, said):
                continue
            keys = await code_of(stage, called_at) if words == CODE else ""
            stage.theirs(f"(keys in {keys})" if keys else words)
            began = perf_counter()
            if keys:
                await line.presses(keys)
            said = await line.hears() if keys else await line.says(words)
            talk.took_s.append(perf_counter() - began)
            stage.ours(said, talk.took_s[-1])
    await phone.posts("/status", CallStatus="completed")
    # The box has restarted, and signs in again.
    await bng.session_begins()
    return talk


async def typed(stage: Stage) -> Talk:
    """A colleague who signs in and types; the answers come by the console's own stream."""
    stage.heading("console", "Asha Patel, NOC lead")
    talk = Talk("console")
    async with stage.here.atlas.transaction(WATCHER) as conn:
        device = str(await SQL.value(conn, "a_device"))
    async with httpx.AsyncClient(base_url=stage.base, headers={"Accept": "text/html"}, timeout=PATIENCE_S) as browser:
        (await browser.post("/sign-in", data={"email": ASHA, "password": PASSWORD})).read()
        page = (await browser.get("/chat")).text
        token, after = found(r'name="token" value="([0-9a-f]{64})"', page), found(r'data-after="(\d+)"', page)
        async with answers_of(browser, after) as next_answer:
            for line in STAFF:
                words = line.replace(DEVICE, device)
                stage.theirs(words)
                began = perf_counter()
                form = {"words": words, "key": str(uuid4()), "token": token}
                (await browser.post("/chat", data=form, headers={"X-Form-Token": token, "Origin": stage.base})).raise_for_status()
                said = await next_answer()
                talk.took_s.append(perf_counter() - began)
                stage.ours(said, talk.took_s[-1])
    await ruled(stage)
    return talk


@dataclass(frozen=True)
class Other:
    staff_id: StaffId
    name: str
    roles: tuple[str, ...]


async def ruled(stage: Stage) -> None:
    """What the colleague asked for is approved by another whose role may."""
    async with stage.here.atlas.transaction(WATCHER) as conn:
        cards = await waiting_for(stage.here.forge, conn)
    for card in (one for one in cards if one.asked_at >= stage.began_at):
        async with stage.here.atlas.transaction(WATCHER) as conn:
            other = await SQL.one(conn, Other, "other_who_may", roles=list(card.approver_roles), asked_by=ASHA)
        person = staff(other.staff_id, other.name, frozenset(Role(role) for role in other.roles))
        approver = in_session(person, (await begun(stage.here.atlas, other.staff_id)).fingerprint)
        came_of_it = await approve(stage.here.forge, approver, card.action_id, digest_seen=card.digest, note="seen in the demo")
        asked = f"{card.reference}: {card.facts.customers} customers would go dark. {card.rule_reason.capitalize()}."
        stage.console.print(f"[yellow]{asked}[/] {person.name} approves: [green]{came_of_it.state.value}[/]", highlight=False)
        stage.console.print()


@asynccontextmanager
async def answers_of(browser: httpx.AsyncClient, after: str) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """The console's stream, read as a browser reads it: the words of each answer, without a colleague's own."""
    async with browser.stream("GET", f"/chat/live?after={after}", headers={"Accept": "text/event-stream"}) as stream:
        stream.raise_for_status()
        lines = stream.aiter_lines()

        async def next_answer() -> str:
            drawn: list[str] = []
            async with asyncio.timeout(PATIENCE_S):
                async for line in lines:
                    if line.startswith("data: "):
                        drawn.append(line.removeprefix("data: "))
                    elif not line and drawn:
                        whole, drawn = "\n".join(drawn), []
                        if '<li class="theirs"' in whole:
                            return as_read(whole)
            raise NoAnswer("the console's stream ended")

        yield next_answer


def as_read(drawn: str) -> str:
    """The words of an answer and a line for each card, without the marks."""
    blocks = [re.search(r'<p class="words">(.*?)</p>', drawn, re.DOTALL), *re.finditer(r'<a class="tile.*?</a>', drawn, re.DOTALL)]
    lines = [re.sub(r"<[^>]+>", " ", one[0]) for one in blocks if one]
    plain = [re.sub(r"[ \t]+", " ", line).strip() if at == 0 else "▸ " + " ".join(line.split()) for at, line in enumerate(lines)]
    return html.unescape("\n".join(plain))


def found(pattern: str, page: str) -> str:
    match = re.search(pattern, page)
    if match is None:
        raise NoAnswer("the console shows no chat; is the demo's staff there?")
    return match[1]


async def newest(stage: Stage) -> int:
    async with stage.here.atlas.transaction(WATCHER) as conn:
        return int(await SQL.value(conn, "newest_message"))


@dataclass(frozen=True)
class Said:
    message_id: int
    words: str
    author: str


async def heard_back(stage: Stage, channel: str, address: str, after: int) -> str:
    """Raises NoAnswer."""
    for _ in range(int(PATIENCE_S / LOOK_EVERY_S)):
        async with stage.here.atlas.transaction(WATCHER) as conn:
            said = await SQL.first(conn, Said, "said_after", channel=channel, address=address, after=after)
        if said is not None:
            return said.words
        await asyncio.sleep(LOOK_EVERY_S)
    raise NoAnswer(f"nothing was said on {channel} within {PATIENCE_S:.0f} s")


async def code_of(stage: Stage, since: datetime) -> str:
    """The six digits, read where they were sent. Raises NoAnswer."""
    for _ in range(int(PATIENCE_S / LOOK_EVERY_S)):
        async with stage.here.atlas.transaction(WATCHER) as conn:
            words = await SQL.value(conn, "code_handed_over", since=since)
        digits = re.search(r"\b\d{6}\b", words or "")
        if digits:
            return digits[0]
        await asyncio.sleep(LOOK_EVERY_S)
    raise NoAnswer("no code was sent to another address")


def table_of(talks: list[Talk], kept: list[Kept]) -> Table:
    columns = ("channel", "turns", "median answer", "slowest", "conversations", "answered in Atlas", "asked of Forge")
    shown = Table(*columns, title="Four channels")
    found_in: Mapping[str, Kept] = {one.channel: one for one in kept}
    for talk in talks:
        atlas = found_in.get(talk.channel, Kept(talk.channel, 0, 0, 0, 0, 0))
        shown.add_row(
            talk.channel,
            str(len(talk.took_s)),
            f"{median(talk.took_s) * 1000:.0f} ms",
            f"{max(talk.took_s) * 1000:.0f} ms",
            str(atlas.conversations),
            f"{atlas.answered} of {atlas.heard}",
            str(atlas.asked_of_forge),
        )
    return shown
