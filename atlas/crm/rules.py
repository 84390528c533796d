"""Addresses in one form, and whether we may write to somebody: by purpose, by channel, by their own clock. Pure."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import phonenumbers

from atlas.crm.records import Channel, Consent, Contact, Customer, Purpose, QuietHours
from atlas.errors import AtlasError, InvalidField
from atlas.identity import CustomerId

EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# Brazil put a 9 before every mobile number between 2012 and 2016; WhatsApp still knows many people by the old one.
BRAZIL: Final = 55
BRAZILIAN_MOBILE: Final = re.compile(r"(\d{2})9?([6-9]\d{7})")
# The plus sign and fifteen digits (ITU-T E.164).
LONGEST_E164: Final = 16
# Longer texts belong in a ticket; a note is one thing that was said.
LONGEST_SUMMARY: Final = 500


class ContactMissing(AtlasError):
    """The customer cannot be reached over this channel, for there is no address."""

    def __init__(self, customer_id: CustomerId, channel: Channel) -> None:
        super().__init__(f"customer {customer_id} has no {channel.value} address on file")
        self.customer_id = customer_id
        self.channel = channel


class AddressShared(AtlasError):
    """An address that several customers have: nobody is guessed."""

    def __init__(self, customers: int) -> None:
        super().__init__(f"{customers} customers share this address: ask which of them it is")
        self.customers = customers


def phone_address(written: str, region: str) -> str:
    """A phone number as people write it (+44…, 0044…, 07…, with spaces), in E.164; `region` is where a national number is from.

    Raises InvalidField where it is no number that could be called.
    """
    try:
        number = phonenumbers.parse(written.removeprefix("whatsapp:"), region)
    except phonenumbers.NumberParseException:
        raise InvalidField("address", "this is not a phone number") from None
    if number.country_code == BRAZIL:
        number = _brazilian(number)
    # Numbering plans grow: a number longer than its country has them today is kept, within what E.164 allows.
    known = phonenumbers.is_possible_number_with_reason(number)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if known not in (phonenumbers.ValidationResult.IS_POSSIBLE, phonenumbers.ValidationResult.TOO_LONG) or len(e164) > LONGEST_E164:
        raise InvalidField("address", "no phone number is this short or this long")
    return e164


def _brazilian(number: phonenumbers.PhoneNumber) -> phonenumbers.PhoneNumber:
    """The number with its ninth digit, where it is a mobile."""
    mobile = BRAZILIAN_MOBILE.fullmatch(str(number.national_number))
    if mobile is None:
        return number
    return phonenumbers.PhoneNumber(country_code=BRAZIL, national_number=int(f"{mobile[1]}9{mobile[2]}"))


def contact_address(written: str, region: str) -> str:
    """The one form in which an address is kept: E.164 for phones, lower case for mail. Raises InvalidField for neither."""
    stripped = written.strip()
    if "@" not in stripped:
        return phone_address(stripped, region)
    if EMAIL.fullmatch(stripped) is None:
        raise InvalidField("address", "this is not a mail address")
    return stripped.lower()


def address_forms(address: str) -> tuple[str, ...]:
    """Every form under which this address may be on file: a Brazilian mobile also without its ninth digit."""
    mobile = BRAZILIAN_MOBILE.fullmatch(address.removeprefix(f"+{BRAZIL}")) if address.startswith(f"+{BRAZIL}") else None
    if mobile is None:
        return (address,)
    return (f"+{BRAZIL}{mobile[1]}9{mobile[2]}", f"+{BRAZIL}{mobile[1]}{mobile[2]}")


def masked(address: str) -> str:
    """An address that its owner recognises and nobody else can use: the last three digits, or the first letter and the domain."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}…@{domain}" if at else f"…{address[-3:]}"


def the_only_one(found: Sequence[CustomerId]) -> CustomerId | None:
    """The customer at an address; None where nobody is. Raises AddressShared rather than guess."""
    if len(found) > 1:
        raise AddressShared(len(found))
    return found[0] if found else None


def may_use(customer: Customer, consents: Iterable[Consent], purpose: Purpose, channel: Channel) -> bool:
    """Whether we may write for this purpose over this channel: their last word; unsaid, yes for service and billing, no for marketing.

    Somebody who died is never sold anything, nor asked for money.
    """
    said = [consent.is_given for consent in consents if consent.purpose is purpose and consent.channel is channel]
    return is_welcome(customer.state, said[-1] if said else None, purpose)


def is_welcome(customer_state: str, said: bool | None, purpose: Purpose) -> bool:
    """The same, of one channel: what they said of this purpose there, None where they never said."""
    if customer_state == "deceased" and purpose is not Purpose.SERVICE:
        return False
    return purpose is not Purpose.MARKETING if said is None else said


def way_to_reach(customer: Customer, contacts: Iterable[Contact], consents: Sequence[Consent], purpose: Purpose) -> Contact | None:
    """The contact to use for this purpose: the preferred one if we may, else the first we may; None where none is left."""
    allowed = [contact for contact in contacts if may_use(customer, consents, purpose, contact.channel)]
    return min(allowed, key=lambda contact: (not contact.is_preferred, contact.id), default=None)


def is_quiet(contact: Contact, timezone: str, now: datetime) -> bool:
    """Whether `now` lies in the contact's quiet hours, by the customer's own clock."""
    return quiet_until(contact, timezone, now) is not None


def quiet_until(contact: Contact, timezone: str, now: datetime) -> datetime | None:
    """When the quiet hours that `now` lies in end; None outside them. They may cross midnight and a change of the clocks."""
    if contact.quiet_from is None or contact.quiet_until is None:
        return None
    return quiet_hours_end(QuietHours(contact.quiet_from, contact.quiet_until), timezone, now)


def quiet_hours_end(quiet: QuietHours, timezone: str, now: datetime) -> datetime | None:
    """When the hours that `now` lies in end, by the clock of `timezone`; None outside them."""
    zone = ZoneInfo(timezone)
    local = now.astimezone(zone)
    if not _within(local.time(), quiet.start, quiet.end):
        return None
    ends = datetime.combine(local.date(), quiet.end, zone)
    if ends.replace(tzinfo=None) <= local.replace(tzinfo=None):
        ends = datetime.combine(local.date() + timedelta(days=1), quiet.end, zone)
    return ends.astimezone(now.tzinfo)


def _within(at: time, start: time, end: time) -> bool:
    if start <= end:
        return start <= at < end
    return at >= start or at < end


def checked_quiet_hours(quiet: QuietHours) -> QuietHours:
    """Raises InvalidField for hours that never end."""
    if quiet.start == quiet.end:
        raise InvalidField("quiet_hours", "they begin and end at the same time; opt out instead")
    return quiet


def checked_summary(summary: str) -> str:
    """One line of what was said; raises InvalidField where there is nothing, or a whole letter."""
    line = " ".join(summary.split())
    if not 0 < len(line) <= LONGEST_SUMMARY:
        raise InvalidField("summary", f"say it in 1 to {LONGEST_SUMMARY} characters")
    return line
