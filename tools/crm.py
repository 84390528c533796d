"""What an agent may ask of what we know of a customer, and how a customer says how they wish to be reached."""

from dataclasses import replace
from datetime import date, datetime, time
from typing import Literal

from atlas.crm import reads
from atlas.crm.records import Channel, ChurnRisk, Consent, CustomerFound, CustomerPage, Likeness, OwnDetails, PartyRole, Purpose, QuietHours
from atlas.crm.rules import checked_quiet_hours, checked_summary, masked, way_to_reach
from atlas.identity import CustomerId, SubscriberId
from atlas.principal import Assurance
from forge.actions.crm.authority import EndAuthority, LetSomebodyAct, NoteMovedNumber
from forge.actions.crm.customers import MergeCustomers, RecordContactPreference, RecordInteraction, UndoMerge
from forge.actions.crm.suspension import ResumeLine, SuspendLine
from forge.propose import Proposed
from tools.turn import Turn, needs


@needs(Assurance.VERIFIED)
async def my_details(turn: Turn) -> OwnDetails:
    """The customer's lines, plans, contact preferences, and where they hear of outages. Addresses are masked; no debts."""
    known = await reads.recipient(turn.conn, turn.customer_id)
    way = way_to_reach(known.customer, known.contacts, known.consents, Purpose.SERVICE)
    return OwnDetails(
        given_name=known.customer.given_name,
        language=known.customer.language,
        services=tuple(await reads.services_held(turn.conn, turn.customer_id)),
        contacts=tuple(replace(contact, address=masked(contact.address)) for contact in known.contacts),
        consents=known.consents,
        reached_by=way.channel if way else None,
    )


@needs(Assurance.ADDRESS_ON_FILE)
async def stop_messages(turn: Turn, purpose: Purpose | None = None, channel: Channel | None = None) -> Proposed:
    """Stops messages to the customer: for one purpose or all, over one channel or all. Left out means all, outage notices too."""
    return await turn.propose(_preference(turn, purpose, channel, is_given=False), "the customer asks for no more messages")


@needs(Assurance.ADDRESS_ON_FILE)
async def start_messages(turn: Turn, purpose: Purpose | None = None, channel: Channel | None = None) -> Proposed:
    """Starts messages to the customer again: for one purpose or all but marketing, over one channel or all.

    Marketing starts only where the customer names it.
    """
    return await turn.propose(_preference(turn, purpose, channel, is_given=True), "the customer asks for messages again")


@needs(Assurance.VERIFIED)
async def prefer_channel(turn: Turn, channel: Channel) -> Proposed:
    """Makes this channel the one over which the customer is reached first. Fails where no address for it is on file."""
    wish = RecordContactPreference(turn.customer_id, _source(turn), preferred=channel)
    return await turn.propose(wish, "the customer names the channel they prefer")


@needs(Assurance.VERIFIED)
async def keep_quiet(turn: Turn, start: time, end: time) -> Proposed:
    """Keeps messages away between two times of day by the customer's own clock, such as 22:00 and 07:00."""
    wish = RecordContactPreference(turn.customer_id, _source(turn), quiet_hours=checked_quiet_hours(QuietHours(start, end)))
    return await turn.propose(wish, "the customer names hours in which not to be disturbed")


@needs(Assurance.VERIFIED)
async def who_acts_for_me(turn: Turn) -> list[PartyRole]:
    """Whom the customer lets act for them now: their number, name, what for and until when. Addresses are masked."""
    roles = await reads.party_roles(turn.conn, turn.customer_id)
    now = [one for one in roles if one.role == "delegate" and (one.valid_until is None or one.valid_until > turn.now)]
    return [replace(one, address=masked(one.address)) for one in now]


@needs(Assurance.VERIFIED)
async def let_somebody_act(turn: Turn, who: str, contact: str, scope: Literal["be_told", "order", "pay"], until: date) -> Proposed:
    """Records that somebody else may act for the customer: be told, order, or pay, to the end of a day within a year.

    `contact` is that person's own phone number or mail address: they ask from there, with a code that goes to the customer.
    """
    ends = datetime.combine(until, time(23, 59), turn.now.tzinfo)
    given = LetSomebodyAct(turn.customer_id, who, contact, (scope,), ends)
    return await turn.propose(given, "the customer lets somebody act for them")


@needs(Assurance.VERIFIED)
async def no_longer_acts(turn: Turn, role_id: int) -> Proposed:
    """Ends what somebody was let do for the customer, from this moment. `role_id` is the number in who_acts_for_me."""
    return await turn.propose(EndAuthority(turn.customer_id, role_id), "the customer ends what somebody may do for them")


