"""When somebody may be written to or called, who may answer, and what a one-time code is. Pure."""

import hashlib
import hmac
import re
import unicodedata
from datetime import datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from atlas.errors import AtlasError, InvalidField
from atlas.helpdesk.records import Conversation
from atlas.identity import ConversationId, CustomerId, IncidentId, StaffId
from atlas.zone_keys import secret_of_codes

# WhatsApp takes free words only this long after the customer's own last message; later it takes approved templates.
SERVICE_WINDOW: Final = timedelta(hours=24)
# A second message within a day, on whatever channel, is the same case.
SAME_CASE: Final = timedelta(hours=24)
# What an outage notice promises: we write again within this time, whether or not there is news.
NEXT_WORD: Final = timedelta(hours=2)
LONGEST_MESSAGE: Final = 20_000
LONGEST_TYPED: Final = 4_000
# A message that failed this often is set aside, so that the others of its conversation are answered.
MOST_TRIES: Final = 5
# An address that changed lately may be the one that somebody who is not the customer put in.
CONTACT_SETTLED: Final = timedelta(hours=72)
# Whoever took a number over by a new SIM or another carrier has it at once; its holder notices within days, and banks wait as long.
NUMBER_MOVED: Final = timedelta(days=14)
# With five tries at each of these, guessing succeeds once in forty thousand customer-days.
MOST_CODES_A_DAY: Final = 5
# What stands in kept words where six digits were, or will be.
DIGITS: Final = "······"
# People group digits with spaces and dashes, and telephones put invisible characters between them.
BETWEEN: Final = r"[ \-\u00a0\u00ad\u200b-\u200f\u2060\ufeff]*"
SIX_DIGITS: Final = re.compile(rf"(?<!\d)\d(?:{BETWEEN}\d){{5}}(?!\d)")
NAMED_CODE: Final = re.compile(rf"(\b(?:code|otp|pin|código|kode|कोड)\b\D{{0,12}})(\d(?:{BETWEEN}\d){{3,7}})(?!\d)", re.IGNORECASE)


class AudienceGrew(AtlasError):
    """More people would be told than was judged; nobody is told until it is proposed anew."""

    def __init__(self, incident_id: IncidentId, judged: int, found: int) -> None:
        super().__init__(f"incident {incident_id}: {found} would be told, but only {judged} were judged")
        self.incident_id = incident_id
        self.judged = judged
        self.found = found


class NobodyToTell(AtlasError):
    """Everybody who could be told has been."""

    def __init__(self, incident_id: IncidentId) -> None:
        super().__init__(f"incident {incident_id}: there is nobody left to tell")
        self.incident_id = incident_id


class HeldByPerson(AtlasError):
    """A person of ours is in this conversation; nobody else talks over them."""

    def __init__(self, conversation_id: ConversationId, owner: str) -> None:
        super().__init__(f"conversation {conversation_id} is held by {owner}")
        self.conversation_id = conversation_id
        self.owner = owner


class NotTheirConversation(AtlasError):
    """The conversation belongs to somebody else."""

    def __init__(self, conversation_id: ConversationId) -> None:
        super().__init__(f"conversation {conversation_id} is not this customer's")
        self.conversation_id = conversation_id


class NoOtherAddress(AtlasError):
    """A code goes by another channel, to an address that has been on file for three days; the customer has none such."""

    def __init__(self, customer_id: CustomerId) -> None:
        super().__init__("there is no other address on file to which we may send a code")
        self.customer_id = customer_id


class TooManyCodes(AtlasError):
    """Enough codes for one day: whoever still has none right is helped by a person."""

    def __init__(self, customer_id: CustomerId) -> None:
        super().__init__("too many codes were asked for today")
        self.customer_id = customer_id


class PromiseInThePast(AtlasError):
    """A promise is due after it is made."""


