"""Questions about what was said, to whom, and who is to be told."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from atlas.errors import NotFound
from atlas.helpdesk.records import (
    Audience,
    BeingAnswered,
    BeingDone,
    CodeContact,
    Conversation,
    InInbox,
    Message,
    PhoneCall,
    Promise,
    Recipient,
    RulingToTell,
    SetAside,
    Standing,
    Told,
    ToldCount,
    Unanswered,
    Waiting,
)
from atlas.helpdesk.rules import CONTACT_SETTLED, NUMBER_MOVED
from atlas.identity import ActionId, ConversationId, CustomerId, IncidentId, StaffId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)

# How long an address has been as it is before a code goes there.
LONG_ENOUGH: Final = {"settled": CONTACT_SETTLED, "moved": NUMBER_MOVED}


async def outage_recipients(conn: Connection, incident_id: IncidentId, now: datetime) -> list[Recipient]:
    """Active customers who are without service in an incident in progress, may be told, and were not told yet; by customer."""
    return await SQL.all(conn, Recipient, "outage_recipients", incident_id=incident_id, now=now)


async def restored_recipients(conn: Connection, incident_id: IncidentId, now: datetime) -> list[Recipient]:
    """Customers who were told of the outage, are back with every line, and were not told so yet; by customer."""
    return await SQL.all(conn, Recipient, "restored_recipients", incident_id=incident_id, now=now)


async def outage_audience(conn: Connection, incident_id: IncidentId, now: datetime) -> Audience:
    return await _audience(conn, incident_id, "outage", len(await outage_recipients(conn, incident_id, now)))


async def restored_audience(conn: Connection, incident_id: IncidentId, now: datetime) -> Audience:
    return await _audience(conn, incident_id, "restored", len(await restored_recipients(conn, incident_id, now)))


async def told_in_incident(conn: Connection, incident_id: IncidentId, most: int = 40) -> list[ToldCount]:
    """The exact words sent in an incident with how many got each, in the order they went out."""
    return await SQL.all(conn, ToldCount, "told_in_incident", incident_id=incident_id, most=most)


async def told_to_customer(conn: Connection, customer_id: CustomerId, most: int = 20) -> list[Told]:
    """The notices one customer was sent, newest first; replies to their own messages left out."""
    return await SQL.all(conn, Told, "told_to_customer", customer_id=customer_id, most=most)


async def conversation(conn: Connection, conversation_id: ConversationId) -> Conversation:
    """Raises NotFound where there is none that the caller may see."""
    found = await _conversation(conn, conversation_id=conversation_id)
    if found is None:
        raise NotFound("conversation", conversation_id)
    return found


async def conversation_of_thread(conn: Connection, thread: UUID) -> Conversation | None:
    return await _conversation(conn, thread=thread)


async def own_conversation(conn: Connection) -> Conversation | None:
    """The conversation that a customer's principal was signed for, known or not; None where it was signed for none."""
    return await SQL.first(conn, Conversation, "own_conversation")


async def is_asked_by_customer(conn: Connection) -> bool:
    """Whether somebody at the customers' door asked for the claimed action."""
    return bool(await SQL.value(conn, "is_asked_by_customer"))


async def asked_for_in(conn: Connection) -> ConversationId | None:
    """The conversation in which whoever asked for the claimed action was; None where they were in none."""
    found = await SQL.value(conn, "asked_for_in")
    return None if found is None else ConversationId(found)


async def came_from(conn: Connection, conversation_id: ConversationId, message_id: int) -> tuple[str, str] | None:
    """The channel and address of an inbound message of this conversation; None where it has none of its own."""
    found = await SQL.column(conn, "came_from", conversation_id=conversation_id, message_id=message_id)
    return (found[0][0], found[0][1]) if found else None


async def letters_since(conn: Connection, conversation_id: ConversationId, channel: str, address: str) -> int:
    """How many messages came from this address in the hour up to the latest of the conversation."""
    return int(await SQL.value(conn, "letters_since", conversation_id=conversation_id, channel=channel, address=address))


async def awaits_code(conn: Connection, channel: str, address: str) -> bool:
    return bool(await SQL.value(conn, "awaits_code", channel=channel, address=address))


async def sign_in_contact(conn: Connection, customer_id: CustomerId, addresses: Sequence[str]) -> int | None:
    """The contact at an address that somebody typed, where it has been this customer's for CONTACT_SETTLED and may be written to."""
    found = await SQL.value(
        conn, "sign_in_contact", customer_id=customer_id, addresses=list(addresses), settled=CONTACT_SETTLED, moved=NUMBER_MOVED
    )
    return None if found is None else int(found)


async def settled_contact(conn: Connection, customer_id: CustomerId, contact_id: int) -> CodeContact | None:
    """This contact, where it is the customer's and has not changed for CONTACT_SETTLED."""
    return await SQL.first(
        conn, CodeContact, "settled_contact", customer_id=customer_id, contact_id=contact_id, settled=CONTACT_SETTLED, moved=NUMBER_MOVED
    )


