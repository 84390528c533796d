"""Addresses in one form, whether we may write to somebody, who may be one person kept twice, and who may leave. Pure."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from difflib import SequenceMatcher
from itertools import groupby
from math import prod
from typing import Final
from zoneinfo import ZoneInfo

import phonenumbers

from atlas.crm.records import (
    Channel,
    ChurnReason,
    ChurnRisk,
    Consent,
    Contact,
    Customer,
    KnownParty,
    Likeness,
    MergeStanding,
    PartyRole,
    Purpose,
    QuietHours,
    Trouble,
)
from atlas.errors import AtlasError, Conflict, InvalidField
from atlas.identity import CustomerId
from atlas.money import Money

EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# Brazil put a 9 before every mobile number between 2012 and 2016; WhatsApp still knows many people by the old one.
BRAZIL: Final = 55
BRAZILIAN_MOBILE: Final = re.compile(r"(\d{2})9?([6-9]\d{7})")
# The plus sign and fifteen digits (ITU-T E.164).
LONGEST_E164: Final = 16
# Longer texts belong in a ticket; a note is one thing that was said.
LONGEST_SUMMARY: Final = 500
# What each agreement or contradiction adds to the likeness of two records, one minus the product of what each leaves open. An address that
# reaches somebody is all but proof; a name and a roof are what twins, fathers and sons share, and together stay below suspicion.
SAME_PHONE: Final = 0.6
SAME_MAIL: Final = 0.55
SAME_NAME: Final = 0.3
NEAR_NAME: Final = 0.15
SAME_PREMISE: Final = 0.25
SAME_BIRTH_DATE: Final = 0.3
OTHER_BIRTH_DATE: Final = 0.2
OTHER_GIVEN_NAME: Final = 0.5
# Two spellings of one name (Müller, Mueller; Jon, John) are at least so alike.
NEAR: Final = 0.8
OF_AGE: Final = 18
LONGEST_LIFE: Final = 125
# Mail addresses that are made to be thrown away; an operator's list grows by what they meet.
DISPOSABLE: Final = frozenset(
    {
        "10minutemail.com",
        "guerrillamail.com",
        "mailinator.com",
        "sharklasers.com",
        "temp-mail.org",
        "tempmail.com",
        "trashmail.com",
        "yopmail.com",
    }
)
# By itself how much each kind of trouble makes somebody likelier to leave: for so many of its unit, and at most.
CHURN: Final[Mapping[str, tuple[float, float, float]]] = {
    "hours_down": (0.10, 12.0, 0.45),
    "repeat_fault": (0.08, 1.0, 0.35),
    "missed_visit": (0.15, 1.0, 0.40),
    "disputed_charge": (0.10, 1.0, 0.30),
    "complaint": (0.20, 1.0, 0.50),
    "weak_signal": (0.10, 3.0, 0.25),
    "contract_over": (0.12, 1.0, 0.12),
}


class MergeRefused(AtlasError):
    """Two records that cannot be made one as they stand, with everything to be settled first."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("these records are not merged yet: " + "; ".join(reasons))
        self.reasons = tuple(reasons)


class PossiblyKnown(AtlasError):
    """Somebody who may be on file already: whoever registers them says that they are another."""

    def __init__(self, twins: Sequence[Likeness]) -> None:
        known = ", ".join(f"customer {twin.customer_id} ({', '.join(twin.reasons)})" for twin in twins)
        super().__init__(f"they may be on file already: {known}")
        self.twins = tuple(twins)


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


