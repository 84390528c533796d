"""What the HTTP doors share: who may come in, how much at once, and what each outcome is called."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec
from fastapi import Request, Response

from api.inbound.batch import AlarmIntake, IntakeFull, NotYetSafe
from api.inbound.reading import Reading
from api.inbound.sources import bearer_is_valid
from forge.api_tokens import Keyring, Scope

Clock = Callable[[], datetime]

# A thousand alarms at their longest; what is bigger is not a batch but an attempt to fill our memory.
LONGEST_BODY: Final = 4 * 1024 * 1024
RETRY_AFTER_S: Final = "2"
FIELD: Final = "$"


class TooLong(ValueError):
    """The body is longer than any honest batch."""


class ItemWrong(msgspec.Struct, frozen=True):
    """One rejected item of a batch: its place, the field (JSON path without `$.`) and what is wrong with it."""

    index: int
    field: str
    reason: str


class Outcome(msgspec.Struct, frozen=True):
    """What became of a batch: how many items are safe, and which are not, with why."""

    accepted: int
    rejected: list[ItemWrong]


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """TMF630's Error."""

    code: str
    reason: str
    message: str = ""
    status: str = ""


def answered(status: int, body: msgspec.Struct, **headers: str) -> Response:
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")


def refused(status: int, reason: str, message: str = "", **headers: str) -> Response:
    return answered(status, Problem(str(status), reason, message, str(status)), **headers)


async def unauthorised(request: Request, token: str, keys: Keyring | None = None) -> Response | None:
    """The refusal for a caller with neither the operator's token nor a key for alarms; None where it may come in."""
    shown = request.headers.get("authorization")
    if bearer_is_valid(shown, token):
        return None
    holder = await keys.holder(shown) if keys is not None else None
    if holder is not None and Scope.ALARMS_WRITE.value in holder.scopes:
        return None
    return refused(401, "a valid bearer token is required", **{"www-authenticate": "Bearer"})


async def body_of(request: Request) -> bytes:
    """The whole body. Raises TooLong before more than the limit is in memory."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise TooLong(f"a body may have {LONGEST_BODY} octets")
    return bytes(body)


async def kept(intake: AlarmIntake, reading: Reading) -> Response | None:
    """Waits until a reading is committed; the refusal where it is not."""
    try:
        await intake.take(reading)
    except IntakeFull as full:
        return refused(503, "nothing was taken; send it again", str(full), **{"retry-after": RETRY_AFTER_S})
    except NotYetSafe as late:
        return refused(503, "not safe yet; send it again, repeats do no harm", str(late), **{"retry-after": RETRY_AFTER_S})
    return None


def item_wrong(index: int, error: msgspec.ValidationError | msgspec.DecodeError) -> ItemWrong:
    """msgspec's sentence taken apart: which field, and why."""
    reason, _, path = str(error).partition(" - at `")
    field = path.rstrip("`").removeprefix("$").removeprefix(".")
    if not field and "required field `" in reason:
        field = reason.split("`")[1]
    return ItemWrong(index, field, reason)
