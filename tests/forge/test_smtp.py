"""Letters on the wire, against a mail server on loopback: encrypted, under the outbox' key, never twice, and answered by no program."""

import base64
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from atlas.connection import Atlas
from atlas.crm.records import Purpose
from atlas.identity import CustomerId
from evals.inbound.mail_server import MailPeer, certificate
from forge.may_send import PURPOSE_OF
from forge.outbox import drain
from forge.outside.letters import Occasion, Sender, letter, reference_of
from forge.outside.ports import Message, Never, NoAnswer, NotNow
from forge.outside.smtp import MailServer, SmtpMessenger
from forge.outside.stop_links import OF_THE_CONTRACT, LinkForged, Stop, StopLinks
from forge.wording import LANGUAGES, subject_in_words
from tests import given
from tests.conftest import SECRET
from tests.forge.test_outbox import notice
from tests.given import Owner

LINKS = StopLinks.of(SECRET, "https://care.isp.example")
OURS = Sender("Harbour Broadband", "help@isp.example")
AT = datetime(2026, 3, 2, 10, 42, tzinfo=UTC)
KEY = "incident:1:outage:7"
WORDS = "Hello,\n.a line that begins with a point\nचालू £6.20"


@dataclass
class Wire:
    """A mail server that runs, and a messenger that trusts it."""

    peer: MailPeer
    messenger: SmtpMessenger

    def with_server(self, **changes: Any) -> SmtpMessenger:
        return replace(self.messenger, server=replace(self.messenger.server, **changes))


@pytest.fixture
async def wire(atlas: Atlas, tmp_path: Path) -> AsyncIterator[Wire]:
    server, trusted = certificate(tmp_path)
    peer = MailPeer(server)
    async with peer.listening():
        there = MailServer("127.0.0.1", peer.port, "bedrock", "a password", "starttls", trusted)
        yield Wire(peer, SmtpMessenger(atlas, there, OURS, lambda: AT))


def message(**changes: Any) -> Message:
    return replace(Message(KEY, "email", "maya@home.example", WORDS, AT), **changes)


async def test_a_letter_leaves_encrypted_in_its_exact_words_under_the_outbox_key(wire: Wire) -> None:
    reference = await wire.messenger.send(message())

    (sent,) = wire.peer.read
    assert sent.get_content().replace("\r\n", "\n") == f"{WORDS}\n\n-- \nHarbour Broadband\n"
    assert sent["Message-ID"] == f"<{reference}>" == f"<{reference_of(KEY, OURS)}>"
    assert (sent["To"], sent["From"]) == ("maya@home.example", "Harbour Broadband <help@isp.example>")
    assert wire.peer.was_encrypted == [True]
    assert wire.peer.passwords == ["\0bedrock\0a password"]


async def test_the_key_itself_is_told_to_nobody(wire: Wire) -> None:
    await wire.messenger.send(message())

    assert KEY.encode() not in wire.peer.letters[0]


async def test_a_server_that_does_not_encrypt_gets_neither_password_nor_letter(wire: Wire) -> None:
    wire.peer.offers_tls = False

    with pytest.raises(NotNow, match="does not encrypt"):
        await wire.messenger.send(message())

    assert (wire.peer.passwords, wire.peer.letters) == ([], [])


async def test_a_server_that_nobody_vouches_for_gets_neither(wire: Wire) -> None:
    with pytest.raises(NotNow, match="does not encrypt"):
        await wire.with_server(trusted=ssl.create_default_context()).send(message())

    assert (wire.peer.passwords, wire.peer.letters) == ([], [])


@pytest.mark.parametrize(
    ("command", "answer", "meaning"),
    [
        ("RCPT", "550 no such user", Never),
        ("RCPT", "450 greylisted", NotNow),
        ("DATA", "552 too much", Never),
        ("AUTH", "535 who are you", NotNow),
        ("MAIL", "550 you may not send as this", NotNow),
        ("EHLO", "421 busy", NotNow),
    ],
)
async def test_what_the_server_surely_refused_may_be_sent_again(wire: Wire, command: str, answer: str, meaning: type[Exception]) -> None:
    wire.peer.answers[command] = answer

    with pytest.raises(meaning):
        await wire.messenger.send(message())

    assert await wire.messenger.find(message()) is None
    wire.peer.answers.clear()
    await wire.messenger.send(message())
    assert len(wire.peer.letters) == 1


async def test_a_server_that_is_away_is_tried_later(wire: Wire) -> None:
    with pytest.raises(NotNow, match="cannot be reached"):
        await wire.with_server(port=1).send(message())

    assert await wire.messenger.find(message()) is None


async def test_a_letter_that_may_have_left_is_not_sent_again_by_a_guess(wire: Wire) -> None:
    wire.peer.hangs_up_after = "DATA"

    with pytest.raises(NoAnswer):
        await wire.messenger.send(message())

    assert len(wire.peer.letters) == 1
    with pytest.raises(NoAnswer, match="nobody can tell"):
        await wire.messenger.find(message())


async def test_a_letter_that_was_accepted_is_found_and_not_sent_twice(wire: Wire) -> None:
    reference = await wire.messenger.send(message())

    assert await wire.messenger.find(message()) == reference
    assert await wire.messenger.send(message()) == reference
    assert len(wire.peer.letters) == 1


async def test_how_a_session_ends_says_nothing_of_the_letter(wire: Wire) -> None:
    wire.peer.answers["QUIT"] = "500 no"

    reference = await wire.messenger.send(message())

    assert await wire.messenger.find(message()) == reference


