"""Twilio's webhooks of calls, and the socket of the relay. Both are signed; a socket is good for one call that just rang, once."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from fastapi import APIRouter, Depends, Request, Response, WebSocket, WebSocketDisconnect

from agents.commands import is_stop
from agents.language import language_of
from api.inbound.twilio.parsing import SENDER, field_of, fields_of
from api.inbound.twilio.signature import FORM, Call, Verifier
from api.inbound.twilio.web import genuine, verifier
from api.inbound.voice import keeping, relay, twiml
from api.inbound.voice.live import LOOK_EVERY_S, PERSON, HungUp, LiveCall, said_as, voice_phrases
from api.inbound.voice.speech import sentences
from api.settings import Settings
from atlas.connection import Atlas
from atlas.errors import AtlasError, InvalidField
from atlas.helpdesk.records import PhoneCall
from console.guards import BY_SIGNATURE
from console.live import Changes

log = structlog.get_logger()

SETUP_S: Final = 5.0
# A call costs a task and a few hundred octets; beyond this many another process should take them.
MOST_CALLS: Final = 500
# Twilio waits fifteen seconds for an answer, and a caller less.
ANSWER_S: Final = 6.0
POLICY_VIOLATION: Final = 1008
TRY_LATER: Final = 1013
TURN: Final = re.compile(r"\d{1,3}")
KEYS: Final = re.compile(r"[0-9*#]{0,32}")
STATUS: Final = re.compile(r"[a-z-]{2,24}")
OVER: Final = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


@dataclass
class Exchange:
    """Everything that the routes of calls need."""

    atlas: Atlas
    changes: Changes
    settings: Settings
    now: Callable[[], datetime]
    live: int = 0

    @property
    def places(self) -> twiml.Places:
        base = (self.settings.webhook_url or self.settings.public_url).rstrip("/") + "/webhooks/twilio/voice"
        return twiml.Places(base, re.sub(r"^http", "ws", base))

    def fields(self, call: Call) -> dict[str, str]:
        return fields_of(call, self.settings.twilio_account_sid)

    def words(self, name: str, language: str) -> tuple[str, ...]:
        """A fixed sentence of calls, as it is spoken."""
        return sentences(voice_phrases(language)[name].format(operator=self.settings.operator), said_as(language))


Answering = Callable[[Exchange, Request, dict[str, str]], Awaitable[Response]]


def router(atlas: Atlas, settings: Settings, now: Callable[[], datetime], changes: Changes) -> APIRouter:
    """`POST /webhooks/twilio/voice` answers a call; the rest is where Twilio comes back to, and the relay's socket."""
    exchange = Exchange(atlas, changes, settings, now)
    routes = APIRouter(prefix="/webhooks/twilio/voice", include_in_schema=False, dependencies=[Depends(BY_SIGNATURE)])
    for path, answering in ANSWERS.items():
        routes.add_api_route(path, _signed(exchange, verifier(settings), answering), methods=["POST"])
    _add_socket(routes, exchange)
    return routes


def _signed(exchange: Exchange, verified: Verifier, answering: Answering) -> Callable[[Request], Awaitable[Response]]:
    """The route that hears only what Twilio signed."""

    async def route(request: Request) -> Response:
        call = await genuine(request, verified)
        return call if isinstance(call, Response) else await answering(exchange, request, exchange.fields(call))

    return route


async def _rings(exchange: Exchange, _: Request, fields: dict[str, str]) -> Response:
    rang = await keeping.keep_call(
        exchange.atlas, field_of(fields, "CallSid", relay.CALL_ID), field_of(fields, "From", SENDER), exchange.now()
    )
    language = rang.call.language
    hello = "pin" if rang.call.staff_id is not None else "greeting_cut_off" if rang.is_cut_off else "greeting"
    greeting = exchange.words(hello, language)
    if exchange.settings.twilio_voice == "gather":
        return _xml(twiml.gathered(exchange.places, greeting, language, 1))
    return _xml(twiml.relayed(exchange.places, " ".join(greeting), language))


