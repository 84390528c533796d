"""When somebody may be written to or called, and who may answer. Pure."""

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from atlas.errors import AtlasError
from atlas.helpdesk.records import Conversation
from atlas.identity import ConversationId, IncidentId

# WhatsApp takes free words only this long after the customer's own last message; later it takes approved templates.
SERVICE_WINDOW: Final = timedelta(hours=24)
# A second message within a day, on whatever channel, is the same case.
SAME_CASE: Final = timedelta(hours=24)
# What an outage notice promises: we write again within this time, whether or not there is news.
NEXT_WORD: Final = timedelta(hours=2)
LONGEST_MESSAGE: Final = 20_000


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


class OutsideServiceWindow(AtlasError):
    """WhatsApp takes no free words more than 24 hours after the customer last wrote."""

    def __init__(self, conversation_id: ConversationId) -> None:
        super().__init__(
            f"conversation {conversation_id}: the customer last wrote more than 24 hours ago; use a template or another channel"
        )
        self.conversation_id = conversation_id


class NotTheirConversation(AtlasError):
    """The conversation belongs to somebody else."""

    def __init__(self, conversation_id: ConversationId) -> None:
        super().__init__(f"conversation {conversation_id} is not this customer's")
        self.conversation_id = conversation_id


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


def check_reply(conversation: Conversation, author: str, now: datetime) -> None:
    """Raises HeldByPerson or OutsideServiceWindow where `author` may not answer in this conversation now."""
    if conversation.owner.startswith("staff:") and author != conversation.owner:
        raise HeldByPerson(conversation.conversation_id, conversation.owner)
    last = conversation.last_inbound_at
    if conversation.channel == "whatsapp" and (last is None or now - last > SERVICE_WINDOW):
        raise OutsideServiceWindow(conversation.conversation_id)