def name_key(name: str) -> str:
    """A name as it is compared: no case, no accents, single spaces; the same as `crm.name_key` in Atlas."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not "\u0300" <= letter <= "\u036f")
    return " ".join(plain.lower().split())


def name_likeness(one: str, other: str) -> float:
    """From 0 to 1, whatever the order of the words: Patel Maya is Maya Patel."""
    written = [" ".join(sorted(name_key(name).split())) for name in (one, other)]
    return SequenceMatcher(None, written[0], written[1]).ratio()


def likeness(one: KnownParty, other: KnownParty) -> Likeness:
    """How surely `other` is the same person as `one`, and why."""
    shared = set(one.addresses) & set(other.addresses)
    alike = name_likeness(one.name, other.name)
    found = {
        "the same phone": SAME_PHONE * any("@" not in address for address in shared),
        "the same mail address": SAME_MAIL * any("@" in address for address in shared),
        "the same name": SAME_NAME * (alike == 1.0),
        "nearly the same name": NEAR_NAME * (NEAR <= alike < 1.0),
        "the same premises": SAME_PREMISE * bool(set(one.premises) & set(other.premises)),
        "the same day of birth": SAME_BIRTH_DATE * (one.birth_date is not None and one.birth_date == other.birth_date),
    }
    against = {
        "born on another day": OTHER_BIRTH_DATE if one.birth_date and other.birth_date and one.birth_date != other.birth_date else 1.0,
        "another given name": OTHER_GIVEN_NAME if _differ(one.given_name, other.given_name) else 1.0,
    }
    score = (1.0 - prod(1.0 - weight for weight in found.values())) * prod(against.values())
    reasons = [*(reason for reason, weight in found.items() if weight), *(reason for reason, left in against.items() if left < 1.0)]
    return Likeness(other.customer_id, other.name, round(score, 3), tuple(reasons))


def _differ(one: str, other: str) -> bool:
    return bool(one and other) and name_likeness(one, other) < NEAR


def twins(one: KnownParty, others: Iterable[KnownParty]) -> list[Likeness]:
    """Who of the others may be the same person, the likeliest first."""
    found = [likeness(one, other) for other in others if other.customer_id != one.customer_id]
    return sorted((twin for twin in found if twin.is_suspected), key=lambda twin: (-twin.score, twin.customer_id))


def obstacles_to_merge(standing: MergeStanding) -> list[str]:
    """What is to be settled before these two are made one; empty where nothing is."""
    found = {
        "one of them is merged already": standing.is_merged,
        f"{standing.open_orders} orders are open: let them end, or cancel them": standing.open_orders > 0,
        f"{standing.disputes} charges are in dispute: settle them": standing.disputes > 0,
        "a line of one is suspended and one of the other is in use: restore it, or end it": standing.suspended_lines
        > 0
        < standing.active_lines,
        "one of them died: their account is closed, not merged": "deceased" in (standing.state, standing.absorbed_state),
    }
    return [reason for reason, stands in found.items() if stands]


def moved_twice(owed: Money) -> Money:
    """What a merge posts: out of one account and into the other, whichever way."""
    return Money.of_minor(2 * abs(owed.minor))


def churn_risk(troubles: Iterable[Trouble]) -> ChurnRisk:
    """How likely somebody is to leave, by what Atlas knows of their trouble; every reason cites its rows, and fewer rows weigh less."""
    ordered = sorted(troubles, key=lambda one: (one.kind, one.place, one.row_id))
    reasons = [_churn_reason(kind, list(rows)) for kind, rows in groupby(ordered, key=lambda one: one.kind)]
    score = 1.0 - prod(1.0 - reason.weight for reason in reasons)
    return ChurnRisk(round(score, 4), tuple(sorted(reasons, key=lambda reason: (-reason.weight, reason.kind))))


def _churn_reason(kind: str, rows: Sequence[Trouble]) -> ChurnReason:
    each, unit, most = CHURN[kind]
    # Every row adds, and less and less: ten faults are worse than nine, and no worse than certain.
    left = prod((1.0 - each / most) ** (row.measure / unit) for row in rows)
    return ChurnReason(kind, round(most * (1.0 - left), 4), tuple((row.place, row.row_id) for row in rows))


def reasons_to_hold(customer: Customer, contacts: Iterable[Contact], today: date) -> list[str]:
    """Why an order of this customer waits for a person: a minor, a hit on a list, an address made to be thrown away."""
    domains = {contact.address.rpartition("@")[2] for contact in contacts if contact.channel is Channel.EMAIL}
    found = {
        "minor": customer.birth_date is not None and years_old(customer.birth_date, today) < OF_AGE,
        "sanctions_or_fraud": customer.is_sanctioned,
        "disposable_mail": bool(domains & DISPOSABLE),
        "deceased": customer.state == "deceased",
    }
    return [reason for reason, stands in found.items() if stands]


def years_old(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


# What a customer may let somebody else do for them.
SCOPES: Final = frozenset({"be_told", "order", "pay"})


def the_one_named(words: str, among: Sequence[Customer]) -> CustomerId | None:
    """Whom of several the words name: by number, by whole name, or by a given name that only one of them has."""
    said = set(re.findall(r"[^\W_]+", words.casefold()))

    def named(how: Callable[[Customer], Iterable[str]]) -> list[CustomerId]:
        return [one.id for one in among if (tokens := set(how(one))) and tokens <= said]

    for how in (
        lambda one: [str(one.id)],
        lambda one: re.findall(r"[^\W_]+", one.name.casefold()),
        lambda one: re.findall(r"[^\W_]+", one.given_name.casefold()),
    ):
        found = named(how)
        if found:
            return found[0] if len(found) == 1 else None
    return None


def may_act(roles: Iterable[PartyRole], address: str, wish: str, now: datetime) -> bool:
    """Whether whoever is at this address was given authority for the wish: be_told, order or pay."""
    return any(
        address in address_forms(role.address) and {wish, "everything"} & set(role.may)
        for role in roles
        if role.valid_from <= now and (role.valid_until is None or now < role.valid_until)
    )


def checked_version(customer: Customer, version: int) -> Customer:
    """The customer as the editor saw them. Raises Conflict where somebody changed them since."""
    if customer.version != version:
        raise Conflict(f"customer {customer.id} was changed by somebody else meanwhile (version {customer.version}, you saw {version})")
    return customer


def checked_birth_date(born: date | None, today: date) -> date | None:
    """Raises InvalidField for a day that is still to come, or beyond any life."""
    if born is not None and not 0 <= years_old(born, today) <= LONGEST_LIFE:
        raise InvalidField("birth_date", f"nobody alive was born on {born}")
    return born
