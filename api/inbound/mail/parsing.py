"""Pure: what a letter says, in the octets it came in. Any octets may come; a letter never chooses whom it is from, it only claims to."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses
from itertools import islice
from typing import Any, Final

from api.inbound.mail.quoting import said_anew, text_of_html
from atlas.crm.rules import contact_address
from atlas.errors import InvalidField
from atlas.helpdesk.records import Media

PROVIDER: Final = "email"
# Pictures come after the words; what is beyond is not read.
MOST_OCTETS: Final = 1024 * 1024
LONGEST_NAME: Final = 200
LONGEST_ID: Final = 250
MOST_PARTS: Final = 200
MOST_COUNTED: Final = 20
# More servers than this between two houses is a letter that goes round.
MOST_HOPS: Final = 30
# A subject of ours or theirs that came back with marks in front of it.
ANSWER_MARK: Final = re.compile(r"^(?:(?:re|aw|sv|rv|fwd?|wg|tr|réf?)\s*(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
ROBOTS: Final = re.compile(
    r"^(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?|auto-?(?:reply|confirm))(?:[+=._-].*)?@", re.IGNORECASE
)
BULK: Final = frozenset({"bulk", "junk", "list", "auto_reply"})
FAILED: Final = re.compile(r"^action\s*:\s*failed\b", re.IGNORECASE | re.MULTILINE)
STATUS: Final = re.compile(r"^status\s*:\s*(\d\.\d{1,3}\.\d{1,3})", re.IGNORECASE | re.MULTILINE)
ONE_ID: Final = re.compile(r"<([^<>\s]{3,250})>")
NAMED_ID: Final = re.compile(r"^message-id\s*:\s*<([^<>\s]{3,250})>", re.IGNORECASE | re.MULTILINE)
COMMENT: Final = re.compile(r"\([^()]*\)")


@dataclass(frozen=True)
class Letter:
    """One letter. `is_proven`: our own mail server found that the domain it is from sent it. `robot`: why nobody answers it, or nothing."""

    provider_id: str
    address: str
    name: str
    subject: str
    words: str
    media: tuple[Media, ...]
    is_proven: bool
    robot: str


@dataclass(frozen=True)
class Returned:
    """A letter of ours that a mail server gave up on: our own id for it, and its status, as in 5.1.1."""

    provider_id: str
    reference: str
    status: str


@dataclass(frozen=True)
class Mailbox:
    """What is ours: the address that letters are written to, and the name under which our own server says what it checked."""

    address: str
    checked_by: str = ""


def read(octets: bytes, ours: Mailbox) -> Letter | Returned:
    """Raises InvalidField where nobody can be named as its sender, or its parts lie in one another without end."""
    try:
        parsed = message_from_bytes(octets[:MOST_OCTETS])
        parts = list(islice(parsed.walk(), MOST_PARTS))
    except RecursionError:
        raise InvalidField("body", "parts within parts without end") from None
    provider_id = _id_of(parsed, octets)
    returned = _returned(parsed, parts, provider_id)
    if returned is not None:
        return returned
    address, name = _sender(parsed)
    subject = heading(parsed, "Subject")
    return Letter(
        provider_id=provider_id,
        address=address,
        name=name,
        subject=subject,
        words=_words(parts, subject),
        media=_attachments(parts),
        is_proven=_is_proven(parsed, address, ours.checked_by),
        robot=robot_in(parsed, address, ours.address),
    )


def heading(letter: Message, name: str) -> str:
    """One header as people read it: decoded, on one line, cut."""
    raw = str(letter.get(name, ""))
    try:
        words = str(make_header(decode_header(raw)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        words = raw
    return " ".join("".join(mark if mark.isprintable() else " " for mark in words).split())[:LONGEST_NAME]


def _id_of(letter: Message, octets: bytes) -> str:
    """The sender's own id for it; a letter without one is known by its octets."""
    found = ONE_ID.search(str(letter.get("Message-ID", "")))
    if found and found[1].isprintable():
        return found[1][:LONGEST_ID]
    return "sha256:" + hashlib.sha256(octets).hexdigest()


def _sender(letter: Message) -> tuple[str, str]:
    written = letter.get_all("From", [])
    # Where there are two, one program shows the first and another checks the second.
    found = getaddresses([str(one) for one in written]) if len(written) == 1 else []
    if len(found) != 1 or "@" not in found[0][1]:
        raise InvalidField("From", "one mail address")
    named, address = found[0]
    try:
        return contact_address(address, "GB"), heading(_headed(named), "Name")
    except InvalidField as error:
        raise InvalidField("From", error.reason) from error


