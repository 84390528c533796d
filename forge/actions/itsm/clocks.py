"""What can be done to the clock of a ticket: stop it, let it run again, count it anew."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from atlas.itsm import reads, writes
from atlas.itsm.rules import ClockNotPausable, checked_pause, promised_by
from atlas.statements import Connection
from forge.action import Action
from governance.facts import Facts


@dataclass(frozen=True)
class ForTicket(Action):
    """Something about the clock of one ticket; `turn` tells one asking from the next of its kind."""

    ticket: int
    turn: str

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.ticket}:{self.turn}"

    def facts(self) -> Facts:
        return Facts(self.name)


@dataclass(frozen=True)
class PauseClock(ForTicket):
    """Stop the clock of a ticket while it waits for its customer, for access, or for somebody else. `note`: what is waited for.

    It runs again when it is resumed, when the customer who is waited for replies, or after the longest time that its reason allows.
    """

    name: ClassVar[str] = "pause_clock"

    reason: str
    note: str

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NotFound, InvalidField for a reason that is none; ClockNotPausable where it is over, or stands still."""
        await reads.lock_ticket(conn, self.ticket)
        clock, pauses = await reads.clock_of(conn, self.ticket)
        until = now + checked_pause(clock, pauses, self.reason, self.note)
        await writes.pause_clock(conn, self.ticket, self.reason, self.note.strip(), now, until)
        return {"ticket": self.ticket, "until": until.isoformat(), "due": await _due(conn, self.ticket)}


@dataclass(frozen=True)
class ResumeClock(ForTicket):
    """Let the clock of a ticket run again, since `at` where that was before now: when the customer replied, or its time was over."""

    name: ClassVar[str] = "resume_clock"

    because: str
    at: datetime | None = None

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NotFound; ClockNotPausable where it was running."""
        await reads.lock_ticket(conn, self.ticket)
        since = min(self.at or now, now)
        if await writes.resume_clock(conn, self.ticket, since, self.because.strip()[:300] or "it goes on") is None:
            raise ClockNotPausable(self.ticket, f"was running at {since:%Y-%m-%d %H:%M}")
        return {"ticket": self.ticket, "since": since.isoformat(), "due": await _due(conn, self.ticket)}


@dataclass(frozen=True)
class KeepClock(ForTicket):
    """Count anew when a ticket is due: what its lines were promised is another by now. What elapsed and what was paused stays."""

    name: ClassVar[str] = "keep_clock"

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        await reads.lock_ticket(conn, self.ticket)
        return {"ticket": self.ticket, "due": await _due(conn, self.ticket)}


async def _due(conn: Connection, ticket: int) -> str | None:
    """Counted anew, also where the ticket is over: a pause that ended with it lasted no longer."""
    clock, pauses = await reads.clock_of(conn, ticket)
    due = promised_by(clock.since, clock.promises, pauses)
    await writes.set_due(conn, {ticket: due})
    return None if due is None else due.isoformat()


ACTIONS: tuple[type[Action], ...] = (PauseClock, ResumeClock, KeepClock)
