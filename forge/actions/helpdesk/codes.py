"""Six digits on their way to an address on file, so that whoever wrote shows that it is theirs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from atlas.helpdesk import reads, writes
from atlas.helpdesk.records import CodeContact, Conversation
from atlas.helpdesk.rules import NoOtherAddress, NotTheirConversation
from atlas.identity import ConversationId, CustomerId
from atlas.statements import Connection
from forge.action import Action
from forge.wording import worded
from governance.facts import Facts


@dataclass(frozen=True)
class SendOneTimeCode(Action):
    """Send six digits to another address of the customer's than the one they write from; once after each message.

    `after` is the last message of the conversation so far, by id. Neither arguments nor outcome hold an address or a digit.
    """

    name: ClassVar[str] = "send_one_time_code"

    conversation: ConversationId
    customer: CustomerId
    after: int

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.conversation}:{self.after}"

    @property
    def for_customer(self) -> CustomerId:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002 - the ten minutes are by the database's clock
        """Raises NoOtherAddress, TooManyCodes, NotTheirConversation."""
        conversation = await reads.conversation(conn, self.conversation)
        if conversation.customer_id != self.customer or conversation.address is None:
            raise NotTheirConversation(self.conversation)
        to = await reads.code_contact(conn, self.customer, conversation.channel, conversation.address)
        if to is None:
            raise NoOtherAddress(self.customer)
        return await _on_its_way(conn, conversation, self.customer, to)


@dataclass(frozen=True)
class SendSignInCode(Action):
    """Send six digits to the address that somebody typed into the chat of the operator's site, which is one of this customer's on file.

    `conversation` is the visitor's, nobody's yet; `contact` the address, by id; `after` the last message so far. They learn nothing by it.
    """

    name: ClassVar[str] = "send_sign_in_code"

    conversation: ConversationId
    customer: CustomerId
    contact: int
    after: int

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.conversation}:{self.after}"

    @property
    def for_customer(self) -> CustomerId:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002 - the ten minutes are by the database's clock
        """Raises NoOtherAddress, TooManyCodes, NotTheirConversation."""
        conversation = await reads.conversation(conn, self.conversation)
        if conversation.customer_id is not None or conversation.channel != "chat" or conversation.address is None:
            raise NotTheirConversation(self.conversation)
        to = await reads.settled_contact(conn, self.customer, self.contact)
        if to is None:
            raise NoOtherAddress(self.customer)
        return await _on_its_way(conn, conversation, self.customer, to)


async def _on_its_way(conn: Connection, conversation: Conversation, customer: CustomerId, to: CodeContact) -> dict[str, Any]:
    """A new code for whoever writes in the conversation, to this address of the customer's; the outcome. Raises TooManyCodes."""
    code = await writes.make_code(conn, conversation, customer, to.channel)
    await writes.queue_code(conn, code, customer, (to.channel, to.address), to.language, worded("one_time_code", to.language, {}))
    return {"channel": to.channel, "expires_in_minutes": 10}


ACTIONS: tuple[type[Action], ...] = (SendOneTimeCode, SendSignInCode)
