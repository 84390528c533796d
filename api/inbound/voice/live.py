"""A call while it lasts: what the caller says goes into the inbox, and whatever is written for them in their conversation is spoken.

It does not matter who writes: the agents, or a member of staff who took the conversation over and types. The socket holds no state
that Atlas lacks, so that a process that dies loses the call and nothing that was said in it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

import structlog

from agents.commands import is_stop
from agents.language import language_of
from agents.replies import phrases
from api.inbound.voice import keeping, relay
from api.inbound.voice.speech import SPOKEN_AS, language_heard, sentences
from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.helpdesk.records import PhoneCall
from console.live import Changes

log = structlog.get_logger()

# Silence on a telephone is taken for a line that is dead.
MOMENT_S: Final = 2.5
LOOK_EVERY_S: Final = 0.5
# Nobody dials six digits more slowly.
KEYS_S: Final = 3.0
CODE_LENGTH: Final = 6
LONGEST_CALL_S: Final = 30 * 60.0
MOST_TURNS: Final = 120
MOST_ODD: Final = 20
PERSON: Final = "person"


class HungUp(Exception):
    """The other side closed the socket."""


class Socket(Protocol):
    """A web socket of words."""

    async def heard(self) -> str:
        """The next frame. Raises HungUp."""

    async def say(self, frame: str) -> None:
        """Raises HungUp."""


@dataclass
class LiveCall:
    """`line` is where staff are rung; empty: nobody can be put through, and a person answers later."""

    atlas: Atlas
    changes: Changes
    socket: Socket
    call: PhoneCall
    now: Callable[[], datetime]
    line: str = ""
    language: str = field(init=False)
    _keys: str = field(default="", init=False)
    _keys_at: float = field(default=0.0, init=False)
    _asked_at: float | None = field(default=None, init=False)
    _odd: int = field(default=0, init=False)
    _is_over: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.language = self.call.language

    async def hold(self) -> None:
        """Listens and speaks until either side ends the call."""
        hearing = asyncio.create_task(self._hear())
        speaking = asyncio.create_task(self._speak())
        try:
            async with asyncio.timeout(LONGEST_CALL_S):
                done, _ = await asyncio.wait({hearing, speaking}, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        except (HungUp, TimeoutError) as end:
            log.info("call_left", call_id=self.call.call_id, turns=self.call.turns, because=type(end).__name__)
        finally:
            for one in (hearing, speaking):
                one.cancel()
            await asyncio.gather(hearing, speaking, return_exceptions=True)

    async def _hear(self) -> None:
        while not self._is_over and self._odd < MOST_ODD and self.call.turns < MOST_TURNS:
            text = await self.socket.heard()
            try:
                await self._take(relay.frame(text))
            except InvalidField as odd:
                self._odd += 1
                log.warning("frame_refused", call_id=self.call.call_id, field=odd.field)

    async def _take(self, frame: relay.Frame | None) -> None:
        match frame:
            case relay.Prompt(words=words, language=heard, is_last=True):
                await self._listen_in(language_heard(heard, self.language))
                await self._asked(words)
            case relay.Pressed(key=key):
                await self._pressed(key)
            case relay.Interrupted():
                await keeping.keep_interrupted(self.atlas, self.call)
            case relay.Trouble(description=description):
                log.warning("relay_trouble", call_id=self.call.call_id, length=len(description))
            case _:
                return

    async def _asked(self, words: str) -> None:
        """What is said aloud to make us stop talking withdraws nobody's consent to be written to."""
        is_right = await keeping.try_pin(self.atlas, self.call, words)
        if is_right is not None:
            self.call = await keeping.call_of(self.atlas, self.call.provider_id)
            await self._say_phrase("pin_right" if is_right else "pin_wrong")
        elif is_stop(words):
            await self._say_phrase("stopped")
        elif not words.strip():
            await self._say_phrase("again")
        else:
            self._asked_at = asyncio.get_running_loop().time()
            turn = self.call.turns + 1
            self.call = await keeping.keep_words(self.atlas, self.call, turn, words, self.language, self.now())

    async def _pressed(self, key: str) -> None:
        self._keys_at = asyncio.get_running_loop().time()
        if key not in "#*":
            self._keys += key
        if key == "#" or len(self._keys) == CODE_LENGTH:
            await self._keys_meant()

    async def _keys_meant(self) -> None:
        keys, self._keys = self._keys, ""
        if keys:
            # Nought has rung the operator since there were operators.
            await self._asked(PERSON if keys == "0" else keys)

    async def _speak(self) -> None:
        async for _ in self.changes.stream(LOOK_EVERY_S):
            now = asyncio.get_running_loop().time()
            if self._keys and now - self._keys_at > KEYS_S:
                await self._keys_meant()
            await self._say_what_is_new()
            if self._is_over:
                return
            if self._asked_at is not None and now - self._asked_at > MOMENT_S:
                self._asked_at = None
                await self._say_phrase("moment")

    async def _say_what_is_new(self) -> None:
        said = await keeping.said_since(self.atlas, self.call)
        for message in said.messages:
            self._asked_at = None
            await self._listen_in(language_of(message.words, self.language))
            await self._say(message.words)
            self.call = await keeping.keep_spoken(self.atlas, self.call, message.message_id)
        if said.owner == "queue" and (said.messages or self._asked_at is not None):
            await self._fetch_person(is_new=bool(said.messages))

    async def _fetch_person(self, *, is_new: bool) -> None:
        """Puts the caller through where a line is known; else says that somebody will write, and keeps what is said on."""
        self._asked_at = None
        if self.line:
            self._is_over = True
            await self.socket.say(relay.ended(PERSON))
        elif not is_new:
            await self._say_phrase("kept")

    async def _listen_in(self, language: str) -> None:
        if language != self.language and language in SPOKEN_AS:
            self.language = language
            await self.socket.say(relay.listening_in(SPOKEN_AS[language]))

    async def _say_phrase(self, name: str) -> None:
        await self._say(voice_phrases(self.language)[name])

    async def _say(self, words: str) -> None:
        for frame in relay.spoken(sentences(words, said_as(self.language)), SPOKEN_AS[self.language]):
            await self.socket.say(frame)


def voice_phrases(language: str) -> Mapping[str, str]:
    """The fixed sentences of a call."""
    said: dict[str, Any] = phrases(language)["voice"]
    return said


def said_as(language: str) -> Mapping[str, str]:
    """What is written one way and spoken another, in this language."""
    return dict(phrases(language)["voice"]["said_as"])
