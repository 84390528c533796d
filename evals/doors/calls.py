"""Calls: Twilio between a caller and us, over ConversationRelay's socket or turn by turn with Gather, up to the colleague who picks up."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit
from xml.etree import ElementTree  # what is read was written by us

from agents.language import LANGUAGES
from agents.replies import HAND_OVER
from api.inbound.voice.live import voice_phrases
from evals.doors.hall import Hall, Heard
from evals.inbound.telephone import VOICE, Line, Telephone
from evals.scenario import Speaker, Turn

MOMENTS: Final = frozenset(str(voice_phrases(language)["moment"]) for language in LANGUAGES)
PICKED_UP: Final = "completed"
HEARD_OF_IT: Final = "First sent"
MOST_WAITS: Final = 5


def says(answer: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in answer.iter("Say")]


def place_of(address: str) -> tuple[str, str]:
    """Path below the door of calls, and query, of an address that we told Twilio."""
    parts = urlsplit(address)
    return parts.path.partition(VOICE)[2], parts.query


async def put_through(phone: Telephone, dial: ElementTree.Element) -> list[str]:
    """Twilio rings whom we named; they hear our word on the call, then the caller; and both hang up."""
    number = dial.find("Number")
    assert number is not None
    whisper = await posted(phone, number.attrib["url"], CallSid=phone.twilio.new_id("CA"), ParentCallSid=phone.call_id)
    over = await posted(phone, dial.attrib["action"], DialCallStatus=PICKED_UP)
    return [f"(to the colleague at {number.text}) {' '.join(says(whisper))}", *says(over)]


async def posted(phone: Telephone, address: str, **fields: str) -> ElementTree.Element:
    path, query = place_of(address)
    answer = (await phone.posts(path, query, **fields)).raise_for_status()
    return ElementTree.fromstring(answer.text)  # noqa: S314 - see above


@dataclass
class Relay:
    """A call over the socket. It is rung with the first turn, and what is heard first is the greeting."""

    hall: Hall
    stack: AsyncExitStack
    _phone: Telephone | None = field(default=None, init=False)
    _line: Line | None = field(default=None, init=False)

    async def plays(self, speaker: Speaker, turn: Turn, words: str) -> Heard:
        after = await self.hall.newest()
        greeting = await self._rung(speaker) if self._line is None else []
        phone, line = self._phone, self._line
        assert phone is not None
        assert line is not None
        if turn.does == "breaks in":
            await line.breaks_in(HEARD_OF_IT)
        if turn.does == "keys in":
            await line.presses(words)
        else:
            await line.sends("prompt", voicePrompt=words, lang="en-GB", last=True)
        said = await heard(line)
        if HAND_OVER in (await self.hall.heard_since(after, "")).tools:
            # The call is given back to Twilio after the answer that fetches somebody.
            while line.frames[-1]["type"] != "end":
                said.append(await line.hears())
        if line.frames[-1]["type"] == "end":
            ended = await posted(phone, f"{VOICE}/ended", HandoffData=line.frames[-1]["handoffData"])
            dial = ended.find("Dial")
            said += [*says(ended), *(await put_through(phone, dial) if dial is not None else [])]
        return await self.hall.heard_since(after, "\n".join([*greeting, *said]))

    async def _rung(self, speaker: Speaker) -> list[str]:
        self._phone = Telephone(self.hall.base, self.hall.twilio, await self.hall.address(speaker, "sms"))
        answered = await self._phone.rings()
        await self.stack.enter_async_context(self.hall.at_work())
        self._line = await self.stack.enter_async_context(self._phone.relayed())
        return [str(one.attrib["welcomeGreeting"]) for one in answered.iter("ConversationRelay")]


async def heard(line: Line) -> list[str]:
    """One answer, after whatever was said in the meantime: that we are looking."""
    while (words := await line.hears()) in MOMENTS:
        pass
    return [words] if words else []


@dataclass
class Gathered:
    """The same call where the operator has no relay: Twilio hears, asks us, and speaks what we answered."""

    hall: Hall
    stack: AsyncExitStack
    _phone: Telephone | None = field(default=None, init=False)
    _next: str = field(default="", init=False)

    async def plays(self, speaker: Speaker, turn: Turn, words: str) -> Heard:
        after = await self.hall.newest()
        greeting: list[str] = []
        if self._phone is None:
            self._phone = Telephone(self.hall.base, self.hall.twilio, await self.hall.address(speaker, "sms"))
            answered = await self._phone.rings()
            greeting = says(answered)
            self._next = next(answered.iter("Gather")).attrib["action"]
            await self.stack.enter_async_context(self.hall.at_work())
        fields = {"Digits": words} if turn.does == "keys in" else {"SpeechResult": words}
        said = await self._followed(await posted(self._phone, self._next, **fields))
        return await self.hall.heard_since(after, "\n".join([*greeting, *said]))

    async def _followed(self, answer: ElementTree.Element) -> list[str]:
        """What is heard until we listen again, or the call is over; Twilio asks again as often as we tell it to."""
        assert self._phone is not None
        said: list[str] = []
        for _ in range(MOST_WAITS):
            again, gather, dial = answer.find("Redirect"), answer.find("Gather"), answer.find("Dial")
            if again is None:
                break
            answer = await posted(self._phone, str(again.text))
        said += says(answer)
        if gather is not None:
            self._next = gather.attrib["action"]
        return [*said, *(await put_through(self._phone, dial) if dial is not None else [])]
