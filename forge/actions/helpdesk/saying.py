"""What can be said to customers, and what happens when a person is asked for."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar, Self

from pydantic import JsonValue

from atlas.actions.rules import reference
from atlas.errors import Conflict
from atlas.helpdesk import reads, writes
from atlas.helpdesk.records import OWN_CHANNELS, Audience, Conversation, NoticeDraft, Recipient
from atlas.helpdesk.rules import (
    NEXT_WORD,
    AudienceGrew,
    NobodyToTell,
    NotTheirConversation,
    PromiseInThePast,
    check_reply,
    earliest_moment,
    is_past_window,
)
from atlas.identity import ActionId, ConversationId, CustomerId, IncidentId
from atlas.itsm.reads import clock_of
from atlas.itsm.writes import open_request, record_event
from atlas.statements import Connection
from forge.action import Action
from forge.clocks import keep_clocks
from forge.wording import cause_in_words, local_clock, request_in_words, worded
from governance.facts import Facts


@dataclass(frozen=True)
class NotifyOutage(Action):
    """Tell everybody an incident has left without service, once, on the channel they prefer.

    Made by `due_for`, which measures the audience; more people than `customers` are never told.
    """

    name: ClassVar[str] = "notify_outage"

    incident: IncidentId
    customers: int
    told_before: int
    confidence: float
    is_confirmed: bool

    @classmethod
    async def due_for(cls, conn: Connection, incident: IncidentId, now: datetime) -> Self:
        """For whoever is to be told now; `customers` is 0 where there is nobody."""
        return cls(incident, *_measured(await reads.outage_audience(conn, incident, now)))

    @property
    def incident_id(self) -> IncidentId:
        return self.incident

    @property
    def operation_key(self) -> str:
        # A grown audience is another operation: it is judged by its own size.
        return f"{self.name}:{self.incident}:{self.told_before}+{self.customers}"

    def facts(self) -> Facts:
        return Facts(self.name, customers=self.customers, confidence=self.confidence, incident_confirmed=self.is_confirmed)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        return await self.due_for(conn, self.incident, now)

    async def preview(self, conn: Connection, now: datetime) -> tuple[str, ...]:
        return _samples(await reads.outage_recipients(conn, self.incident, now), "outage", now)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        recipients = await reads.outage_recipients(conn, self.incident, now)
        outcome = await _told(conn, self.incident, "outage", recipients, self.customers, now)
        await writes.promise_news(conn, self.incident, now + NEXT_WORD)
        return outcome


@dataclass(frozen=True)
class NotifyRestored(Action):
    """Tell those who were told of the outage, and are back with every line, that it is over for them."""

    name: ClassVar[str] = "notify_restored"

    incident: IncidentId
    customers: int
    told_before: int
    confidence: float
    is_confirmed: bool

    @classmethod
    async def due_for(cls, conn: Connection, incident: IncidentId, now: datetime) -> Self:
        """For whoever is to be told now; `customers` is 0 where there is nobody."""
        return cls(incident, *_measured(await reads.restored_audience(conn, incident, now)))

    @property
    def incident_id(self) -> IncidentId:
        return self.incident

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.incident}:{self.told_before}+{self.customers}"

    def facts(self) -> Facts:
        return Facts(self.name, customers=self.customers, confidence=self.confidence, incident_confirmed=self.is_confirmed)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        return await self.due_for(conn, self.incident, now)

    async def preview(self, conn: Connection, now: datetime) -> tuple[str, ...]:
        return _samples(await reads.restored_recipients(conn, self.incident, now), "restored", now)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        recipients = await reads.restored_recipients(conn, self.incident, now)
        outcome = await _told(conn, self.incident, "restored", recipients, self.customers, now)
        await writes.keep_promise_of_news(conn, self.incident, now)
        return outcome


@dataclass(frozen=True)
class SendMessage(Action):
    """Answer whoever asked, in their own conversation, at the address they wrote from.

    `customer` is the conversation's, None for a stranger or our own staff. `in_reply_to` is the message answered, by id; one answer each.
    """

    name: ClassVar[str] = "send_message"

    conversation: ConversationId
    customer: CustomerId | None
    in_reply_to: int
    words: str
    author: str
    language: str = "en"
    trace: JsonValue = None

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.conversation}:{self.in_reply_to}:{self.author.partition(':')[0]}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=0 if self.customer is None else 1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        conversation = await reads.conversation(conn, self.conversation)
        if conversation.customer_id != self.customer:
            raise NotTheirConversation(self.conversation)
        came_from = await reads.came_from(conn, self.conversation, self.in_reply_to)
        if came_from is not None:
            # Whoever wrote meanwhile by another way gets an answer of their own there.
            conversation = replace(conversation, channel=came_from[0], address=came_from[1])
        is_spoken = conversation.channel == "voice" and await reads.is_on_the_line(conn, self.conversation)
        check_reply(conversation, self.author)
        # They hung up, and nobody is rung back for an answer; or WhatsApp takes none any more: it is written to that very number.
        if (conversation.channel == "voice" and not is_spoken) or is_past_window(conversation, now):
            conversation = replace(conversation, channel="sms")
        message_id = await writes.record_reply(conn, self.conversation, self.words, author=self.author, trace=self.trace or {}, at=now)
        if not is_spoken and conversation.channel not in OWN_CHANNELS:
            await writes.queue_reply(conn, conversation, message_id, self.words, self.language, now)
        return {"message": message_id, "channel": conversation.channel}


@dataclass(frozen=True)
class HandOverToPerson(Action):
    """Give a conversation to people: it leaves the agents, waits in the queue, and a ticket is opened for it, once.

    `after` is the last message so far, by id. `is_urgent`: somebody may be in danger, or has lost an emergency line.
    """

    name: ClassVar[str] = "hand_over_to_person"

    conversation: ConversationId
    customer: CustomerId | None
    after: int
    because: str
    is_urgent: bool = False

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.conversation}:{self.after}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=0 if self.customer is None else 1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        conversation = await reads.conversation(conn, self.conversation)
        if conversation.customer_id != self.customer or not await _is_theirs_to_hand_over(conn, conversation):
            raise NotTheirConversation(self.conversation)
        if conversation.owner != "agents":
            return {"ticket": None, "owner": conversation.owner}
        await writes.change_owner(conn, self.conversation, "queue", self.because)
        title = f"Wants a person: {self.because}"[:200]
        ticket = await open_request(conn, self.customer, title, urgency=1 if self.is_urgent else 3, at=now)
        await keep_clocks(conn, [(await clock_of(conn, ticket))[0]])
        return {"ticket": ticket, "owner": "queue"}


async def _is_theirs_to_hand_over(conn: Connection, conversation: Conversation) -> bool:
    """Of somebody whom we do not know only the conversation itself says that it is theirs: it must be the one they asked in."""
    if conversation.customer_id is not None or not await reads.is_asked_by_customer(conn):
        return True
    return await reads.asked_for_in(conn) == conversation.conversation_id


@dataclass(frozen=True)
class TellRuling(Action):
    """Tell a customer what became of a request that waited for a person: once, in their language, where they asked."""

    name: ClassVar[str] = "tell_ruling"
    # What happened longer ago is no news: after a long standstill nobody is told of last week.
    WITHIN: ClassVar[timedelta] = timedelta(days=2)

    ruled: ActionId
    customer: CustomerId

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.ruled}"

    @property
    def for_customer(self) -> CustomerId:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises Conflict where it has not ended, or was not this customer's to ask."""
        found = await reads.rulings_to_tell(conn, self.WITHIN, 1, self.ruled)
        if not found or found[0].customer_id != self.customer:
            raise Conflict(f"{reference(self.ruled)} is no request of theirs that has ended")
        one, template = found[0], f"ruling_{found[0].state}"
        said = {"reference": reference(one.action_id), "what": request_in_words(one.action, one.language)}
        words = worded(template, one.language, said)
        message_id = await writes.record_reply(conn, one.conversation_id, words, author="system:rulings", trace={}, at=now)
        if one.channel not in OWN_CHANNELS:
            # Who asked in a call reads it: nobody is rung for it.
            channel = "sms" if one.channel == "voice" else one.channel
            await writes.queue_ruling(conn, one, channel, f"{template}.{one.language}", words)
        return {"message": message_id, "channel": one.channel, "state": one.state}