def _headed(words: str) -> Message:
    one: Message = Message()
    one["Name"] = words.replace("\r", " ").replace("\n", " ")
    return one


def robot_in(letter: Message, address: str, ours: str) -> str:
    """Why no program may answer this letter (RFC 3834, RFC 2919, and what Exchange says); empty where a person wrote it."""

    def says(name: str) -> str:
        return str(letter.get(name, "")).strip().lower()

    reasons = {
        "null sender": says("Return-Path") == "<>",
        "auto-submitted": says("Auto-Submitted").partition(";")[0].strip() not in ("", "no"),
        "precedence": says("Precedence") in BULK,
        "suppressed": says("X-Auto-Response-Suppress") not in ("", "none"),
        "auto-reply": any(letter.get(name) is not None for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Reply")),
        "list": any(letter.get(name) is not None for name in ("List-Id", "List-Post", "List-Unsubscribe", "Feedback-ID")),
        "report": letter.get_content_type() == "multipart/report",
        "robot's address": bool(ROBOTS.match(address)),
        "ours": address == ours.lower(),
        "goes round": len(letter.get_all("Received", [])) > MOST_HOPS,
    }
    return next((reason for reason, is_so in reasons.items() if is_so), "")


def _is_proven(letter: Message, address: str, checked_by: str) -> bool:
    """Whether our own mail server says that DMARC passed for From's domain (RFC 8601): anybody can write such a header further down."""
    if not checked_by:
        return False
    for written in letter.get_all("Authentication-Results", []):
        said = COMMENT.sub(" ", str(written)).split(";")
        if said[0].split()[:1] != [checked_by]:
            continue
        # The topmost of our own server's is of this delivery; no other is asked.
        verdicts = [" ".join(one.split()).lower() for one in said[1:]]
        named = f"header.from={address.rpartition('@')[2]}"
        dmarc = [one.split() for one in verdicts if one.startswith("dmarc=")]
        return len(dmarc) == 1 and dmarc[0][0] == "dmarc=pass" and named in dmarc[0]
    return False


def _words(parts: list[Message], subject: str) -> str:
    """What they wrote anew; a letter that begins something is also its subject, where that says more."""
    plain = [_text(part) for part in parts if _is_body(part, "text/plain")]
    pages = [_text(part) for part in parts if _is_body(part, "text/html")]
    whole = "\n".join(one for one in plain if one.strip()) or "\n".join(text_of_html(one) for one in pages[:1])
    anew = said_anew(whole)
    topic = "" if ANSWER_MARK.match(subject) else subject
    if not anew or (topic and len(anew.split()) < 4 and topic.casefold() not in anew.casefold()):
        return f"{topic}\n{anew}".strip()
    return anew


def _is_body(part: Message, content_type: str) -> bool:
    return part.get_content_type() == content_type and part.get_content_disposition() != "attachment"


def _text(part: Message) -> str:
    octets: Any = part.get_payload(decode=True)
    if not isinstance(octets, bytes):
        return ""
    try:
        return octets.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):
        return octets.decode("utf-8", "replace")


def _attachments(parts: list[Message]) -> tuple[Media, ...]:
    """How many things came with it and what they claim to be. None is opened."""
    found = (part for part in parts if not part.is_multipart() and not any(_is_body(part, text) for text in ("text/plain", "text/html")))
    return tuple(Media("", part.get_content_type()[:LONGEST_NAME]) for part in islice(found, MOST_COUNTED))


def _returned(letter: Message, parts: list[Message], provider_id: str) -> Returned | None:
    """A report of failure about a letter of ours (RFC 3464); one that only says that it takes longer is none."""
    if letter.get_content_type() != "multipart/report":
        return None
    report = "\n".join(_lines(part) for part in parts if part.get_content_type() == "message/delivery-status")
    if not FAILED.search(report):
        return None
    ids = (NAMED_ID.search(_heads(part)) for part in parts[1:])
    reference = next((found[1] for found in ids if found), "")
    status = STATUS.search(report)
    return Returned(provider_id, reference, status[1] if status else "") if reference else None


def _heads(part: Message) -> str:
    """The headers of a letter that was sent back, whole or its headers alone."""
    return _lines(part) if part.get_content_type() == "text/rfc822-headers" else f"Message-ID: {part.get('Message-ID', '')}"


def _lines(part: Message) -> str:
    return "\n".join(_each(part.get_payload()))[:20_000]


def _each(payload: Any) -> Iterator[str]:
    """A status is parsed into a block of headers for each recipient; headers alone are one text."""
    if isinstance(payload, list):
        for block in payload[:MOST_PARTS]:
            yield from (f"{name}: {value}" for name, value in block.items())
    else:
        yield str(payload)
