"""The console as one mountable set of routes: rooms, sign-in, and the stream of what changed."""

from collections.abc import AsyncIterator
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from sse_starlette import EventSourceResponse, ServerSentEvent

from console import approvals, customers, incidents, sign_in
from console.room import HEADERS, STATIC, NotSignedIn, Room

# A proxy ends a stream it hears nothing on; and a browser that went away is noticed by it.
HEARTBEAT_S: Final = 15


def add_console(app: FastAPI, room: Room) -> None:
    """Adds every room of the console to the app."""
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for part in (sign_in, incidents, approvals, customers):
        app.include_router(part.router(room))
    app.add_exception_handler(NotSignedIn, _shown_the_door)

    @app.get("/live", include_in_schema=False)
    async def live(request: Request) -> Response:
        return await _live(room, request)


async def _shown_the_door(request: Request, _: Exception) -> Response:
    if "x-region" in request.headers or request.method != "GET":
        return Response(status_code=401, headers=HEADERS)
    return RedirectResponse(f"/sign-in?to={request.url.path}", status_code=303)


async def _live(room: Room, request: Request) -> Response:
    await room.me(request)

    async def events() -> AsyncIterator[ServerSentEvent]:
        async for topics in room.changes.stream():
            yield ServerSentEvent(event="change", data=",".join(sorted(topics)))

    return EventSourceResponse(events(), ping=HEARTBEAT_S)