@pytest.mark.parametrize("address", ["", "nobody", "a@b\r\nBcc: all@home.example", "<>"])
async def test_what_is_no_address_is_refused_for_good(wire: Wire, address: str) -> None:
    with pytest.raises(Never):
        await wire.messenger.send(message(address=address))

    assert wire.peer.letters == []


async def test_the_outbox_sends_a_notice_as_a_letter_about_its_purpose_in_its_language(wire: Wire, atlas: Atlas, owner: Owner) -> None:
    await notice(owner, channel="email", address="maya@home.example", language="de", words="Ihr Anschluss ist gestört.")

    drained = await drain(atlas, wire.messenger)

    (sent,) = wire.peer.read
    assert drained.sent == 1
    assert sent["Subject"] == subject_in_words("outage", "de")
    assert sent["Auto-Submitted"] == "auto-generated"
    assert (sent["List-Unsubscribe"], sent["List-Unsubscribe-Post"]) == ("<mailto:help@isp.example?subject=STOP>", None)


async def test_a_letter_that_no_contract_asks_for_carries_a_link_that_ends_such_letters_in_one_press(
    wire: Wire, atlas: Atlas, owner: Owner
) -> None:
    maya = await given.customer(owner)
    await notice(owner, maya, channel="email", address="maya@home.example")

    await drain(atlas, replace(wire.messenger, links=LINKS))

    (octets,) = wire.peer.letters
    link = LINKS.link("outage", maya, "maya@home.example")
    assert f"List-Unsubscribe: <{link}>, <mailto:help@isp.example?subject=STOP>\r\n".encode() in octets
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in octets
    assert LINKS.opened(link.rpartition("/")[2]) == Stop(CustomerId(maya), Purpose.SERVICE, LINKS.mac("maya@home.example"))


@pytest.mark.parametrize("purpose", sorted(OF_THE_CONTRACT))
def test_a_letter_about_the_contract_carries_no_such_link(purpose: str) -> None:
    made = letter(message(), OURS, Occasion(purpose, "en", customer_id=7), AT, LINKS.link(purpose, 7, "maya@home.example"))

    assert (made["List-Unsubscribe"], made["List-Unsubscribe-Post"]) == (None, None)


def test_whatever_we_write_about_is_the_contract_or_can_be_stopped_in_one_press() -> None:
    assert {purpose for purpose in PURPOSE_OF if LINKS.link(purpose, 7, "maya@home.example")} == {"outage", "restored", "marketing"}
    assert {purpose for purpose in PURPOSE_OF if purpose not in OF_THE_CONTRACT} == {"outage", "restored", "marketing"}


def test_where_no_program_could_reach_us_a_letter_says_how_to_stop_by_mail_alone() -> None:
    made = letter(message(), OURS, Occasion("marketing", "en", customer_id=7), AT, StopLinks.of(SECRET).link("marketing", 7, "a@b.example"))

    assert (made["List-Unsubscribe"], made["List-Unsubscribe-Post"]) == ("<mailto:help@isp.example?subject=STOP>", None)


@pytest.mark.parametrize("site", ["", "http://care.isp.example"])
def test_a_link_is_made_for_an_encrypted_site_alone(site: str) -> None:
    assert StopLinks.of(SECRET, site).link("outage", 7, "maya@home.example") == ""


def test_a_link_says_nothing_of_whose_it_is_and_is_the_same_at_every_attempt() -> None:
    first, again = (LINKS.link("outage", 7, "maya@home.example") for _ in range(2))
    anothers = LINKS.link("outage", 8, "maya@home.example")
    sealed = base64.urlsafe_b64decode(first.rpartition("/")[2] + "=")

    assert first == again != anothers
    assert (7).to_bytes(8) not in sealed
    assert b"maya" not in sealed


@pytest.mark.parametrize(
    "altered", ["", "x", "A" * 55, "é" * 55, "\x00", "another's", "one letter off", "a letter more", "another spelling"]
)
def test_a_link_that_was_altered_opens_nothing(altered: str) -> None:
    ours = LINKS.link("outage", 7, "maya@home.example").rpartition("/")[2]
    texts = {
        "another's": StopLinks.of(b"another installation's secret", "https://x.example")
        .link("outage", 7, "maya@home.example")
        .rpartition("/")[2],
        "one letter off": ours[:20] + ("A" if ours[20] != "A" else "B") + ours[21:],
        "a letter more": ours + "A",
        "another spelling": ours + "=",
    }

    with pytest.raises(LinkForged):
        LINKS.opened(texts.get(altered, altered))


def test_an_answer_goes_below_the_letter_it_answers_and_is_marked_as_one() -> None:
    made = letter(message(), OURS, Occasion("reply", "en", "RE: My bill", "abc@home.example"), AT)

    assert made["Subject"] == "Re: My bill"
    assert made["In-Reply-To"] == made["References"] == "<abc@home.example>"
    assert made["Auto-Submitted"] == "auto-replied"


def test_a_subject_of_theirs_adds_no_header_of_ours() -> None:
    made = letter(message(), OURS, Occasion("reply", "en", "hi\r\nBcc: all@home.example\x00", "no id\r\nX: y"), AT)

    assert made["Bcc"] is None
    assert made["In-Reply-To"] is None
    assert made["Subject"] == "Re: hi Bcc: all@home.example"


def test_every_purpose_has_a_subject_in_every_language() -> None:
    for language in LANGUAGES:
        other = subject_in_words("other", language)
        assert [purpose for purpose in PURPOSE_OF if subject_in_words(purpose, language) == other] == []
