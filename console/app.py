"""The console as one mountable set of routes: rooms, sign-in, and the stream of what changed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from sse_starlette import EventSourceResponse, ServerSentEvent

from console import (
    access,
    account,
    actions,
    approvals,
    articles,
    bills,
    catalogue,
    chat,
    customers,
    doubts,
    glass,
    inbox,
    incidents,
    leaks,
    matrix,
    orders,
    privacy,
    proving,
    sign_in,
    switches,
    tickets,
)
from console.guards import ANYBODY, guarded
from console.room import STATIC, FactorMissing, Me, NotSignedIn, PasswordGiven, ProofTooOld, Room
from console.sign_in import local
from forge.sign_in.sessions import signed_in

# A proxy ends a stream it hears nothing on; and a browser that went away is noticed by it.
HEARTBEAT_S: Final = 15
# How long a stream outlives a session that was ended elsewhere.
STILL_IN_S: Final = 10.0
PAGE: Final[dict[str, Any]] = {"content": {"text/html": {}, "application/problem+json": {}, "application/json": {}}}
# What any page may answer; a browser is shown a page, a program a problem.
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    303: {"description": "on to another page"},
    401: {"description": "nobody is signed in, or what was shown does not hold", **PAGE},
    403: {"description": "not theirs to do, or not from a page of ours", **PAGE},
    404: {"description": "there is nothing here that they may see", **PAGE},
    409: {"description": "it moved on meanwhile", **PAGE},
    422: {"description": "fields are missing or wrong", **PAGE},
    413: {"description": "more was sent than any form of ours", **PAGE},
    429: {"description": "too many tries", **PAGE},
    503: {"description": "no answer in time", **PAGE},
}
ROOMS: Final = (
    sign_in,
    proving,
    account,
    incidents,
    approvals,
    chat,
    inbox,
    customers,
    bills,
    actions,
    doubts,
    leaks,
    switches,
    access,
    privacy,
    matrix,
    orders,
    catalogue,
    glass,
    articles,
    tickets,
)


def add_console(app: FastAPI, room: Room) -> None:
    """Adds every room of the console to the app."""
    app.mount("/static", guarded(ANYBODY, StaticFiles(directory=STATIC)), name="static")
    for part in ROOMS:
        app.include_router(part.router(room), default_response_class=HTMLResponse, responses=ANSWERS)
    app.add_exception_handler(NotSignedIn, _shown_the_door)
    app.add_exception_handler(FactorMissing, _sent_to_add_one)
    app.add_exception_handler(PasswordGiven, _sent_to_change_it)
    app.add_exception_handler(ProofTooOld, _asked_again)

    @app.get("/live", include_in_schema=False)
    async def live(me: Me = Depends(room.staff)) -> Response:
        return EventSourceResponse(_changes(room, me), ping=HEARTBEAT_S)


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    body = {"title": HTTPStatus(status).phrase, "detail": detail, "status": status}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


async def _shown_the_door(request: Request, _: Exception) -> Response:
    if "x-region" in request.headers or request.method != "GET":
        return problem(401, "nobody is signed in")
    return RedirectResponse(f"/sign-in?to={local(request.url.path)}", status_code=303)


async def _sent_to_add_one(request: Request, _: Exception) -> Response:
    if "x-region" in request.headers or request.method != "GET":
        return problem(403, "a second factor is to be added first")
    return RedirectResponse("/account", status_code=303)


async def _sent_to_change_it(request: Request, _: Exception) -> Response:
    if "x-region" in request.headers or request.method != "GET":
        return problem(403, "a password of your own is to be chosen first")
    return RedirectResponse("/account", status_code=303)


def room_of(request: Request) -> str:
    """The room in which something was pressed."""
    return "/" + request.url.path.split("/")[1]


async def _asked_again(request: Request, _: Exception) -> Response:
    """Whatever was pressed on a page is pressed again after it: nothing that weighs is carried on by itself."""
    if "x-form-token" in request.headers:
        return problem(403, "who you are is to be shown again first", {"X-Prove": "/prove"})
    return RedirectResponse(f"/prove?to={room_of(request)}", status_code=303)


async def _changes(room: Room, me: Me) -> AsyncIterator[ServerSentEvent]:
    """What changed, for as long as the session that asked is in; the browser asks again with what it holds by then."""
    loop = asyncio.get_running_loop()
    checked_at = loop.time()
    async for topics in room.changes.stream(STILL_IN_S):
        if loop.time() - checked_at >= STILL_IN_S:
            checked_at = loop.time()
            if await signed_in(room.forge.atlas, me.token) is None:
                return
        if topics:
            yield ServerSentEvent(event="change", data=",".join(sorted(topics)))
