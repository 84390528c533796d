"""Translates what can happen into HTTP, once."""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from atlas.connection import AtlasUnreachable
from atlas.errors import AtlasError, Conflict, InvalidField, NotFound, NotPermitted

STATUS: dict[type[AtlasError], int] = {NotFound: 404, InvalidField: 422, Conflict: 409, NotPermitted: 403, AtlasUnreachable: 503}


def status_of(error: AtlasError) -> int:
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 400)


async def answer_with_error(_: Request, error: Exception) -> JSONResponse:
    """RFC 9457 problem details; the message of an AtlasError is safe to show."""
    assert isinstance(error, AtlasError), "registered for AtlasError only"
    body = {"title": type(error).__name__, "detail": str(error), "status": status_of(error)}
    if isinstance(error, InvalidField):
        body["field"] = error.field
    return JSONResponse(body, status_code=status_of(error), media_type="application/problem+json")


def translate_errors(app: FastAPI) -> None:
    app.add_exception_handler(AtlasError, answer_with_error)
