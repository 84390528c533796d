"""What is said to customers and by them: conversations, notices, promises."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

from atlas.identity import ActionId, ConversationId, CustomerId, IncidentId, NoticeId, StaffId

# Channels that only we can see: a message there is delivered when it is written.
OWN_CHANNELS = frozenset({"chat", "console"})


@dataclass(frozen=True)
class Recipient:
    """One customer to be told, on the channel they prefer. `restored_at` None: they are still without service."""

    customer_id: CustomerId
    channel: str
    address: str
    language: str
    timezone: str
    area: str
    cause: str
    lost_at: datetime
    restored_at: datetime | None
    quiet_from: time | None
    quiet_until: time | None


@dataclass(frozen=True)
class Audience:
    """How many would be told, how many were told before, and how sure we are of the incident. `confidence` is rounded down to a tenth."""

    customers: int
    told_before: int
    confidence: float
    is_confirmed: bool


@dataclass(frozen=True)
class Standing:
    """How sure we are of an incident, and how many notices of one purpose it has led to."""

    confidence: float
    is_confirmed: bool
    told_before: int


@dataclass(frozen=True)
class NoticeDraft:
    """Exact words for one customer; `not_before` keeps a voice call out of their quiet hours."""

    customer_id: CustomerId
    channel: str
    address: str
    language: str
    words: str
    not_before: datetime


@dataclass(frozen=True)
class Told:
    """One notice: the exact words, to whom, how, and what became of it."""

    notice_id: NoticeId
    customer_id: CustomerId | None
    incident_id: IncidentId | None
    purpose: str
    channel: str
    language: str
    words: str
    state: str
    queued_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True)
class ToldCount:
    """How many were told the same words. `words` are exactly those."""

    purpose: str
    channel: str
    language: str
    words: str
    customers: int
    sent: int
    failed: int
    first_queued_at: datetime
    last_sent_at: datetime | None


@dataclass(frozen=True)
class Conversation:
    """One thread with one person, whatever channel they use. `owner` is agents, queue, or staff:ID: one at a time."""

    conversation_id: ConversationId
    thread: UUID
    customer_id: CustomerId | None
    staff_id: StaffId | None
    channel: str
    address: str | None
    owner: str
    handed_over_because: str | None
    opened_at: datetime
    last_at: datetime
    last_message_id: int
    last_inbound_at: datetime | None


@dataclass(frozen=True)
class Message:
    """One message of a conversation, as it was written."""

    message_id: int
    at: datetime
    is_from_us: bool
    author: str
    words: str
    trace: Any


@dataclass(frozen=True)
class Inbound:
    """Where an inbound message was put. `is_new` False: the provider had delivered it before."""

    conversation_id: ConversationId
    thread: UUID
    message_id: int
    is_new: bool


@dataclass(frozen=True)
class Unanswered:
    """A message in the inbox that waits for an answer, and how surely we know who wrote it.

    `tries` counts earlier attempts; `is_due`: the pause after the last one is over. `code_mac` is of six digits that were taken out of the
    words. `is_verified`: a code was right for this very address within the hour.
    `is_choice`: they said which of several customers they are.
    """

    inbox_id: int
    message_id: int
    at: datetime
    words: str
    channel: str
    address: str
    media: int
    tries: int
    is_due: bool
    code_mac: bytes | None
    conversation_id: ConversationId
    thread: UUID
    customer_id: CustomerId | None
    language: str
    owner: str
    is_verified: bool
    staff_id: StaffId | None = None
    is_choice: bool = False


@dataclass(frozen=True)
class BeingDone:
    """A message of a colleague's that is being answered; `step` is what is done about it, as module or module.tool, or nothing yet."""

    message_id: int
    step: str


@dataclass(frozen=True)
class BeingAnswered:
    """A message that is being answered; `so_far` is what may be read already of the answer, or nothing yet."""

    message_id: int
    so_far: str


@dataclass(frozen=True)
class SetAside:
    """What the inbox could not do anything with: a message parked after its last try, or word of a message that nobody sent."""

    inbox_id: int
    provider: str
    provider_id: str
    kind: str
    state: str
    tries: int
    error_kind: str
    received_at: datetime
    conversation_id: ConversationId | None


@dataclass(frozen=True)
class Media:
    """A picture or a recording that came with a message: where the provider keeps it. Nothing is fetched."""

    url: str
    content_type: str


@dataclass(frozen=True)
class CodeContact:
    """Where a one-time code may go, and in which language."""

    channel: str
    address: str
    language: str


@dataclass(frozen=True)
class CodeTried:
    """The newest code of a conversation, which this try was counted against."""

    code_id: int
    seed: UUID


@dataclass(frozen=True)
class Waiting:
    """A conversation that waits for a person. `lately`: what they wrote last, newest first; `unanswered`: how often since our last word.

    `is_flagged`: words in it gave our agents orders, and no colleague has been there since.
    """

    conversation_id: ConversationId
    customer_id: CustomerId | None
    customer: str | None
    is_vulnerable: bool
    channel: str
    because: str | None
    since: datetime
    last_words: str
    has_emergency_line: bool
    lately: tuple[str, ...]
    unanswered: int
    is_flagged: bool = False


@dataclass(frozen=True)
class Promise:
    """What a customer was promised, and by when."""

    promise_id: int
    customer_id: CustomerId
    promised: str
    due_at: datetime
    kept_at: datetime | None


@dataclass(frozen=True)
class PhoneCall:
    """One call by telephone. `customer_id`: whose number it is, which is a claim; `turns`: how often the caller has spoken.

    `staff_id`: the engineer whose number it is, a claim until `staff_known_at`, when their PIN was right.
    """

    call_id: int
    provider_id: str
    address: str
    customer_id: CustomerId | None
    conversation_id: ConversationId | None
    language: str
    turns: int
    spoken_up_to: int
    began_at: datetime
    connected_at: datetime | None
    transferred_at: datetime | None
    ended_at: datetime | None
    staff_id: StaffId | None
    staff_known_at: datetime | None


@dataclass(frozen=True)
class InInbox:
    """A conversation as a person sees it among others. `is_answered`: the last word was ours; `holder`: the colleague who has it."""

    conversation_id: ConversationId
    customer_id: CustomerId | None
    customer: str | None
    is_vulnerable: bool
    channel: str
    owner: str
    holder: str | None
    because: str | None
    since: datetime
    last_words: str
    is_answered: bool
    is_on_the_line: bool
    has_emergency_line: bool
    lately: tuple[str, ...]
    unanswered: int
    is_flagged: bool = False


@dataclass(frozen=True)
class RulingToTell:
    """A request of a customer's that waited for a person and has ended; `channel` and `address` are where they asked."""

    action_id: ActionId
    action: str
    state: str
    customer_id: CustomerId
    language: str
    conversation_id: ConversationId
    channel: str
    address: str | None
