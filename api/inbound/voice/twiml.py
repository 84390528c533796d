"""Pure: what Twilio is told to do with a call, in its own words (TwiML)."""

from dataclasses import dataclass
from typing import Final

from twilio.twiml.voice_response import Connect, Dial, Gather, VoiceResponse

from api.inbound.voice.speech import SPOKEN_AS

# A pause this long ends what is said; shorter cuts people off who look for their bill.
SILENCE_S: Final = "auto"
RINGS_S: Final = 25


@dataclass(frozen=True)
class Places:
    """Where Twilio finds us: `web` is the public address of our webhooks of calls, `socket` the same for the relay."""

    web: str
    socket: str


def relayed(places: Places, greeting: str, language: str) -> str:
    """Greets, and connects the caller's words with our socket."""
    said = VoiceResponse()
    connect = Connect(action=f"{places.web}/ended")
    relay = connect.conversation_relay(
        url=f"{places.socket}/relay",
        welcome_greeting=greeting,
        language=SPOKEN_AS[language],
        dtmf_detection=True,
        interruptible="any",
        welcome_greeting_interruptible="any",
    )
    for code in SPOKEN_AS.values():
        relay.language(code=code)
    said.append(connect)
    return str(said)


def gathered(places: Places, sentences: tuple[str, ...], language: str, turn: int) -> str:
    """Speaks, and listens for what the caller says or presses next; `turn` makes a repeat of the answer one answer."""
    said = VoiceResponse()
    gather = Gather(
        input="speech dtmf",
        action=f"{places.web}/said?turn={turn}",
        language=SPOKEN_AS[language],
        speech_timeout=SILENCE_S,
        action_on_empty_result=True,
        finish_on_key="#",
    )
    for sentence in sentences:
        gather.say(sentence, language=SPOKEN_AS[language])
    said.append(gather)
    return str(said)


def waiting(places: Places, sentences: tuple[str, ...], language: str, turn: int) -> str:
    """Speaks where there is something to say, and asks us again in a moment."""
    said = VoiceResponse()
    for sentence in sentences:
        said.say(sentence, language=SPOKEN_AS[language])
    said.pause(length=1)
    said.redirect(f"{places.web}/waiting?turn={turn}", method="POST")
    return str(said)


def transferred(places: Places, sentences: tuple[str, ...], language: str, number: str) -> str:
    """Says that somebody comes, and rings them; whoever picks up hears a word on the call before the caller hears them."""
    said = VoiceResponse()
    for sentence in sentences:
        said.say(sentence, language=SPOKEN_AS[language])
    dial = Dial(timeout=RINGS_S, action=f"{places.web}/rang")
    dial.number(number, url=f"{places.web}/whisper")
    said.append(dial)
    return str(said)


def told(sentences: tuple[str, ...], language: str, *, hangs_up: bool) -> str:
    """Speaks; then the call ends, or goes on where it was."""
    said = VoiceResponse()
    for sentence in sentences:
        said.say(sentence, language=SPOKEN_AS[language])
    if hangs_up:
        said.hangup()
    return str(said)
