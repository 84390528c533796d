"""Who acts for a customer and until when, and which numbers are no longer in the hands they were in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from atlas.crm.reads import recipient
from atlas.crm.records import Channel, PartyRole
from atlas.crm.rules import SCOPES, address_forms, contact_address
from atlas.crm.writes import end_authority, give_role, note_moved_number, record_interaction
from atlas.errors import InvalidField, NotFound
from atlas.identity import CustomerId
from atlas.statements import Connection
from forge.action import Action
from governance.facts import Facts


@dataclass(frozen=True)
class LetSomebodyAct(Action):
    """Record that somebody at `address` may act for the customer: be told, order, or pay, until a moment within a year."""

    name: ClassVar[str] = "let_somebody_act"
    LONGEST: ClassVar[timedelta] = timedelta(days=366)

    customer_id: CustomerId
    called: str
    address: str
    may: tuple[str, ...]
    until: datetime

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.customer_id}:{self.address}:{'+'.join(sorted(self.may))}:{self.until.isoformat()}"

    @property
    def for_customer(self) -> CustomerId:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises InvalidField, naming which of it cannot be."""
        address = contact_address(self.address, "GB")
        known = await recipient(conn, self.customer_id)
        if any(contact.address in address_forms(address) for contact in known.contacts):
            raise InvalidField("address", "this is an address of the customer's own; somebody else has one of theirs")
        if not self.may or not set(self.may) <= SCOPES:
            raise InvalidField("may", f"some of {', '.join(sorted(SCOPES))}")
        if not now < self.until <= now + self.LONGEST:
            raise InvalidField("until", "a day within a year from now")
        if not self.called.strip() or len(self.called) > 200:
            raise InvalidField("called", "the name of whoever it is")
        channel = Channel.EMAIL if "@" in address else Channel.SMS
        role = PartyRole(0, "delegate", self.called.strip(), channel, address, tuple(sorted(self.may)), now, self.until)
        number = await give_role(conn, self.customer_id, role)
        said = f"authority given: may {', '.join(role.may)} until {self.until.date().isoformat()}"
        await record_interaction(conn, self.customer_id, "role", None, said, at=now)
        return {"role": number, "may": list(role.may), "until": self.until.isoformat()}


@dataclass(frozen=True)
class EndAuthority(Action):
    """End what somebody was allowed to do for the customer, from this moment."""

    name: ClassVar[str] = "end_authority"

    customer_id: CustomerId
    role_id: int

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.customer_id}:{self.role_id}"

    @property
    def for_customer(self) -> CustomerId:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NotFound where nobody has it any more."""
        if not await end_authority(conn, self.customer_id, self.role_id, now):
            raise NotFound("authority", self.role_id)
        await record_interaction(conn, self.customer_id, "role", None, "authority ended", at=now)
        return {"role": self.role_id}


@dataclass(frozen=True)
class NoteMovedNumber(Action):
    """Keep that a number moved: to another SIM, another carrier, or another person. For two weeks no code goes there."""

    name: ClassVar[str] = "note_moved_number"

    address: str
    kind: str
    noticed_at: datetime

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.address}:{self.kind}:{self.noticed_at.isoformat()}"

    def facts(self) -> Facts:
        return Facts(self.name)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises InvalidField for what is no address, no kind of move, or still to come."""
        if self.noticed_at > now:
            raise InvalidField("noticed_at", "nobody has noticed what is still to come")
        return {"moved": await note_moved_number(conn, contact_address(self.address, "GB"), self.kind, self.noticed_at)}


ACTIONS: tuple[type[Action], ...] = (LetSomebodyAct, EndAuthority, NoteMovedNumber)
