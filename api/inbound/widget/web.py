"""The chat on the operator's own site: a script that opens a frame of ours there, and what the frame asks.

The frame is another site's guest, so it has no cookie: it shows a token that its own script keeps. Only sites on the operator's list may
frame it.
"""

import asyncio
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Form, Header, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sse_starlette import EventSourceResponse

from agents.replies import phrases
from api.bootstrap import House
from api.inbound.widget import keeping
from api.inbound.widget.keeping import Visitor
from api.inbound.widget.stream import HEARTBEAT_S, Places, message_shown, said_on, standing_shown
from atlas.errors import InvalidField, NotFound, NotPermitted
from console.guards import ANYBODY
from console.room import Room, nonce_of
from forge.wording import LANGUAGES

HERE: Final = Path(__file__).parent
FRAME: Final = "/widget/frame"
SCRIPT: Final = "/widget/widget.js"
# Whoever asks for a code waits as long, whether or not the address is somebody's.
SAME_FOR_ALL_S: Final = 0.4
KINDS: Final = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
Words = Annotated[str, Form()]
Number = Annotated[int, Query(ge=0, le=2**62)]


class NoToken(NotPermitted):
    """No token of ours was shown."""


def origins(written: tuple[str, ...]) -> tuple[str, ...]:
    """The sites that may frame the chat. Raises InvalidField for what is not an origin: it would stand in a header."""
    for one in written:
        parts = urlsplit(one)
        if parts.scheme not in ("https", "http") or not parts.hostname or one != f"{parts.scheme}://{parts.netloc}" or not one.isascii():
            raise InvalidField("chat_origins", f"{one!r} is not an origin such as https://www.isp.example")
        if any(mark in one for mark in " ;,'\"*") or parts.username is not None:
            raise InvalidField("chat_origins", f"{one!r} is not an origin such as https://www.isp.example")
    return written


def router(house: House, room: Room) -> APIRouter:
    """Nothing of it is there where the operator has named no site."""
    routes = APIRouter(prefix="/widget", include_in_schema=False)
    if not origins(house.settings.chat_origins):
        return routes
    _add_frame(routes, house)
    _add_talk(routes, house, room)
    _add_sign_in(routes, house, room)
    return routes


def _add_frame(routes: APIRouter, house: House) -> None:
    pages = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True)

    @routes.get("/frame", dependencies=[Depends(ANYBODY)])
    async def frame(request: Request, language: str = "en") -> Response:
        """The chat as a page: inside a frame of the operator's site, or by itself."""
        spoken = language[:2].lower() if language[:2].lower() in LANGUAGES else "en"
        words = phrases(spoken)["widget"]
        page = pages.get_template("frame.html")
        return HTMLResponse(
            page.render(language=spoken, operator=house.settings.operator, words=words, nonce=nonce_of(request), shown=_shown(words))
        )

    @routes.get("/{name}.{kind}", dependencies=[Depends(ANYBODY)])
    async def asset(name: str, kind: str) -> Response:
        found = _assets().get(f"{name}.{kind}")
        if found is None:
            raise NotFound("file", f"{name}.{kind}"[:40])
        return Response(found, media_type=KINDS[f".{kind}"], headers={"Cache-Control": "public, max-age=300"})


def _shown(words: dict[str, Any]) -> dict[str, Any]:
    """What the frame's script says itself."""
    return {name: words[name] for name in ("sent", "wrong", "away", "too_much", "too_long", "signed_in")}


@cache
def _assets() -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in HERE.iterdir() if one.suffix in KINDS}


def _add_talk(routes: APIRouter, house: House, room: Room) -> None:
    places = Places()

    def shown(authorization: Annotated[str, Header()] = "") -> Visitor:
        return _visitor(house, authorization)

    @routes.post("/visits", dependencies=[Depends(room.strangers_form)])
    async def visits() -> Response:
        """A token for a browser that comes for the first time. Nothing is kept of it until it says something."""
        return JSONResponse({"token": keeping.new_token(house.atlas.secret)})

    @routes.post("/messages", dependencies=[Depends(room.strangers_form)])
    async def said(key: Annotated[UUID, Form()], words: Words = "", visitor: Visitor = Depends(shown)) -> Response:
        """`key` is the browser's own for this message: sent twice, it is one."""
        try:
            message_id = await keeping.keep_said(house, visitor, key, words)
        except keeping.TooMuchSaid as much:
            return _too_much(str(much))
        return Response(status_code=204) if message_id is None else JSONResponse({"id": message_id}, 201)

    @routes.get("/messages", dependencies=[Depends(ANYBODY)])
    async def heard(after: Number = 0, visitor: Visitor = Depends(shown)) -> Response:
        """What is new to this browser, and how things stand: for one behind a proxy that lets no stream through."""
        found = await keeping.heard_by(house, visitor, after)
        return JSONResponse({**standing_shown(found), "messages": [message_shown(one) for one in found.messages]})

    @routes.get("/live", dependencies=[Depends(ANYBODY)])
    async def live(request: Request, after: Number = 0, visitor: Visitor = Depends(shown)) -> Response:
        """What is said from `after` on, and an answer as it is made. A browser that comes again says what it has."""
        if not places.has_one_for(visitor):
            return _too_much("too many pages of this chat are open", retry_after_s=30)
        seen = request.headers.get("last-event-id", "")
        begun = int(seen) if seen.isdecimal() and len(seen) < 19 else after
        return EventSourceResponse(said_on(house, room.changes, places, visitor, begun), ping=HEARTBEAT_S)


def _add_sign_in(routes: APIRouter, house: House, room: Room) -> None:
    def shown(authorization: Annotated[str, Header()] = "") -> Visitor:
        return _visitor(house, authorization)

    @routes.post("/sign-in", dependencies=[Depends(room.strangers_form)])
    async def sign_in(address: Words = "", language: Words = "en", visitor: Visitor = Depends(shown)) -> Response:
        """Sends a code where the address is one customer's; the answer is the same, and takes as long, where it is not."""
        if not address.strip() or len(address) > 200:
            raise InvalidField("address", "a phone number or a mail address, as we have it on file")
        words = phrases(language if language in LANGUAGES else "en")["widget"]["signs_in"]
        until = asyncio.get_running_loop().time() + SAME_FOR_ALL_S
        try:
            await keeping.ask_for_code(house, visitor, uuid4(), address, str(words))
        except keeping.TooMuchSaid as much:
            return _too_much(str(much))
        await asyncio.sleep(max(0.0, until - asyncio.get_running_loop().time()))
        return Response(status_code=204)

    @routes.post("/code", dependencies=[Depends(room.strangers_form)])
    async def code(digits: Words = "", visitor: Visitor = Depends(shown)) -> Response:
        """Whether the digits are the ones that were sent."""
        typed = "".join(one for one in digits if one.isdecimal())[:12]
        return JSONResponse({"is_right": await keeping.is_right(house, visitor, typed)})


def _visitor(house: House, authorization: str) -> Visitor:
    found = keeping.visitor_of(house.atlas.secret, authorization.removeprefix("Bearer ").strip())
    if found is None:
        raise NoToken("begin a visit first")
    return found


def _too_much(detail: str, retry_after_s: int = 600) -> Response:
    body = {"title": "TooMuchSaid", "detail": detail, "status": 429}
    return JSONResponse(body, 429, {"Retry-After": str(retry_after_s)}, media_type="application/problem+json")
