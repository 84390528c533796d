"""What can be done to how a line signs in: give it a name and a secret, and take them back."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from atlas.cmdb import reads, writes
from atlas.cmdb.rules import canonical_username
from atlas.errors import Conflict, InvalidField
from atlas.identity import CustomerId, SubscriberId
from atlas.statements import Connection
from forge.action import Action
from forge.sessions import order_disconnects
from governance.facts import DeviceTier, Facts

# 144 bits, as 24 characters: CHAP can be guessed at offline by whoever listens.
SECRET_OCTETS: Final = 18
MOST_AT_ONCE: Final = 100


@dataclass(frozen=True)
class CreateCredential(Action):
    """Let a line sign in at a BNG under a name of its own. The secret is made while it is carried out; no order and no outcome holds it.

    `occasion` (as in order:12) tells this giving of a name from one after its removal.
    """

    name: ClassVar[str] = "create_credential"

    customer: CustomerId
    line: SubscriberId
    username: str
    occasion: str
    simultaneous_use: int = 1

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.line}:{self.username}:{self.occasion}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=1, devices=1, device_tier=DeviceTier.CUSTOMER)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises InvalidField where it is no name or too many at once, Conflict where the name is another's or the line cannot have one."""
        username = canonical_username(self.username)
        if not 1 <= self.simultaneous_use <= MOST_AT_ONCE:
            raise InvalidField("simultaneous_use", f"from 1 to {MOST_AT_ONCE}")
        secret = secrets.token_urlsafe(SECRET_OCTETS)
        if not await writes.create_credential(conn, self.customer, self.line, username, secret, self.simultaneous_use):
            raise Conflict(f"{username} is another line's, or line {self.line} has a name already, or has ended")
        return {"line": self.line, "username": username}


@dataclass(frozen=True)
class RemoveCredential(Action):
    """Forget what a line signs in with: the undoing of CreateCredential, and what is left of a line that has ended."""

    name: ClassVar[str] = "remove_credential"

    customer: CustomerId
    line: SubscriberId
    occasion: str

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.line}:{self.occasion}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=1, devices=1, device_tier=DeviceTier.CUSTOMER)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Ends its session, too. Raises Conflict while the line is in service: nobody is cut off by the way."""
        had = await reads.credential_of(conn, self.line)
        if had is not None and not await writes.remove_credential(conn, self.line):
            raise Conflict(f"line {self.line} is in service")
        await order_disconnects(conn, [self.line], self.operation_key)
        return {"line": self.line, "username": had.username if had else None}


ACTIONS: tuple[type[Action], ...] = (CreateCredential, RemoveCredential)
