"""What can be done for somebody who is no customer yet: take them in and place their first order, in one."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar, Final

from atlas.crm.reads import twins_of_new
from atlas.crm.records import Channel, NewCustomer
from atlas.crm.writes import record_interaction, register_customer
from atlas.errors import AtlasError, InvalidField
from atlas.helpdesk.reads import asked_for_in, conversation, language_spoken
from atlas.helpdesk.records import Conversation
from atlas.identity import ConversationId, CustomerId, OfferingVersionId, PremiseId
from atlas.money import Money
from atlas.oms.reads import offer
from atlas.oms.rules import OfferChanged, checked_offer
from atlas.statements import Connection
from forge.action import Action
from forge.actions.oms.orders import PlaceOrder
from governance.facts import Facts

# As the table of customers has it, until somebody says otherwise.
TIMEZONE: Final = "Europe/London"
LONGEST_NAME: Final = 120


class NeedsAPerson(AtlasError):
    """Somebody of ours must see to this sign-up. Whoever asks hears no more than that: why could be something about somebody else."""

    def __init__(self) -> None:
        super().__init__("somebody of ours has to look at this first")


@dataclass(frozen=True)
class SignUp(Action):
    """Take in whoever writes in a conversation, who is nobody's contact yet, and order a line for them, at the price that was named.

    How they are reached is the address they wrote from: the door knows it, no word of theirs says it.
    """

    name: ClassVar[str] = "sign_up"

    conversation: ConversationId
    called: str
    premise: PremiseId
    code: str
    version: OfferingVersionId
    monthly: Money
    wanted_on: date

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.conversation}:{self.premise}:{self.code}"

    def facts(self) -> Facts:
        return Facts(self.name, money=self.monthly, money_each=self.monthly, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NeedsAPerson where they look like somebody on file or write from nowhere of their own, and what PlaceOrder raises."""
        asks = await self._whoever_asks(conn)
        name, speaks = checked_name(self.called), await language_spoken(conn, self.conversation)
        new = NewCustomer("individual", name, name.split()[0], speaks, TIMEZONE, ((Channel(asks.channel), asks.address or ""),))
        if await twins_of_new(conn, replace(new, premise_id=self.premise)):
            raise NeedsAPerson
        customer = CustomerId(await register_customer(conn, new, at=now))
        await record_interaction(conn, customer, "registered", Channel(asks.channel), "signed up in a conversation", at=now)
        found = checked_offer(await offer(conn, customer, self.premise, self.code, now.date()), self.code)
        if (found.offering_version_id, found.monthly) != (self.version, self.monthly):
            raise OfferChanged(self.code)
        order = PlaceOrder.of(found, max(self.wanted_on, now.date()), f"sign-up:{self.conversation}:{self.premise}:{self.code}")
        return {"customer": customer, **await order.carry_out(conn, now)}

    async def _whoever_asks(self, conn: Connection) -> Conversation:
        """The conversation, which must be the very one this was asked in, of somebody who is reached by it and is nobody's contact."""
        asks = await conversation(conn, self.conversation)
        is_own = await asked_for_in(conn) == self.conversation
        if not is_own or asks.customer_id is not None or not asks.address or asks.channel not in set(Channel):
            raise NeedsAPerson
        return asks


def checked_name(words: str) -> str:
    """A name as it is kept. Raises InvalidField."""
    name = " ".join(words.split())
    if not 2 <= len(name) <= LONGEST_NAME or not name.isprintable() or not any(letter.isalpha() for letter in name):
        raise InvalidField("called", f"a name of 2 to {LONGEST_NAME} letters")
    return name


ACTIONS: tuple[type[Action], ...] = (SignUp,)
