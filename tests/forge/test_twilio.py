"""The real adapter on the wire, against a peer on loopback that speaks Twilio's REST shape."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from forge.outside.ports import Message, Never, NoAnswer, NotNow
from forge.outside.twilio import TwilioMessenger, TwilioSenders, meaning
from forge.wording import worded

ACCOUNT = "AC" + "0" * 32
REPORTS = "https://isp.example/webhooks/twilio/status"
SINCE = datetime.now(UTC)


@dataclass
class Peer:
    """Keeps messages as Twilio would; `trouble` is the next answer instead, and `deaf` takes a message and hangs up."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    trouble: tuple[int, int] | None = None
    is_deaf: bool = False
    authorisations: list[str | None] = field(default_factory=list)

    async def create(self, request: web.Request) -> web.Response:
        self.authorisations.append(request.headers.get("Authorization"))
        if self.trouble is not None:
            status, code = self.trouble
            return web.json_response({"code": code, "message": "no", "more_info": "", "status": status}, status=status)
        form = await request.post()
        made = {
            "sid": f"SM{len(self.messages):032x}",
            "to": form["To"],
            "from": form["From"],
            "body": form.get("Body", ""),
            "content": (form.get("ContentSid"), form.get("ContentVariables")),
            "status": "queued",
            "reports_to": form.get("StatusCallback"),
            "date_created": format_datetime(datetime.now(UTC)),
        }
        self.messages.append(made)
        if self.is_deaf and request.transport is not None:
            request.transport.close()
        return web.json_response(made, status=201)

    async def listed(self, request: web.Request) -> web.Response:
        wanted = [made for made in reversed(self.messages) if made["to"] == request.query.get("To")]
        return web.json_response({"messages": wanted, "page": 0, "page_size": 50, "next_page_uri": None, "uri": request.path})


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture
async def messenger(peer: Peer) -> AsyncIterator[TwilioMessenger]:
    app = web.Application()
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    app.add_routes([web.post(path, peer.create), web.get(path, peer.listed)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    senders = TwilioSenders("+447700900100", "+447700900200", {"credit.en": "HX1"})
    async with TwilioMessenger.open(ACCOUNT, "secret", senders, f"http://127.0.0.1:{port}", REPORTS) as opened:
        yield opened
    await runner.cleanup()


def message(channel: str = "sms", words: str = "It is down.", since: datetime = SINCE) -> Message:
    return Message("incident:1:outage:7", channel, "+447700900001", words, since)


async def test_an_sms_leaves_from_our_number_in_its_exact_words(messenger: TwilioMessenger, peer: Peer) -> None:
    reference = await messenger.send(message(words="आपका इंटरनेट & café + 100%"))

    (sent,) = peer.messages
    assert (reference, sent["to"], sent["from"]) == (sent["sid"], "+447700900001", "+447700900100")
    assert sent["body"] == "आपका इंटरनेट & café + 100%"


async def test_twilio_is_told_where_to_say_what_became_of_it(messenger: TwilioMessenger, peer: Peer) -> None:
    await messenger.send(message())

    assert peer.messages[0]["reports_to"] == REPORTS


async def test_a_whatsapp_message_is_addressed_as_one(messenger: TwilioMessenger, peer: Peer) -> None:
    await messenger.send(message("whatsapp"))

    assert (peer.messages[0]["to"], peer.messages[0]["from"]) == ("whatsapp:+447700900001", "whatsapp:+447700900200")


async def test_where_only_approved_words_may_go_the_template_goes_with_what_fills_its_slots(messenger: TwilioMessenger, peer: Peer) -> None:
    words = worded("credit", "en", {"amount": "£5.00", "day": "02/03/2026"})

    await messenger.send(replace(message("whatsapp", words), template="credit.en"))

    assert peer.messages[0]["content"] == ("HX1", '{"1": "\\u00a35.00", "2": "02/03/2026"}')


@pytest.mark.parametrize(("template", "words"), [("outage.en", "It is down."), ("credit.en", "Buy more!")])
async def test_words_that_nobody_approved_never_leave_as_a_template(
    messenger: TwilioMessenger, peer: Peer, template: str, words: str
) -> None:
    with pytest.raises(Never):
        await messenger.send(replace(message("whatsapp", words), template=template))

    assert peer.messages == []


async def test_a_message_that_is_known_to_be_anothers_is_not_taken_for_this_one(messenger: TwilioMessenger, peer: Peer) -> None:
    first, second = await messenger.send(message()), await messenger.send(message())

    found = [await messenger.find(replace(message(), others=others)) for others in ((), (second,), (first, second))]
    assert found == [second, first, None]


async def test_the_account_is_named_with_every_call(messenger: TwilioMessenger, peer: Peer) -> None:
    await messenger.send(message())

    assert (peer.authorisations[0] or "").startswith("Basic ")


async def test_a_message_whose_answer_was_lost_is_found_again(messenger: TwilioMessenger, peer: Peer) -> None:
    peer.is_deaf = True
    with pytest.raises(NoAnswer):
        await messenger.send(message())

    assert await messenger.find(message()) == peer.messages[0]["sid"]


async def test_a_message_that_was_never_taken_is_not_found(messenger: TwilioMessenger, peer: Peer) -> None:
    await messenger.send(message(words="Something else."))

    assert await messenger.find(message()) is None


async def test_the_same_words_of_an_earlier_incident_are_another_message(messenger: TwilioMessenger, peer: Peer) -> None:
    await messenger.send(message())

    assert await messenger.find(message(since=SINCE + timedelta(hours=1))) is None


async def test_a_message_that_reached_nobody_does_not_count_as_sent(messenger: TwilioMessenger, peer: Peer) -> None:
    await messenger.send(message())
    peer.messages[0]["status"] = "undelivered"

    assert await messenger.find(message()) is None


async def test_a_channel_that_we_have_no_number_for_is_never_carried(messenger: TwilioMessenger) -> None:
    with pytest.raises(Never):
        await messenger.send(message("email"))


@pytest.mark.parametrize(
    ("status", "code", "means"), [(400, 21610, Never), (429, 20429, NotNow), (503, 20503, NoAnswer), (401, 20003, NotNow)]
)
async def test_what_twilio_refuses_is_gone_later_or_unknown(
    messenger: TwilioMessenger, peer: Peer, status: int, code: int, means: type[Exception]
) -> None:
    peer.trouble = (status, code)

    with pytest.raises(means):
        await messenger.send(message())


async def test_a_carrier_that_cannot_be_reached_has_surely_taken_nothing() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()

    async with TwilioMessenger.open(ACCOUNT, "secret", TwilioSenders(sms="+447700900100"), f"http://127.0.0.1:{port}") as nowhere:
        with pytest.raises(NotNow):
            await nowhere.send(message())


def test_our_own_account_in_trouble_loses_no_message() -> None:
    assert isinstance(meaning(403, 20003), NotNow)
