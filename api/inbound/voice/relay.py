"""Pure: the frames of Twilio's ConversationRelay, as both sides write them.

https://www.twilio.com/docs/voice/conversationrelay/websocket-messages. Twilio hears and speaks; what passes here is words.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from atlas.errors import InvalidField

CALL_ID: Final = re.compile(r"CA[0-9a-f]{32}")
SESSION_ID: Final = re.compile(r"VX[0-9a-f]{32}")
KEY: Final = re.compile(r"[0-9*#]")
# Somebody who speaks for ten minutes without a breath; nothing that is said in a call is longer.
MOST_WORDS: Final = 10_000


@dataclass(frozen=True)
class Setup:
    """The call is connected. Everything else of it is known from the call itself, which was signed."""

    call_id: str
    session_id: str
    account_id: str


@dataclass(frozen=True)
class Prompt:
    """What the caller said. `is_last` False: they are still speaking. `language` as Twilio heard it, like `en-GB`."""

    words: str
    language: str
    is_last: bool


@dataclass(frozen=True)
class Pressed:
    """One key of the telephone."""

    key: str


@dataclass(frozen=True)
class Interrupted:
    """The caller spoke while we did, and heard this much of it."""

    heard: str


@dataclass(frozen=True)
class Trouble:
    """Twilio's own word on something that went wrong."""

    description: str


Frame = Setup | Prompt | Pressed | Interrupted | Trouble


def frame(text: str) -> Frame | None:
    """What Twilio says; None for a kind that nobody knew when this was written. Raises InvalidField, naming the field."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidField("frame", "not JSON") from None
    if not isinstance(said, dict):
        raise InvalidField("frame", "not an object")
    reading = _READINGS.get(_text(said, "type"))
    return reading(said) if reading else None


def _setup(said: dict[str, Any]) -> Setup:
    return Setup(_shaped(said, "callSid", CALL_ID), _shaped(said, "sessionId", SESSION_ID), _text(said, "accountSid"))


def _prompt(said: dict[str, Any]) -> Prompt:
    return Prompt(_text(said, "voicePrompt")[:MOST_WORDS], _text(said, "lang")[:20], said.get("last", True) is True)


def _pressed(said: dict[str, Any]) -> Pressed:
    return Pressed(_shaped(said, "digit", KEY))


def _interrupted(said: dict[str, Any]) -> Interrupted:
    return Interrupted(_text(said, "utteranceUntilInterrupt")[:MOST_WORDS])


def _trouble(said: dict[str, Any]) -> Trouble:
    return Trouble(_text(said, "description")[:500])


_READINGS: Final[Mapping[str, Callable[[dict[str, Any]], Frame]]] = {
    "setup": _setup,
    "prompt": _prompt,
    "dtmf": _pressed,
    "interrupt": _interrupted,
    "error": _trouble,
}


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name, "")
    # Half a surrogate pair is legal JSON and no character.
    if not isinstance(value, str) or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise InvalidField(name, "not a text")
    return value


def _shaped(said: dict[str, Any], name: str, shape: re.Pattern[str]) -> str:
    value = _text(said, name)
    if not shape.fullmatch(value):
        raise InvalidField(name, "missing, or not of the shape that Twilio writes")
    return value


def spoken(sentences: tuple[str, ...], language: str) -> list[str]:
    """Frames that say these sentences one after the other; the caller may break in at any of them."""
    return [
        json.dumps({"type": "text", "token": sentence, "last": at == len(sentences), "lang": language, "interruptible": True})
        for at, sentence in enumerate(sentences, start=1)
    ]


def listening_in(language: str) -> str:
    """The frame that has Twilio hear and speak another language from here on."""
    return json.dumps({"type": "language", "ttsLanguage": language, "transcriptionLanguage": language})


def ended(because: str) -> str:
    """The frame that gives the call back to Twilio, which asks us what to do with it and brings `because` along."""
    return json.dumps({"type": "end", "handoffData": json.dumps({"because": because})})
