"""Clocks of tickets, looked at again and again: a pause that is over ends, and what was promised anew counts.

Level-triggered: a second look does nothing. That a pause ran to its longest is told as a problem (`forge.problems`).
"""

from typing import Final
from uuid import uuid4

from atlas.identity import CorrelationId
from atlas.itsm.reads import clocks, pauses_of, pauses_to_end
from atlas.itsm.rules import promised_by
from atlas.principal import executor
from forge.actions.itsm.clocks import ForTicket, KeepClock, ResumeClock
from forge.propose import Forge, propose

CLOCK: Final = executor("clock")


async def watch_clocks(forge: Forge) -> int:
    """How many clocks run again, or were counted anew."""
    async with forge.atlas.transaction(CLOCK) as conn:
        over = await pauses_to_end(conn, forge.now())
        running = await clocks(conn)
        pauses = await pauses_of(conn, [one.ticket_id for one in running])
    ending = {one.ticket_id for one in over}
    wanted: list[tuple[ForTicket, str]] = [
        (ResumeClock(one.ticket_id, f"pause-{one.pause_id}", one.because, one.at), f"pause {one.pause_id}: {one.because}") for one in over
    ]
    for one in running:
        due = promised_by(one.since, one.promises, [pause for pause in pauses if pause.ticket_id == one.ticket_id])
        if due != one.due_at and one.ticket_id not in ending:
            wanted.append((KeepClock(one.ticket_id, f"due-{due}"), "what its lines were promised is another by now"))
    for action, reason in wanted:
        await propose(forge, CLOCK, action, reason=reason, correlation_id=CorrelationId(uuid4()))
    return len(wanted)
