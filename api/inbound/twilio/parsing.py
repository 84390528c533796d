"""Pure: what Twilio says, from a call that was found genuine. Words and names are kept as they came."""

import json
import re
from dataclasses import dataclass
from typing import Final

from api.inbound.twilio.signature import FORM, Call, Unreadable, form_fields, media_type
from atlas.errors import InvalidField
from atlas.helpdesk.records import Media

PROVIDER: Final = "twilio"
MESSAGE_ID: Final = re.compile(r"(?:SM|MM)[0-9a-f]{32}")
ACCOUNT_ID: Final = re.compile(r"AC[0-9a-f]{32}")
SENDER: Final = re.compile(r"[+0-9A-Za-z ._@:-]{1,80}")
STATUS: Final = re.compile(r"[a-z_-]{2,24}")
WHATSAPP: Final = "whatsapp:"
MOST_MEDIA: Final = 10
# A profile name is somebody's own words, and so has no end.
LONGEST_NAME: Final = 200
LONGEST_ADDRESS: Final = 2000


@dataclass(frozen=True)
class Heard:
    """One message: from whom, over which channel, and the words as they were written. A picture alone has no words."""

    provider_id: str
    channel: str
    address: str
    words: str
    profile_name: str
    media: tuple[Media, ...]


@dataclass(frozen=True)
class Became:
    """What became of one of our messages, as its carrier says: `error` is the carrier's code, empty where there is none."""

    provider_id: str
    status: str
    error: str


def message(call: Call, account: str | None) -> Heard:
    """Raises InvalidField, naming the field that is missing or is not what Twilio writes."""
    fields = fields_of(call, account)
    sender = field_of(fields, "From", SENDER)
    is_whatsapp = sender.startswith(WHATSAPP)
    return Heard(
        provider_id=field_of(fields, "MessageSid", MESSAGE_ID),
        channel="whatsapp" if is_whatsapp else "sms",
        address=sender.removeprefix(WHATSAPP).strip(),
        words=fields.get("Body", ""),
        profile_name=fields.get("ProfileName", "")[:LONGEST_NAME],
        media=_media(fields),
    )


def status(call: Call, account: str | None) -> Became:
    """Raises InvalidField, naming the field that is missing or is not what Twilio writes."""
    fields = fields_of(call, account)
    error = fields.get("ErrorCode", "")
    return Became(
        provider_id=field_of(fields, "MessageSid", MESSAGE_ID),
        status=field_of(fields, "MessageStatus", STATUS),
        error=error if error.isdecimal() and len(error) < 10 else "",
    )


def fields_of(call: Call, account: str | None) -> dict[str, str]:
    """Every field once. Our account is named in each call: a signature for another's is not for us."""
    pairs = _form(call) if media_type(call.content_type) == FORM else _json(call)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidField("fields", "a field is there twice")
    named = field_of(fields, "AccountSid", ACCOUNT_ID)
    if account is not None and named != account:
        raise InvalidField("AccountSid", "this is another account")
    return fields


def _form(call: Call) -> list[tuple[str, str]]:
    try:
        return [(name.decode(), value.decode()) for name, value in form_fields(call.body)]
    except (UnicodeDecodeError, Unreadable):
        raise InvalidField("fields", "not a form in UTF-8") from None


def _json(call: Call) -> list[tuple[str, str]]:
    try:
        found = json.loads(call.body, object_pairs_hook=list)
    except (ValueError, RecursionError):
        raise InvalidField("body", "not JSON") from None
    if not isinstance(found, list) or not all(isinstance(pair, tuple) and _is_text(pair[1]) for pair in found):
        raise InvalidField("body", "not an object of texts")
    return found


def _is_text(value: object) -> bool:
    """Half a surrogate pair is legal JSON and no character."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def field_of(fields: dict[str, str], name: str, shape: re.Pattern[str]) -> str:
    value = fields.get(name, "")
    if not shape.fullmatch(value):
        raise InvalidField(name, "missing, or not of the shape that Twilio writes")
    return value


def _media(fields: dict[str, str]) -> tuple[Media, ...]:
    written = fields.get("NumMedia", "0")
    count = min(int(written), MOST_MEDIA) if written.isdecimal() and len(written) < 3 else 0
    return tuple(
        Media(fields.get(f"MediaUrl{at}", "")[:LONGEST_ADDRESS], fields.get(f"MediaContentType{at}", "")[:LONGEST_NAME])
        for at in range(count)
    )
