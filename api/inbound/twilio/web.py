"""Twilio's two webhooks: messages that people wrote, and what became of ours. Answered once what they say is committed, never before."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import psycopg
import structlog
from fastapi import APIRouter, Depends, Request, Response

from api.inbound.twilio import parsing
from api.inbound.twilio.keeping import keep_message, keep_status
from api.inbound.twilio.signature import Call, Verifier
from api.settings import Settings, value_of
from atlas.connection import Atlas
from console.guards import BY_SIGNATURE

log = structlog.get_logger()

# A message has at most 1,600 characters and ten pictures' addresses; each letter may be six octets of an escaped form.
MOST_BODY: Final = 64 * 1024
MOST_ADDRESS: Final = 8 * 1024
DONE: Final = 204
REFUSED: Final = 403
TOO_LARGE: Final = 413
LATER: Final = 503


class TooLarge(Exception):
    """More than any message of Twilio's holds: the rest is not even read."""


def verifier(settings: Settings) -> Verifier:
    """Without a key or an address nothing is genuine."""
    keys = (value_of(settings.twilio_auth_token), value_of(settings.twilio_secondary_auth_token))
    known = tuple(key.encode() for key in keys if key)
    address = settings.webhook_url or settings.public_url
    return Verifier(address, known if address else ())


def router(atlas: Atlas, settings: Settings, now: Callable[[], datetime]) -> APIRouter:
    """`POST /webhooks/twilio/messages` and `/status`; with a slash at the end too, for a redirect would lose the signature."""
    routes = APIRouter(prefix="/webhooks/twilio", include_in_schema=False, dependencies=[Depends(BY_SIGNATURE)])
    verified, account = verifier(settings), settings.twilio_account_sid

    @routes.post("/messages", status_code=DONE)
    @routes.post("/messages/", status_code=DONE)
    async def messages(request: Request) -> Response:
        call = await genuine(request, verified)
        if isinstance(call, Response):
            return call
        heard = parsing.message(call, account)
        return await _kept(lambda: keep_message(atlas, heard, now()))

    @routes.post("/status", status_code=DONE)
    @routes.post("/status/", status_code=DONE)
    async def status(request: Request) -> Response:
        call = await genuine(request, verified)
        if isinstance(call, Response):
            return call
        became = parsing.status(call, account)
        return await _kept(lambda: keep_status(atlas, became))

    return routes


async def _kept(keep: Callable[[], Awaitable[bool]]) -> Response:
    """Done, new or not; 503 where Atlas does not answer, and Twilio delivers it again."""
    try:
        await keep()
    except (psycopg.OperationalError, TimeoutError) as error:
        log.warning("webhook_not_kept", error=type(error).__name__)
        return Response(status_code=LATER, headers={"Retry-After": "5"})
    return Response(status_code=DONE)


async def genuine(request: Request, verified: Verifier) -> Call | Response:
    """The call, or the answer to one that is not Twilio's."""
    try:
        call = await _call(request)
    except TooLarge:
        return Response(status_code=TOO_LARGE)
    if not verified.is_genuine(call):
        # By address and number only: what is not genuine says nothing that is worth keeping.
        log.warning("webhook_refused", path=request.scope["path"][:80], signatures=len(call.signatures), octets=len(call.body))
        return Response(status_code=REFUSED)
    return call


async def _call(request: Request) -> Call:
    """The call in its raw octets. Raises TooLarge before more than the cap is in memory."""
    scope = request.scope
    if len(scope["raw_path"]) + len(scope["query_string"]) > MOST_ADDRESS:
        raise TooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY:
            raise TooLarge
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    types = [value for name, value in headers if name == b"content-type"]
    signatures = tuple(value for name, value in headers if name == b"x-twilio-signature")
    return Call(scope["raw_path"], scope["query_string"], types[0] if len(types) == 1 else b"", signatures, bytes(body))