async def _ended(exchange: Exchange, _: Request, fields: dict[str, str]) -> Response:
    call = await _call(exchange, fields, "CallSid")
    if because(fields.get("HandoffData", "")) == PERSON and exchange.settings.twilio_voice_desk:
        return _xml(await _through(exchange, call))
    return await _over(exchange, call, "goodbye")


async def _whisper(exchange: Exchange, _: Request, fields: dict[str, str]) -> Response:
    call = await _call(exchange, fields, "ParentCallSid")
    words = voice_phrases("en")["whisper"].format(because=await keeping.because_of(exchange.atlas, call), turns=call.turns)
    return _xml(twiml.told(sentences(words, {}), "en", hangs_up=False))


async def _rang(exchange: Exchange, _: Request, fields: dict[str, str]) -> Response:
    call = await _call(exchange, fields, "CallSid")
    return await _over(exchange, call, "goodbye" if fields.get("DialCallStatus") == "completed" else "nobody")


async def _over(exchange: Exchange, call: PhoneCall, phrase: str) -> Response:
    await keeping.keep_ended(exchange.atlas, call.provider_id)
    return _xml(twiml.told(exchange.words(phrase, call.language), call.language, hangs_up=True))


async def _status(exchange: Exchange, _: Request, fields: dict[str, str]) -> Response:
    if field_of(fields, "CallStatus", STATUS) in OVER:
        await keeping.keep_ended(exchange.atlas, field_of(fields, "CallSid", relay.CALL_ID))
    return Response(status_code=204)


async def _said(exchange: Exchange, request: Request, fields: dict[str, str]) -> Response:
    """A turn of a call without the relay: Twilio heard it, asks us, and speaks the answer."""
    call = await _call(exchange, fields, "CallSid")
    turn = _turn(request)
    keys = field_of({"Digits": "", **fields}, "Digits", KEYS).rstrip("#")
    words = PERSON if keys == "0" else keys or fields.get("SpeechResult", "")[: relay.MOST_WORDS]
    if not words.strip() or is_stop(words):
        phrase = "stopped" if words.strip() else "again"
        return _xml(twiml.gathered(exchange.places, exchange.words(phrase, call.language), call.language, turn))
    is_right = await keeping.try_pin(exchange.atlas, call, words)
    if is_right is not None:
        phrase = "pin_right" if is_right else "pin_wrong"
        return _xml(twiml.gathered(exchange.places, exchange.words(phrase, call.language), call.language, turn))
    call = await keeping.keep_words(exchange.atlas, call, turn, words, language_of(words, call.language), exchange.now())
    return _xml(await _answered(exchange, call, turn))


async def _waiting(exchange: Exchange, request: Request, fields: dict[str, str]) -> Response:
    return _xml(await _answered(exchange, await _call(exchange, fields, "CallSid"), _turn(request)))


ANSWERS: Final[Mapping[str, Answering]] = {
    "": _rings,
    "/ended": _ended,
    "/whisper": _whisper,
    "/rang": _rang,
    "/status": _status,
    "/said": _said,
    "/waiting": _waiting,
}


async def _answered(exchange: Exchange, call: PhoneCall, turn: int) -> str:
    """The answer, once it is there; a word that we are looking where it takes longer."""
    said = await keeping.said_to(exchange.atlas, call, turn)
    try:
        async with asyncio.timeout(ANSWER_S):
            async for _ in exchange.changes.stream(LOOK_EVERY_S):
                said = await keeping.said_to(exchange.atlas, call, turn)
                if said.messages or said.owner != "agents":
                    break
    except TimeoutError:
        return twiml.waiting(exchange.places, exchange.words("moment", call.language), call.language, turn)
    for message in said.messages:
        await keeping.keep_spoken(exchange.atlas, call, message.message_id)
    words = tuple(part for message in said.messages for part in sentences(message.words, said_as(call.language)))
    if said.owner == "queue" and exchange.settings.twilio_voice_desk:
        return await _through(exchange, call, words)
    return twiml.gathered(exchange.places, words or exchange.words("kept", call.language), call.language, turn + 1)