def earliest_moment(channel: str, now: datetime, quiet_from: time | None, quiet_until: time | None, timezone: str) -> datetime:
    """When somebody may be told of a fault: at once, but for a call inside their quiet hours, which waits for the end of them.

    A text wakes nobody, and somebody whose line is down at night may be looking for the reason.
    """
    if channel != "voice" or quiet_from is None or quiet_until is None or quiet_from == quiet_until:
        return now
    local = now.astimezone(ZoneInfo(timezone))
    if not _covers(quiet_from, quiet_until, local.time()):
        return now
    ends = datetime.combine(local.date(), quiet_until, local.tzinfo)
    return (ends if ends > local else datetime.combine(local.date() + timedelta(days=1), quiet_until, local.tzinfo)).astimezone(now.tzinfo)


def _covers(start: time, end: time, moment: time) -> bool:
    return start <= moment < end if start < end else moment >= start or moment < end


def promised_news(incident_id: IncidentId) -> str:
    """How the promise of an outage notice is written down."""
    return f"news of incident {incident_id}"


def storable(words: str) -> str:
    """The words as they can be kept: PostgreSQL takes no NUL, and nobody reads a pasted book."""
    return words.replace("\x00", "")[:LONGEST_MESSAGE]


def check_typed(words: str) -> str:
    """What somebody typed into a form of ours, as it is kept. Raises InvalidField for nothing, and for a pasted book."""
    said = storable(words).strip()
    if not said or len(said) > LONGEST_TYPED:
        raise InvalidField("words", f"between 1 and {LONGEST_TYPED:,} characters")
    return said


def check_reply(conversation: Conversation, author: str) -> None:
    """Raises HeldByPerson where `author` may not answer in this conversation."""
    if conversation.owner.startswith("staff:") and author != conversation.owner:
        raise HeldByPerson(conversation.conversation_id, conversation.owner)


def is_past_window(conversation: Conversation, now: datetime) -> bool:
    """Whether WhatsApp takes no free words to them any more: a day after they last wrote."""
    last = conversation.last_inbound_at
    return conversation.channel == "whatsapp" and (last is None or now - last > SERVICE_WINDOW)


def code_key(secret: bytes) -> bytes:
    """The key of codes, from the installation's secret: who reads the database alone can neither make nor guess one."""
    return secret_of_codes(secret)


def code_of(key: bytes, seed: UUID) -> str:
    """The six digits of one seed (dynamic truncation as in RFC 4226, over the whole of HMAC-SHA-256)."""
    return f"{int.from_bytes(hmac.new(key, seed.bytes, hashlib.sha256).digest()) % 10**6:06}"


def code_mac(key: bytes, channel: str, address: str, digits: str) -> bytes:
    """What is kept of six digits that somebody wrote, from the moment they are read until they are checked."""
    return hmac.new(key, f"{channel}|{address}|{digits}".encode(), hashlib.sha256).digest()


def pin_mac(key: bytes, staff_id: StaffId, digits: str) -> bytes:
    """What is kept of an engineer's PIN."""
    return hmac.new(key, f"pin|{staff_id}|{digits}".encode(), hashlib.sha256).digest()


def without_digits(words: str, *, is_awaited: bool) -> tuple[str, str | None]:
    """The words without one-time codes, and the first that they held.

    Where a code is awaited every group of six digits goes; else a message of nothing but six digits, and what is called a code.
    """
    alone = SIX_DIGITS.fullmatch(words.strip(" \t\r\n.!"))
    found = SIX_DIGITS.search(words) if is_awaited or alone else None
    named = NAMED_CODE.search(words)
    first = re.sub(r"\D", "", found[0] if found else named[2] if named else "")
    cleaned = NAMED_CODE.sub(rf"\g<1>{DIGITS}", SIX_DIGITS.sub(DIGITS, words) if found else words)
    digits = "".join(str(unicodedata.decimal(digit)) for digit in first)
    return cleaned, digits if len(digits) == len(DIGITS) else None
