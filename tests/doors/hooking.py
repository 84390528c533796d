"""Twilio at our door: calls signed as it signs them, given to the real routes, and what came of them in Atlas."""

from typing import Any

import httpx
from fastapi import FastAPI
from psycopg import AsyncConnection
from pydantic import SecretStr

from api.errors import translate_errors
from api.inbound.twilio.signature import Call
from api.inbound.twilio.web import router
from api.settings import Settings
from atlas.connection import Atlas
from evals.inbound.twilio import ACCOUNT, Hook, Twilio
from tests.given import NOW

BASE = "https://isp.example/bedrock"
KEY = "a key that Twilio and we know"
TWILIO = Twilio(BASE, KEY)


def app_of(atlas: Atlas, **settings: Any) -> FastAPI:
    known = {"public_url": BASE, "twilio_auth_token": SecretStr(KEY), "twilio_account_sid": ACCOUNT, **settings}
    app = FastAPI()
    translate_errors(app)
    app.include_router(router(atlas, Settings().model_copy(update=known), lambda: NOW))
    return app


async def called(atlas: Atlas, call: Call, **settings: Any) -> int:
    """The status that a call is answered with."""
    headers = [(b"content-type", call.content_type), *((b"x-twilio-signature", one) for one in call.signatures)]
    transport = httpx.ASGITransport(app_of(atlas, **settings), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://inside") as client:
        url = client.base_url.copy_with(raw_path=call.path + (b"?" + call.query if call.query else b""))
        return (await client.post(url, content=call.body, headers=headers)).status_code


async def hooked(atlas: Atlas, hook: Hook) -> int:
    """Posts what Twilio would, signed."""
    return await called(atlas, TWILIO.call(hook))


async def said(atlas: Atlas, words: str, sender: str = "+447700900001") -> int:
    return await hooked(atlas, TWILIO.message(sender, words))


async def one(owner: AsyncConnection[tuple[Any, ...]], statement: str, *values: Any) -> Any:
    row = await (await owner.execute(statement.encode(), values)).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row
