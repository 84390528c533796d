"""What an agent may ask of the helpdesk: what was said, and for a person."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from atlas.errors import NotFound
from atlas.helpdesk import reads
from atlas.helpdesk.records import Conversation, Promise, Told, ToldCount, Waiting
from atlas.identity import ConversationId, CustomerId, IncidentId
from atlas.knowledge.reads import articles_about
from atlas.knowledge.rules import is_stale
from atlas.principal import Assurance, Zone
from cortex.waiting import Weight, in_order
from forge.actions.helpdesk.codes import SendOneTimeCode
from forge.actions.helpdesk.saying import HandOverToPerson, RecordPromise
from forge.propose import Proposed
from tools.turn import Turn, needs

MOST_SHOWN: Final = 50
# Whoever says one of these is in danger, or cannot call for help: nobody waits in a queue with that.
URGENT: Final = ("999", "112", "emergency", "suicid", "kill myself", "hurt myself", "ambulance", "oxygen", "telecare", "medical alarm")


@dataclass(frozen=True)
class WhatWeTold:
    """The exact words we sent, in the order they went out, and how many got each. `incident_id` None: one customer's own notices."""

    incident_id: IncidentId | None
    told: list[ToldCount]


@dataclass(frozen=True)
class InQueue:
    """One conversation that waits for a person; `reasons`: why it goes before others."""

    conversation_id: ConversationId
    customer_id: CustomerId | None
    customer: str | None
    is_vulnerable: bool
    channel: str
    because: str | None
    since: datetime
    last_words: str
    reasons: tuple[str, ...]


@needs(Assurance.VERIFIED)
async def what_did_we_tell(turn: Turn, incident_id: IncidentId | None = None) -> WhatWeTold:
    """The notices we sent, word for word. A customer hears of their own; staff of an incident, with how many got each.

    For staff, `incident_id` left out is the incident that somebody was told of last. Replies to people's own messages are left out.
    """
    if turn.principal.customer_id is not None:
        own = await reads.told_to_customer(turn.conn, turn.customer_id)
        return WhatWeTold(None, [_counted(one) for one in reversed(own) if incident_id is None or one.incident_id == incident_id])
    turn.for_staff_only()
    meant = incident_id or await reads.latest_told_incident(turn.conn)
    if meant is None:
        return WhatWeTold(None, [])
    return WhatWeTold(meant, await reads.told_in_incident(turn.conn, meant))


async def what_did_we_tell_customer(turn: Turn, customer_id: CustomerId) -> list[Told]:
    """The last 20 notices this customer was sent, word for word, newest first. For staff."""
    turn.for_staff_only()
    return await reads.told_to_customer(turn.conn, customer_id)


@dataclass(frozen=True)
class ArticleCited:
    """An article of ours; `is_stale`: nobody has seen to it for a year that it is still true. `version`: 0 is as a file of ours says it."""

    title: str
    words: str
    reviewed_on: date | None
    is_stale: bool
    version: int = 0


@needs(Assurance.UNKNOWN)
async def find_article(turn: Turn, question: str) -> list[ArticleCited]:
    """Our own articles that answer a question of how something is done, the best first; at most two. Cite the title.

    Customers are answered from public articles only, colleagues from all. What articles do not say is not made up: hand over.
    """
    model, vector = await turn.meaning(question) if turn.meaning else ("", None)
    found = await articles_about(turn.conn, question, model, vector, most=2)
    today = turn.now.date()
    return [ArticleCited(one.title, one.words, one.reviewed_on, is_stale(one.reviewed_on, today), one.version) for one in found]


@needs(Assurance.UNKNOWN)
async def hand_over(turn: Turn, reason: str) -> Proposed:
    """Gives the conversation to a person: it leaves the agents, waits in the queue, and a ticket is opened.

    `reason` is what the person will read. Asked for twice, it is done once.
    """
    conversation = await _own_conversation(turn)
    urgent = any(sign in reason.casefold() for sign in URGENT)
    because = reason[:500] or "asked for a person"
    action = HandOverToPerson(conversation.conversation_id, conversation.customer_id, conversation.last_message_id, because, urgent)
    return await turn.propose(action, because)


@needs(Assurance.ADDRESS_ON_FILE)
async def send_code(turn: Turn) -> Proposed:
    """Sends six digits to another address of the customer's that is on file, so that they can show here that it is them.

    Call it when somebody who was asked to verify wishes a code. It takes no address, and does not say to which one it goes.
    """
    conversation = await _own_conversation(turn)
    action = SendOneTimeCode(conversation.conversation_id, turn.customer_id, conversation.last_message_id)
    return await turn.propose(action, "the customer wishes to be verified")


async def who_waits(turn: Turn) -> list[InQueue]:
    """Conversations that wait for a person, in the order in which to help them, with why one goes before others; at most 50. For staff.

    Danger first, then vulnerable customers and emergency lines, distress, anger, complaints; among equals whoever waits longest.
    """
    turn.for_staff_only()
    return [_in_queue(one, weight) for one, weight in in_order(await reads.queue(turn.conn), turn.now)[:MOST_SHOWN]]


async def promise(turn: Turn, customer_id: CustomerId, promised: str, due_at: datetime) -> Proposed:
    """Keeps what this customer was promised and by when, so that it is listed once it is overdue. For staff."""
    turn.for_staff_only()
    return await turn.propose(RecordPromise(customer_id, promised, due_at), f"promised to customer {customer_id}")


async def overdue_promises(turn: Turn) -> list[Promise]:
    """What customers were promised, is due and was not kept, longest overdue first; at most 50. For staff."""
    turn.for_staff_only()
    return await reads.overdue_promises(turn.conn, turn.now)


async def _own_conversation(turn: Turn) -> Conversation:
    """The conversation this turn belongs to; else the last one of whoever asks."""
    found = await reads.own_conversation(turn.conn) if turn.principal.zone is Zone.CUSTOMER else None
    if found is None:
        found = await reads.conversation_of_thread(turn.conn, turn.correlation_id)
    if found is None and turn.principal.customer_id is not None:
        found = await reads.latest_conversation(turn.conn, turn.customer_id)
    if found is None and turn.principal.staff_id is not None:
        found = await reads.latest_conversation_of_staff(turn.conn, turn.staff_id)
    if found is None:
        raise NotFound("conversation", "to hand over")
    return found


def _in_queue(one: Waiting, weight: Weight) -> InQueue:
    return InQueue(
        one.conversation_id,
        one.customer_id,
        one.customer,
        one.is_vulnerable,
        one.channel,
        one.because,
        one.since,
        one.last_words,
        weight.reasons,
    )


def _counted(one: Told) -> ToldCount:
    return ToldCount(
        purpose=one.purpose,
        channel=one.channel,
        language=one.language,
        words=one.words,
        customers=1,
        sent=int(one.state in ("sent", "delivered")),
        failed=int(one.state == "failed"),
        first_queued_at=one.queued_at,
        last_sent_at=one.sent_at,
    )
