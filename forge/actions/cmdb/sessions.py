"""What can be done to a session: have its BNG end it, as when it is stuck. The line signs in again by itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from atlas.cmdb import reads
from atlas.errors import Conflict, NotFound
from atlas.identity import CustomerId, SubscriberId
from atlas.statements import Connection
from forge.action import Action
from forge.sessions import order_disconnect
from governance.facts import DeviceTier, Facts

# Asked for twice within this, it is one order.
SAME_ORDER_S: Final = 60


@dataclass(frozen=True)
class DisconnectSession(Action):
    """Have a BNG end one session (RFC 5176). What it answers, ACK or NAK, is kept with the errand and shown with the session.

    Made by `of`, which finds whose it is.
    """

    name: ClassVar[str] = "disconnect_session"

    customer: CustomerId
    line: SubscriberId
    session: int
    touches_vulnerable: bool
    touches_emergency_line: bool
    reason: str
    asked_at: datetime

    @classmethod
    async def of(cls, conn: Connection, session: int, reason: str, now: datetime) -> Self:
        """Raises NotFound, or Conflict where it is over, or its BNG takes no orders of ours."""
        seen = await reads.session_seen(conn, session)
        own = await reads.line_owner(conn, seen.subscriber_id)
        if own is None:
            raise NotFound("line", seen.subscriber_id)
        if seen.ended_at is not None:
            raise Conflict(f"session {session} is over since {seen.ended_at:%Y-%m-%d %H:%M}")
        return cls(seen.customer_id, seen.subscriber_id, session, own.touches_vulnerable, own.touches_emergency_line, reason, now)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.session}:{int(self.asked_at.timestamp()) // SAME_ORDER_S}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer

    def facts(self) -> Facts:
        return Facts(
            self.name,
            customers=1,
            devices=1,
            device_tier=DeviceTier.CUSTOMER,
            touches_vulnerable=self.touches_vulnerable,
            touches_emergency_line=self.touches_emergency_line,
        )

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        return await self.of(conn, self.session, self.reason, self.asked_at)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises Conflict where it is over by now, or its BNG shares no secret with us."""
        if not await order_disconnect(conn, self.line, self.session, self.operation_key):
            raise Conflict(f"session {self.session} is over, or at a BNG that takes no orders of ours")
        return {"session": self.session, "line": self.line, "ordered": "disconnect"}


ACTIONS: tuple[type[Action], ...] = (DisconnectSession,)