@dataclass(frozen=True)
class RecordPromise(Action):
    """Keep what a customer was promised, and by when, so that somebody is reminded of it."""

    name: ClassVar[str] = "record_promise"

    customer: CustomerId
    promised: str
    due_at: datetime

    @property
    def operation_key(self) -> str:
        said = hashlib.sha256(self.promised.encode()).hexdigest()[:16]
        return f"{self.name}:{self.customer}:{self.due_at.isoformat()}:{said}"

    @property
    def for_customer(self) -> CustomerId:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        if self.due_at <= now:
            raise PromiseInThePast(f"a promise to customer {self.customer} cannot be due at {self.due_at.isoformat()}, which is over")
        return {"promise": await writes.record_promise(conn, self.customer, self.promised, self.due_at), "due_at": self.due_at.isoformat()}


ACTIONS: tuple[type[Action], ...] = (
    NotifyOutage,
    NotifyRestored,
    SendMessage,
    HandOverToPerson,
    TellRuling,
    RecordPromise,
)


def _measured(audience: Audience) -> tuple[int, int, float, bool]:
    return audience.customers, audience.told_before, float(audience.confidence), audience.is_confirmed


async def _told(
    conn: Connection, incident: IncidentId, purpose: str, recipients: Sequence[Recipient], judged: int, now: datetime
) -> dict[str, Any]:
    """Queues the notices; never more than were judged."""
    if not recipients:
        raise NobodyToTell(incident)
    if len(recipients) > judged:
        raise AudienceGrew(incident, judged, len(recipients))
    drafts = [_draft(recipient, purpose, now) for recipient in recipients]
    queued = await writes.queue_notices(conn, incident, purpose, drafts)
    later = sum(draft.not_before > now for draft in drafts)
    by_channel = {channel: sum(draft.channel == channel for draft in drafts) for channel in sorted({draft.channel for draft in drafts})}
    outcome = {"customers": queued, "after_quiet_hours": later, "channels": by_channel}
    await record_event(conn, incident, f"{purpose}_told", now, **outcome)
    return outcome


