"""Carries messages through Twilio: SMS and WhatsApp.

Twilio takes no idempotency key. So a message whose fate is unknown is looked for in Twilio's own list: same address, same words, made since
the notice was queued. A notice's words are for one incident and purpose, so whoever has them at that address has been told. Twilio's list
lags by seconds; the outbox asks only once a lease is over.
"""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from atlas.errors import AtlasError
from forge.outside.ports import Message, Never, NoAnswer, NotNow
from forge.wording import NoticeUnfillable, template_named

# Past this we would rather ask whether it arrived than wait.
ANSWERS_WITHIN_S: Final = 10.0
# Twilio's list goes by its own clock.
CLOCKS_DIFFER: Final = timedelta(minutes=2)
MOST_LISTED: Final = 50
TOO_MANY: Final = 429
SERVER_FAILED: Final = 500
# Our own account is the trouble (keys, permission, an empty balance): somebody sees to it, and the messages wait.
OUR_ACCOUNT: Final = frozenset({401, 403})
UNTIL_SEEN_TO: Final = timedelta(minutes=10)
# Twilio's states of a message that surely reached nobody.
NOT_SENT: Final = frozenset({"failed", "undelivered", "canceled"})
CARRIED: Final = {"sms": "", "whatsapp": "whatsapp:"}


@cache
def _trusted() -> ssl.SSLContext:
    """Whom we trust, read once: the list is long."""
    return httpx.create_ssl_context()


@dataclass(frozen=True)
class TwilioSenders:
    """The number of ours that messages of each channel come from, in E.164; None where there is none.

    `templates`: the Content SID under which WhatsApp approved each template, by its name, as in `outage.en`.
    """

    sms: str | None = None
    whatsapp: str | None = None
    templates: Mapping[str, str] = field(default_factory=dict)


class HttpxTwilioClient(AsyncHttpClient):  # type: ignore[misc]
    """How Twilio's package reaches its REST interface; at `base_url` where there is one: a proxy, or a peer that speaks its shape."""

    def __init__(self, base_url: str | None) -> None:
        super().__init__(logging.getLogger("twilio"), is_async=True, timeout=ANSWERS_WITHIN_S)
        self.base = urlsplit(base_url) if base_url else None
        self.session = httpx.AsyncClient(timeout=ANSWERS_WITHIN_S, verify=_trusted())

    async def request(
        self,
        method: str,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the package calls it so
        allow_redirects: bool = False,
    ) -> Response:
        """One call, as the package asks for it."""
        there = urlunsplit(urlsplit(url)._replace(scheme=self.base.scheme, netloc=self.base.netloc)) if self.base else url
        within = timeout or ANSWERS_WITHIN_S
        answer = await self.session.request(
            method, there, params=params, data=data, headers=headers, auth=auth, timeout=within, follow_redirects=allow_redirects
        )
        return Response(answer.status_code, answer.text, answer.headers)

    async def close(self) -> None:
        await self.session.aclose()


@dataclass(frozen=True)
class TwilioMessenger:
    """A Messenger over one Twilio account."""

    client: Client
    senders: TwilioSenders
    reports_to: str = ""

    @classmethod
    @asynccontextmanager
    async def open(
        cls, account_sid: str, auth_token: str, senders: TwilioSenders, base_url: str | None = None, reports_to: str = ""
    ) -> AsyncGenerator["TwilioMessenger", None]:
        """One session of connections, closed at the end. `base_url`: where the REST interface is, if not at Twilio's own address.

        `reports_to`: the address of ours at which Twilio says what became of each message; empty: it says nothing.
        """
        http = HttpxTwilioClient(base_url)
        try:
            yield cls(Client(account_sid, auth_token, http_client=http), senders, reports_to)
        finally:
            await http.close()

    async def send(self, message: Message) -> str:
        sender = self._sender(message)
        reports = {"status_callback": self.reports_to} if self.reports_to else {}
        async with _translated():
            made = await self.client.messages.create_async(to=_there(message), from_=sender, **self._said(message), **reports)
        return str(made.sid)

    def _said(self, message: Message) -> dict[str, str]:
        """Free words, or those of an approved template with what fills its slots, numbered as WhatsApp wants them."""
        if not message.template:
            return {"body": message.words}
        if message.template not in self.senders.templates:
            raise Never(f"WhatsApp approved no template {message.template}")
        try:
            filled = template_named(message.template).read_back(message.words)
        except NoticeUnfillable as error:
            raise Never(str(error)) from error
        slots = {str(nth): value for nth, value in enumerate(filled, start=1)}
        return {"content_sid": self.senders.templates[message.template], "content_variables": json.dumps(slots)}

    async def find(self, message: Message) -> str | None:
        self._sender(message)
        async with _translated():
            since = message.since - CLOCKS_DIFFER
            # The list knows days, not minutes; what is too old is passed over here.
            listed = await self.client.messages.list_async(to=_there(message), date_sent_after=since, limit=MOST_LISTED)
        same = (one for one in listed if one.body == message.words and one.status not in NOT_SENT and (one.date_created or since) >= since)
        return next((str(one.sid) for one in same if one.sid not in message.others), None)

    def _sender(self, message: Message) -> str:
        number = {"sms": self.senders.sms, "whatsapp": self.senders.whatsapp}.get(message.channel)
        if number is None:
            raise Never(f"no number of ours carries {message.channel}")
        return CARRIED[message.channel] + number


@asynccontextmanager
async def _translated() -> AsyncGenerator[None, None]:
    """What Twilio, or the way there, says of a call, as what it means for the message."""
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            yield
    except (TwilioRestException, TwilioServiceException) as error:
        raise meaning(int(error.status), error.code) from error
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise NotNow("Twilio cannot be reached") from error
    except (httpx.HTTPError, TimeoutError) as error:
        raise NoAnswer(f"Twilio did not answer: {type(error).__name__}") from error


def meaning(status: int, code: int | None) -> AtlasError:
    """What an HTTP status and Twilio's error code mean for the message: gone for good, later, or unknown."""
    if status >= SERVER_FAILED:
        return NoAnswer(f"Twilio failed with {status}")
    if status == TOO_MANY:
        return NotNow("too many at once")
    if status in OUR_ACCOUNT:
        return NotNow(f"Twilio refuses our account ({status}, {code})", UNTIL_SEEN_TO)
    return Never(f"Twilio refused it ({code})")


def _there(message: Message) -> str:
    return CARRIED[message.channel] + message.address