async def visitor(conn: Connection, visitor: str) -> CustomerId | None:
    """The customer for whom a code was right at this browser within half a day; None while it is nobody's."""
    found = await SQL.value(conn, "visitor", visitor=visitor)
    return None if found is None else CustomerId(found)


async def code_of_visitor(conn: Connection, visitor: str) -> ConversationId | None:
    """The conversation in which a code for this browser is awaited."""
    found = await SQL.value(conn, "code_of_visitor", visitor=visitor)
    return None if found is None else ConversationId(found)


async def said_to_visitor(conn: Connection, visitor: str, after: int, late: timedelta, most: int = 100) -> list[Message]:
    """What was said from one browser within half a day and what was answered there, from `after` on, oldest first.

    `late`: whatever is no older than this comes too, before `after` or not.
    """
    return await SQL.all(conn, Message, "said_to_visitor", visitor=visitor, after=after, late=late, most=most)


async def being_done_for_visitor(conn: Connection, visitor: str) -> list[BeingAnswered]:
    """The messages from one browser that wait for an answer, oldest first."""
    return await SQL.all(conn, BeingAnswered, "being_done_for_visitor", visitor=visitor)


async def chosen_at(conn: Connection, channel: str, address: str, among: Sequence[CustomerId], now: datetime) -> CustomerId | None:
    """Whom of these customers it was that wrote from an address they share, within half a day."""
    found = await SQL.value(conn, "chosen_at", channel=channel, address=address, customer_ids=list(among), now=now)
    return None if found is None else CustomerId(found)


async def asked_which_at(conn: Connection, channel: str, address: str, now: datetime) -> bool:
    """Whether somebody at this address was asked within the hour which of several customers they are."""
    return bool(await SQL.value(conn, "asked_which_at", channel=channel, address=address, now=now))


async def left_to_say(conn: Connection, conversation_id: ConversationId, message_id: int) -> str:
    """What was left of a list that was being read aloud right before this message; empty where nothing was."""
    return str(await SQL.value(conn, "left_to_say", conversation_id=conversation_id, message_id=message_id) or "")


async def asked_as_nobody(conn: Connection, channel: str, address: str, now: datetime) -> str:
    """The last that was asked from this address before it was said who asks; empty where there is nothing."""
    return str(await SQL.value(conn, "asked_as_nobody", channel=channel, address=address, now=now) or "")


async def is_verified_at(conn: Connection, conversation_id: ConversationId, channel: str, address: str) -> bool:
    """Whether a code was right for this very address within the hour."""
    return bool(await SQL.value(conn, "is_verified_at", conversation_id=conversation_id, channel=channel, address=address))


async def code_contact(conn: Connection, customer_id: CustomerId, not_channel: str, not_address: str) -> CodeContact | None:
    """Where to send a code that verifies another address; None where nothing will do.

    By another channel, to what has not changed for CONTACT_SETTLED and was not opted out of; another address goes before the same number.
    """
    return await SQL.first(
        conn,
        CodeContact,
        "code_contact",
        customer_id=customer_id,
        not_channel=not_channel,
        not_address=not_address,
        **LONG_ENOUGH,
    )


async def unanswered(conn: Connection, conversation_id: ConversationId) -> list[Unanswered]:
    """The messages of a conversation that wait for an answer, oldest first; at most 20."""
    return await SQL.all(conn, Unanswered, "unanswered", conversation_id=conversation_id)


async def conversations_waiting(conn: Connection) -> list[ConversationId]:
    """Conversations with a message that nobody has begun on for two seconds, or whose last try failed a while ago."""
    return await SQL.column(conn, "conversations_waiting")


async def question_before(conn: Connection, conversation_id: ConversationId, message_id: int) -> str | None:
    """What they last asked before this message, within the hour: neither a code nor the wish for one."""
    found = await SQL.value(conn, "question_before", conversation_id=conversation_id, message_id=message_id)
    return None if found is None else str(found)


async def set_aside(conn: Connection, most: int = 100) -> list[SetAside]:
    """Messages that were parked, and word of messages that nobody sent; the latest first."""
    return await SQL.all(conn, SetAside, "set_aside", most=most)


async def latest_conversation(conn: Connection, customer_id: CustomerId) -> Conversation | None:
    """The customer's most recent conversation."""
    return await _conversation(conn, customer_id=customer_id)


async def latest_conversation_of_staff(conn: Connection, staff_id: StaffId) -> Conversation | None:
    return await _conversation(conn, staff_id=staff_id)


async def messages(conn: Connection, conversation_id: ConversationId, most: int = 50) -> list[Message]:
    """The latest messages of a conversation, oldest of them first."""
    return await SQL.all(conn, Message, "messages", conversation_id=conversation_id, most=most)