async def may_act_for(turn: Turn, customer_id: CustomerId, contact: str) -> list[str]:
    """What somebody at this phone number or mail address may do for a customer now: be_told, order, pay; nothing at all is an empty list.

    For staff: ask it before saying anything to whoever calls for somebody else.
    """
    turn.for_staff_only()
    return sorted(await reads.scopes_from(turn.conn, customer_id, contact, turn.now) or ())


async def number_moved(turn: Turn, contact: str, kind: Literal["sim", "ported", "other_holder"]) -> Proposed:
    """Keeps that a phone number moved: to another SIM, another carrier, or another person. For staff. No code goes there for two weeks."""
    turn.for_staff_only()
    return await turn.propose(NoteMovedNumber(contact, kind, turn.now), "a colleague noticed that the number moved")


async def find_customer(turn: Turn, words: str) -> list[CustomerFound]:
    """Customers by number, phone, mail address or part of a name, at most 20. For staff; several answers mean: ask which one."""
    turn.for_staff_only()
    return await reads.customers_like(turn.conn, words)


async def show_customer(turn: Turn, customer_id: CustomerId) -> CustomerPage:
    """Everything about one customer: lines, outages at them, tickets, visits, balance, consents, last messages. For staff."""
    turn.for_staff_only()
    return await reads.customer_page(turn.conn, customer_id, turn.now)


async def note_interaction(turn: Turn, customer_id: CustomerId, kind: str, summary: str) -> Proposed:
    """Keeps one line of what passed between us and a customer, such as a call. For staff; lines are never changed later."""
    turn.for_staff_only()
    note = RecordInteraction(customer_id, kind, checked_summary(summary), _source(turn))
    return await turn.propose(note, "a member of staff notes what was said")


async def possible_twins(turn: Turn, customer_id: CustomerId) -> list[Likeness]:
    """Other records that may be the same person as this customer, likeliest first, with a score from 0 to 1 and why. For staff.

    A name and an address alone are never enough: families share both.
    """
    turn.for_staff_only()
    return await reads.twins_of(turn.conn, customer_id)


async def merge_records(turn: Turn, customer_id: CustomerId, absorbed: CustomerId) -> Proposed:
    """Asks that the record `absorbed` go into this customer's: lines, tickets, contacts and what is owed follow. For staff.

    A colleague has to agree. Refused, with what is to be settled first, while orders are open, a charge is disputed, or one is suspended.
    """
    turn.for_staff_only()
    return await turn.propose(await MergeCustomers.of(turn.conn, customer_id, absorbed), "two records of one person")


async def undo_merge(turn: Turn, merge_id: int) -> Proposed:
    """Asks that a merge be taken back: two people after all. What followed goes back, and so does what was owed. For staff."""
    turn.for_staff_only()
    return await turn.propose(await UndoMerge.of(turn.conn, merge_id), "two records were merged that are two people")


async def suspend_line(
    turn: Turn, customer_id: CustomerId, line: SubscriberId, why: Literal["voluntary", "abuse", "fraud"], reason: str
) -> Proposed:
    """Asks that one line be cut off: at the customer's own wish (voluntary), for abuse or for fraud. For staff; a care lead has to agree.

    Never for a debt, and never for whoever is vulnerable or has an emergency line. Its days are charged or not by policy, for that reason.
    """
    turn.for_staff_only()
    return await turn.propose(await SuspendLine.of(turn.conn, customer_id, line, why, reason), reason)


async def resume_line(turn: Turn, customer_id: CustomerId, line: SubscriberId, reason: str) -> Proposed:
    """Lets a line in again that was suspended at its customer's wish, for abuse or fraud. For staff. One that owes is let in by paying."""
    turn.for_staff_only()
    return await turn.propose(await ResumeLine.of(turn.conn, customer_id, line, reason), reason)


async def risk_of_leaving(turn: Turn, customer_id: CustomerId) -> ChurnRisk:
    """How likely this customer is to leave, from 0 to 1, with each reason, its weight and the rows it rests on. For staff."""
    turn.for_staff_only()
    return await reads.risk_of_leaving(turn.conn, customer_id, turn.now)


def _preference(turn: Turn, purpose: Purpose | None, channel: Channel | None, *, is_given: bool) -> RecordContactPreference:
    purposes = [purpose] if purpose else [one for one in Purpose if not (is_given and one is Purpose.MARKETING)]
    channels = [channel] if channel else list(Channel)
    consents = tuple(Consent(one, over, is_given) for one in purposes for over in channels)
    return RecordContactPreference(turn.customer_id, _source(turn), consents=consents)


def _source(turn: Turn) -> str:
    return f"conversation:{turn.correlation_id}"
