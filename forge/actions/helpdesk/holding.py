"""Who has a conversation: the agents, or one of us. Taking it over and handing it back are orders; the customer hears of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from atlas.errors import Conflict
from atlas.helpdesk import reads, writes
from atlas.helpdesk.records import Conversation
from atlas.identity import ConversationId, CustomerId
from atlas.statements import Connection
from forge.action import Action
from forge.actions.helpdesk.saying import SendMessage
from forge.wording import worded
from governance.facts import Facts


@dataclass(frozen=True)
class TakeConversation(Action):
    """Have a conversation oneself: whoever asks for it holds it from now on, and the agents are silent in it.

    `from_whom` is who held it when that was decided (`agents`, `queue`, or a colleague); `after` the last message by then, by id.
    """

    name: ClassVar[str] = "take_conversation"

    conversation: ConversationId
    customer: CustomerId | None
    from_whom: str
    after: int

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.conversation}:{self.from_whom}:{self.after}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=0 if self.customer is None else 1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises Conflict where somebody else took it meanwhile."""
        owner = await writes.take_conversation(conn, self.conversation, self.from_whom)
        if owner is None:
            raise Conflict(f"conversation {self.conversation} is no longer held by {self.from_whom}")
        told = await _told(conn, self.conversation, self.customer, "taken_over", owner, now)
        return {"owner": owner, "told": told}


@dataclass(frozen=True)
class HandBackConversation(Action):
    """Give a conversation that one holds back to the agents. `after`: the last message by then, by id."""

    name: ClassVar[str] = "hand_back_conversation"

    conversation: ConversationId
    customer: CustomerId | None
    after: int

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.conversation}:{self.after}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=0 if self.customer is None else 1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises Conflict where whoever asks does not hold it."""
        owner = await writes.hand_back(conn, self.conversation)
        if owner is None:
            raise Conflict(f"conversation {self.conversation} is not yours to hand back")
        return {"owner": "agents", "told": await _told(conn, self.conversation, self.customer, "handed_back", "agents:supervisor", now)}


async def _told(
    conn: Connection, conversation_id: ConversationId, customer: CustomerId | None, purpose: str, author: str, now: datetime
) -> bool:
    """Says who is there from now on, in the conversation's language; False where no word can reach them just now."""
    conversation = await reads.conversation(conn, conversation_id)
    last = await reads.last_inbound(conn, conversation_id)
    if last is None or _is_ours_alone(conversation):
        return False
    language = await reads.language_spoken(conn, conversation_id)
    words = worded(purpose, language, {"name": await reads.short_name(conn, author)} if purpose == "taken_over" else {})
    await SendMessage(conversation_id, customer, last, words, author, language).carry_out(conn, now)
    return True


def _is_ours_alone(conversation: Conversation) -> bool:
    """Our own staff's talk with the agents: nobody else is there to be told."""
    return conversation.staff_id is not None


ACTIONS: tuple[type[Action], ...] = (TakeConversation, HandBackConversation)
