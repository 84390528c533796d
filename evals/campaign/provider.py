"""A message provider of Twilio's shape on loopback, which keeps what it was handed: what left the house, as the world saw it."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from api.listening import listening

ACCOUNT: Final = "AC" + 31 * "0" + "1"
TOKEN: Final = "the provider's own"  # noqa: S105
SMS_FROM: Final = "+447700900001"
WHATSAPP_FROM: Final = "+447700900002"
PATH: Final = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


@dataclass(frozen=True)
class Carried:
    """One message that was handed over."""

    sid: str
    to: str
    sender: str
    words: str
    at: datetime


@dataclass
class Provider:
    """Takes every message, at once or after a while, and lists them as Twilio does. It knows no key: twice handed over is twice told."""

    carried: list[Carried] = field(default_factory=list)
    slow_s: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - delays to be repeated, not a secret

    @property
    def told(self) -> Counter[tuple[str, str]]:
        """How often each address was told the same words."""
        return Counter((one.to, one.words) for one in self.carried)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        """The port it listens on while the block runs."""
        async with listening(self.app(), "127.0.0.1", 0) as port:
            yield port

    def app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)
        app.add_api_route(PATH, self.take, methods=["POST"])
        app.add_api_route(PATH, self.listed, methods=["GET"])
        return app

    async def take(self, request: Request) -> Response:
        form = await request.form()
        if self.slow_s:
            await asyncio.sleep(self.slow_s * self.chance.uniform(0, 2))
        sid = f"SM{len(self.carried):032x}"
        one = Carried(sid, str(form["To"]), str(form.get("From", "")), str(form["Body"]), datetime.now(UTC))
        self.carried.append(one)
        return JSONResponse(as_twilio(one), status_code=201)

    async def listed(self, request: Request) -> Response:
        asked = request.query_params
        since = day_of(asked.get("DateSent>") or asked.get("DateSentAfter"))
        found = [one for one in reversed(self.carried) if one.to == asked.get("To", one.to) and one.at >= since]
        return JSONResponse({"messages": [as_twilio(one) for one in found], "next_page_uri": None, "page": 0, "page_size": 50})


def day_of(written: str | None) -> datetime:
    """Twilio filters by days; a moment counts as its day."""
    moment = datetime.fromisoformat(written) if written else datetime(2000, 1, 1, tzinfo=UTC)
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)


def as_twilio(one: Carried) -> dict[str, Any]:
    at = format_datetime(one.at)
    return {
        "sid": one.sid,
        "account_sid": ACCOUNT,
        "to": one.to,
        "from": one.sender,
        "body": one.words,
        "status": "sent",
        "direction": "outbound-api",
        "date_created": at,
        "date_sent": at,
        "date_updated": at,
        "error_code": None,
        "error_message": None,
        "num_segments": "1",
        "num_media": "0",
        "price": None,
        "price_unit": "GBP",
        "messaging_service_sid": None,
        "api_version": "2010-04-01",
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{one.sid}.json",
        "subresource_uris": {},
    }
