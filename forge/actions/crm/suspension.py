"""A line is cut off at its customer's own wish, for abuse or for fraud, and let in again. For debts there is the ladder."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from atlas.crm.reads import line_standing
from atlas.crm.records import LineStanding
from atlas.crm.rules import checked_summary
from atlas.crm.writes import record_interaction, resume_line, suspend_line
from atlas.errors import Conflict, InvalidField
from atlas.identity import CustomerId, SubscriberId
from atlas.statements import Connection
from forge.action import Action
from forge.sessions import order_disconnects
from governance.facts import Facts

# Why, and how it stands in the customer's timeline.
REASONS: Final = {"voluntary": "suspended at their own wish", "abuse": "suspended for abuse", "fraud": "suspended for fraud"}


@dataclass(frozen=True)
class OnOneLine(Action):
    """What both share: one line, as it stood when it was asked for. Made by `of`."""

    name: ClassVar[str] = "on_one_line"

    customer: CustomerId
    line: SubscriberId
    because: str
    version: int

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.line}:{self.version}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer

    @property
    def touched_customers(self) -> tuple[CustomerId, ...]:
        return (self.customer,)


@dataclass(frozen=True)
class SuspendLine(OnOneLine):
    """Cut one line off: at its next sign-in it is refused, and what is signed in is signed out. `why`: voluntary, abuse or fraud."""

    name: ClassVar[str] = "suspend_line"

    why: str
    touches_vulnerable: bool
    touches_emergency_line: bool

    @classmethod
    async def of(cls, conn: Connection, customer: CustomerId, line: SubscriberId, why: str, because: str) -> Self:
        """Raises NotFound for anybody else's line, InvalidField for another reason, Conflict where it is not in use."""
        if why not in REASONS:
            raise InvalidField("why", f"one of {', '.join(REASONS)}")
        found = await line_standing(conn, customer, line)
        if found.state != "active":
            raise Conflict(f"line {line} is {found.state}")
        return cls(customer, line, checked_summary(because), found.version, why, found.is_vulnerable, found.has_emergency_line)

    def facts(self) -> Facts:
        return Facts(
            self.name,
            customers=1,
            is_disconnection=True,
            touches_vulnerable=self.touches_vulnerable,
            touches_emergency_line=self.touches_emergency_line,
        )

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        found: LineStanding = await line_standing(conn, self.customer, self.line)
        return replace(self, touches_vulnerable=found.is_vulnerable, touches_emergency_line=found.has_emergency_line)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises Conflict where somebody moved the line first."""
        if not await suspend_line(conn, self.customer, self.line, self.version, self.why):
            raise Conflict(f"line {self.line} is no longer as it was")
        signed_out = await order_disconnects(conn, [self.line], self.operation_key)
        said = checked_summary(f"line {self.line} {REASONS[self.why]}: {self.because}"[:200])
        await record_interaction(conn, self.customer, "suspended", None, said, at=now)
        return {"line": self.line, "suspended_for": self.why, "sessions_ended": signed_out}


@dataclass(frozen=True)
class ResumeLine(OnOneLine):
    """Let a line in again that was suspended at its customer's wish or for abuse. One that owes is let in by paying."""

    name: ClassVar[str] = "resume_line"

    @classmethod
    async def of(cls, conn: Connection, customer: CustomerId, line: SubscriberId, because: str) -> Self:
        """Raises NotFound for anybody else's line, Conflict where it is not suspended for one of these."""
        found = await line_standing(conn, customer, line)
        if found.suspended_for not in REASONS:
            raise Conflict(f"line {line} is {found.state}, and not suspended at a wish or for abuse")
        return cls(customer, line, checked_summary(because), found.version)

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises Conflict where somebody moved the line first."""
        if not await resume_line(conn, self.customer, self.line, self.version):
            raise Conflict(f"line {self.line} is no longer as it was")
        await record_interaction(
            conn, self.customer, "resumed", None, checked_summary(f"line {self.line} is in use again: {self.because}"[:200]), at=now
        )
        return {"line": self.line, "state": "active"}


ACTIONS: tuple[type[Action], ...] = (SuspendLine, ResumeLine)