def _draft(recipient: Recipient, purpose: str, now: datetime) -> NoticeDraft:
    return NoticeDraft(
        customer_id=recipient.customer_id,
        channel=recipient.channel,
        address=recipient.address,
        language=recipient.language,
        words=_worded(recipient, purpose, now),
        not_before=earliest_moment(recipient.channel, now, recipient.quiet_from, recipient.quiet_until, recipient.timezone),
    )


def _samples(recipients: Sequence[Recipient], purpose: str, now: datetime) -> tuple[str, ...]:
    """The words in each language spoken among them, most spoken first."""
    by_language: dict[str, list[Recipient]] = {}
    for recipient in recipients:
        by_language.setdefault(recipient.language, []).append(recipient)
    spoken = sorted(by_language.values(), key=lambda those: -len(those))
    return tuple(_worded(one, purpose, now) for one, *_ in spoken)


def _worded(recipient: Recipient, purpose: str, now: datetime) -> str:
    since = local_clock(recipient.lost_at, recipient.timezone)
    if purpose == "restored":
        return _restored_words(recipient.language, recipient.area, since, local_clock(recipient.restored_at or now, recipient.timezone))
    return _outage_words(recipient.language, recipient.area, since, recipient.cause, local_clock(now + NEXT_WORD, recipient.timezone))


# Neighbours read the same words: a hundred thousand notices are some dozens of texts.
@lru_cache(maxsize=4096)
def _outage_words(language: str, area: str, since: str, cause: str, next_word: str) -> str:
    told = {"area": area, "since": since, "cause": cause_in_words(cause, language), "next_word": next_word}
    return worded("outage", language, told)


@lru_cache(maxsize=4096)
def _restored_words(language: str, area: str, since: str, until: str) -> str:
    return worded("restored", language, {"area": area, "since": since, "until": until})
