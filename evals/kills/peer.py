"""The world outside, on loopback: it counts every effect, answers who asks what became of one, and kills whoever calls it, when told to.

It never merges two effects into one, whatever key they carry: a doubled call is a doubled effect. With keys it answers questions by
key; without, only by content, as Twilio does. Each request is two moments at which the caller may die: when it arrived, and when it was
done but not answered.
"""

import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from api.listening import listening

ACCOUNT: Final = "ACkills"
TWILIO: Final = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


@dataclass(frozen=True)
class Effect:
    reference: str
    key: str
    content: str
    at: datetime


@dataclass
class Peer:
    """`victim` is killed at moment `kill_at`, counted from 0 since `watch`; `refuses` are contents' beginnings that it will not do."""

    effects: list[Effect] = field(default_factory=list)
    refuses: tuple[str, ...] = ()
    victim: int = 0
    kill_at: int = -1
    moments: int = 0

    def watch(self, victim: int, kill_at: int) -> None:
        self.victim, self.kill_at, self.moments = victim, kill_at, 0

    def times(self, content: str) -> int:
        return Counter(one.content for one in self.effects)[content]

    def after(self, count: int) -> list[str]:
        """The contents of what was done since there were `count` effects, in order."""
        return [one.content for one in self.effects[count:]]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        """The port it listens on while the block runs."""
        app = FastAPI(openapi_url=None)
        app.add_api_route("/effects", self.take, methods=["POST"])
        app.add_api_route("/effects", self.known, methods=["GET"])
        app.add_api_route(TWILIO, self.carry, methods=["POST"])
        app.add_api_route(TWILIO, self.carried, methods=["GET"])
        async with listening(app, "127.0.0.1", 0) as port:
            yield port

    async def take(self, request: Request) -> Response:
        asked = await request.json()
        if self._is_dead():
            return Response(status_code=500)
        if asked["content"].startswith(self.refuses) and self.refuses:
            self._is_dead()
            return JSONResponse({"why": "refused"}, status_code=409)
        reference = self._done(asked["key"], asked["content"])
        self._is_dead()
        return JSONResponse({"reference": reference})

    async def known(self, request: Request) -> Response:
        if self._is_dead():
            return Response(status_code=500)
        wanted = request.query_params
        found = [one.reference for one in self.effects if one.key == wanted.get("key") or one.content == wanted.get("content")]
        self._is_dead()
        return JSONResponse({"references": found})

    async def carry(self, request: Request) -> Response:
        form = await request.form()
        if self._is_dead():
            return Response(status_code=500)
        reference = self._done("", f"{form['To']} {form['Body']}")
        self._is_dead()
        return JSONResponse(_as_twilio(self.effects[-1], reference), status_code=201)

    async def carried(self, request: Request) -> Response:
        if self._is_dead():
            return Response(status_code=500)
        to = request.query_params.get("To", "")
        found = [_as_twilio(one, one.reference) for one in reversed(self.effects) if one.content.startswith(f"{to} ")]
        self._is_dead()
        return JSONResponse({"messages": found, "next_page_uri": None, "page": 0, "page_size": 50})

    def _done(self, key: str, content: str) -> str:
        reference = f"SM{len(self.effects):032x}"
        self.effects.append(Effect(reference, key, content, datetime.now(UTC)))
        return reference

    def _is_dead(self) -> bool:
        """One moment passes; whether the caller died at it."""
        is_now = self.moments == self.kill_at
        self.moments += 1
        if is_now:
            os.kill(self.victim, signal.SIGKILL)
        return is_now


def _as_twilio(one: Effect, reference: str) -> dict[str, Any]:
    to, _, words = one.content.partition(" ")
    return {"sid": reference, "to": to, "from": "", "body": words, "status": "sent", "date_created": format_datetime(one.at)}