async def messages_of_staff(conn: Connection, staff_id: StaffId, after: int = 0, before: int = 2**62, most: int = 40) -> list[Message]:
    """What a member of staff and the agents said to one another between two messages, whatever the conversation; oldest first."""
    return await SQL.all(conn, Message, "messages_of_staff", staff_id=staff_id, after=after, before=before, most=most)


async def being_done_for_staff(conn: Connection, staff_id: StaffId) -> list[BeingDone]:
    """The messages of theirs that wait for an answer, oldest first."""
    return await SQL.all(conn, BeingDone, "being_done_for_staff", staff_id=staff_id)


async def queue(conn: Connection, most: int = 500) -> list[Waiting]:
    """Conversations that wait for a person: vulnerable customers first, then whoever waits longest."""
    return await SQL.all(conn, Waiting, "queue", most=most)


async def overdue_promises(conn: Connection, now: datetime, most: int = 50) -> list[Promise]:
    """What was promised, is due and was not kept, longest overdue first."""
    return await SQL.all(conn, Promise, "overdue_promises", now=now, most=most)


async def latest_told_incident(conn: Connection) -> IncidentId | None:
    """The incident that somebody was told of last."""
    found = await SQL.value(conn, "latest_told_incident")
    return None if found is None else IncidentId(found)


async def _conversation(conn: Connection, **whose: object) -> Conversation | None:
    asked = {"conversation_id": None, "thread": None, "customer_id": None, "staff_id": None, **whose}
    return await SQL.first(conn, Conversation, "conversation", **asked)


async def _audience(conn: Connection, incident_id: IncidentId, purpose: str, customers: int) -> Audience:
    standing = await SQL.first(conn, Standing, "incident_standing", incident_id=incident_id, purpose=purpose)
    if standing is None:
        raise NotFound("incident", incident_id)
    return Audience(customers, standing.told_before, standing.confidence, standing.is_confirmed)


async def phone_call(conn: Connection, provider_id: str) -> PhoneCall:
    """Raises NotFound."""
    found = await SQL.first(conn, PhoneCall, "call", provider_id=provider_id)
    if found is None:
        raise NotFound("call", provider_id)
    return found


async def replies_after(conn: Connection, conversation_id: ConversationId, message_id: int) -> list[Message]:
    """What we, or a person for us, wrote in the conversation after this message, oldest first."""
    return await SQL.all(conn, Message, "replies_after", conversation_id=conversation_id, message_id=message_id)


async def replies_to(conn: Connection, reference: str) -> list[Message]:
    """What was answered since the message that its sender knows by this reference, oldest first."""
    return await SQL.all(conn, Message, "replies_to", reference=reference)


async def conversation_owner(conn: Connection, conversation_id: ConversationId) -> str:
    """`agents`, `queue`, or `staff:` with who has it; `agents` too while their last answer is still on its way."""
    return str(await SQL.value(conn, "conversation_owner", conversation_id=conversation_id))


async def handed_over_because(conn: Connection, conversation_id: ConversationId) -> str:
    """Why the agents gave it to people; empty where they did not."""
    return str(await SQL.value(conn, "handed_over_because", conversation_id=conversation_id) or "")


async def is_on_the_line(conn: Connection, conversation_id: ConversationId) -> bool:
    """Whether the caller of this conversation still holds the line, so that what is written is spoken."""
    return bool(await SQL.value(conn, "is_on_the_line", conversation_id=conversation_id))


async def last_inbound(conn: Connection, conversation_id: ConversationId) -> int | None:
    """The last message that is not ours, by id."""
    found: int | None = await SQL.value(conn, "last_inbound", conversation_id=conversation_id)
    return found


async def language_spoken(conn: Connection, conversation_id: ConversationId) -> str:
    """What language the conversation is in."""
    return str(await SQL.value(conn, "language_spoken", conversation_id=conversation_id))


async def short_name(conn: Connection, reference: str) -> str:
    """The first name of the member of staff of this reference, as in `staff:7`."""
    return str(await SQL.value(conn, "short_name", reference=reference) or "")


async def inbox(conn: Connection, since: datetime, most: int = 60) -> list[InInbox]:
    """Every conversation that waits for a person or has one, and those of the agents since then: who waits first."""
    return await SQL.all(conn, InInbox, "inbox", since=since, most=most)


async def correspondent(conn: Connection, conversation_id: ConversationId) -> str:
    """The customer's name; empty for somebody we do not know."""
    return str(await SQL.value(conn, "correspondent", conversation_id=conversation_id) or "")


async def rulings_to_tell(conn: Connection, within: timedelta, most: int = 50, action_id: ActionId | None = None) -> list[RulingToTell]:
    """Requests of customers that a person ruled on, or that lapsed, within this time, and that they were not told of; the oldest first."""
    return await SQL.all(conn, RulingToTell, "rulings_to_tell", within=within, most=most, action_id=action_id)
