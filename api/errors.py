"""Translates what can happen into HTTP, once: a page for people, RFC 9457 problem details for machines, and nothing of what is inside."""

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from atlas.connection import AtlasUnreachable
from atlas.errors import AtlasError, Conflict, InvalidField, NotFound, NotPermitted
from console.room import Room
from forge.sign_in.limits import TriedTooOften

log = structlog.get_logger()

STATUS: dict[type[AtlasError], int] = {
    TriedTooOften: 429,
    NotFound: 404,
    InvalidField: 422,
    Conflict: 409,
    NotPermitted: 403,
    AtlasUnreachable: 503,
}
SAID: dict[int, str] = {404: "There is nothing here.", 405: "That is not how this is asked.", 403: "That is not yours to do."}


def status_of(error: AtlasError) -> int:
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 400)


class Errors:
    """Answers what was raised. With a room, a person's browser gets a page of the console."""

    def __init__(self, room: Room | None) -> None:
        self.room = room

    async def of_ours(self, request: Request, error: Exception) -> Response:
        """The message of an AtlasError is safe to show."""
        assert isinstance(error, AtlasError), "registered for AtlasError only"
        status = status_of(error)
        if status == HTTPStatus.FORBIDDEN:
            log.warning("refused", path=request.url.path, method=request.method, error=type(error).__name__)
        body: dict[str, Any] = {"title": type(error).__name__, "detail": str(error), "status": status}
        if isinstance(error, InvalidField):
            body["field"] = error.field
        answer = self._answer(request, body)
        if isinstance(error, TriedTooOften):
            answer.headers["Retry-After"] = str(error.wait_s)
        return answer

    async def of_the_request(self, request: Request, error: Exception) -> Response:
        """Which fields are wrong and why; never what was in them."""
        assert isinstance(error, RequestValidationError), "registered for it only"
        wrong = [{"field": ".".join(str(part) for part in one["loc"]), "reason": one["msg"]} for one in error.errors()]
        return self._answer(request, {"title": "InvalidRequest", "detail": "fields are missing or wrong", "status": 422, "fields": wrong})

    async def of_the_web(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException), "registered for it only"
        status = error.status_code
        title = HTTPStatus(status).phrase
        answer = self._answer(request, {"title": title, "detail": SAID.get(status, title), "status": status})
        answer.headers.update(error.headers or {})
        return answer

    def _answer(self, request: Request, body: dict[str, Any]) -> Response:
        if self.room is not None and "text/html" in request.headers.get("accept", ""):
            return self.room.outside("error.html", request, body["status"], title=HTTPStatus(body["status"]).phrase, detail=body["detail"])
        return JSONResponse(body, body["status"], media_type="application/problem+json")


def translate_errors(app: FastAPI, room: Room | None = None) -> None:
    errors = Errors(room)
    app.add_exception_handler(AtlasError, errors.of_ours)
    app.add_exception_handler(RequestValidationError, errors.of_the_request)
    app.add_exception_handler(HTTPException, errors.of_the_web)