async def _through(exchange: Exchange, call: PhoneCall, words: tuple[str, ...] = ()) -> str:
    """Puts the caller through to a person."""
    await keeping.keep_transferred(exchange.atlas, call)
    said = (*words, *exchange.words("transferring", call.language))
    return twiml.transferred(exchange.places, said, call.language, exchange.settings.twilio_voice_desk)


def _add_socket(routes: APIRouter, exchange: Exchange) -> None:
    verified = verifier(exchange.settings)
    sockets = Verifier(re.sub(r"^http", "ws", verified.public_url), verified.keys)

    @routes.websocket("/relay")
    async def relayed(socket: WebSocket) -> None:
        if not sockets.is_genuine(_opening(socket)):
            log.warning("webhook_refused", path=socket.url.path[:80], signatures=len(socket.headers.getlist("x-twilio-signature")))
            # Before it is accepted a close is answered as 403.
            await socket.close(POLICY_VIOLATION)
            return
        await socket.accept()
        if exchange.live >= MOST_CALLS:
            await socket.close(TRY_LATER)
            return
        exchange.live += 1
        try:
            await _held(exchange, socket)
        finally:
            exchange.live -= 1


async def _held(exchange: Exchange, socket: WebSocket) -> None:
    wire = Wire(socket)
    call = await _set_up(exchange, wire)
    if call is None:
        await socket.close(POLICY_VIOLATION)
        return
    try:
        await LiveCall(exchange.atlas, exchange.changes, wire, call, exchange.now, exchange.settings.twilio_voice_desk).hold()
    finally:
        await wire.close()


async def _set_up(exchange: Exchange, wire: "Wire") -> PhoneCall | None:
    """The call that this socket is for: one that rang here a moment ago and has no socket yet."""
    try:
        async with asyncio.timeout(SETUP_S):
            first = relay.frame(await wire.heard())
    except (TimeoutError, HungUp, InvalidField):
        return None
    account = exchange.settings.twilio_account_sid
    if not isinstance(first, relay.Setup) or (account is not None and first.account_id != account):
        return None
    return await keeping.connected(exchange.atlas, first.call_id, first.session_id)


@dataclass
class Wire:
    """A Starlette socket as a call sees it."""

    socket: WebSocket

    async def heard(self) -> str:
        """Raises HungUp."""
        try:
            return await self.socket.receive_text()
        except (WebSocketDisconnect, RuntimeError, KeyError):
            # A frame of octets, or a socket that is closed already: neither is anything that Twilio sends.
            raise HungUp from None

    async def say(self, frame: str) -> None:
        """Raises HungUp."""
        try:
            await self.socket.send_text(frame)
        except (WebSocketDisconnect, RuntimeError):
            raise HungUp from None

    async def close(self) -> None:
        try:
            await self.socket.close()
        except (WebSocketDisconnect, RuntimeError):
            return


def because(handoff: str) -> str:
    """Why the relay ended, as we said it ourselves; empty where we did not."""
    try:
        said = json.loads(handoff)
    except (ValueError, RecursionError):
        return ""
    found = said.get("because", "") if isinstance(said, dict) else ""
    return found if isinstance(found, str) else ""


def _opening(socket: WebSocket) -> Call:
    """The opening of a socket as a call: it has an address and no body."""
    signatures = tuple(value for name, value in socket.scope["headers"] if name == b"x-twilio-signature")
    raw: bytes = socket.scope.get("raw_path") or socket.scope["path"].encode()
    return Call(raw.partition(b"?")[0], socket.scope["query_string"], FORM, signatures, b"")


async def _call(exchange: Exchange, fields: dict[str, str], named_by: str) -> PhoneCall:
    """Raises InvalidField where this is no call that rang here."""
    number = field_of(fields, named_by, relay.CALL_ID)
    try:
        return await keeping.call_of(exchange.atlas, number)
    except AtlasError:
        raise InvalidField(named_by, "no call that rang here") from None


def _turn(request: Request) -> int:
    return int(field_of(dict(request.query_params), "turn", TURN))


def _xml(document: str) -> Response:
    return Response(document, media_type="text/xml")
