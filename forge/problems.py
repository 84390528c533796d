"""What no alarm says and somebody must look at, a ticket each: a short pool, a box in two places, a port of nobody, a ticket left waiting.

Level-triggered: each look opens what stands and has no ticket, and closes the tickets whose reason is gone; a second look does nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Final
from uuid import uuid4

import structlog

from atlas.cmdb.reads import boxes_cloned, boxes_moved, pool_forecasts
from atlas.cmdb.records.numbers import Astray, PoolForecast
from atlas.identity import CorrelationId
from atlas.itsm.reads import pauses_run_out, problems, problems_before
from atlas.itsm.records import RunOut
from atlas.nms.reads import port_doubts
from atlas.nms.records import PortDoubt
from atlas.principal import executor
from atlas.statements import Connection
from forge.actions.itsm.incidents import CloseProblem, OpenProblem
from forge.propose import Forge, propose

log = structlog.get_logger()

WATCH: Final = executor("watch")
# As long as it takes to be given addresses: a request to the registry or a transfer, and the routes after it.
LEAD_TIME: Final = timedelta(days=30)
# itsm.ticket counts from 1, the widest and the most urgent, to 4.
WIDE: Final = 2
ONE_LINE: Final = 4


@dataclass(frozen=True)
class Finding:
    """Something that stands, and how pressing it is."""

    about: str
    title: str
    impact: int
    urgency: int


def short_pool(pool: PoolForecast) -> Finding:
    """A pool that gives out nothing now, or will not within the time it takes to fill it."""
    days = LEAD_TIME.days
    said = (
        f"{pool.use.pool} will lack {pool.short_by} numbers within {days} days: {pool.free} are free, {pool.use.due_in} lines are ordered"
    )
    return Finding(f"pool:{pool.use.pool_id}", said, WIDE, 1 if pool.free <= 0 else 2)


def cloned_box(clone: Astray) -> Finding:
    said = f"Security: the box of line {clone.subscriber_id} is signed in at {len(clone.places)} places at once: {', '.join(clone.places)}"
    return Finding(f"line:{clone.subscriber_id}", said, ONE_LINE, 1)


def pause_run_out(one: RunOut) -> Finding:
    """Nobody ended it: the clock runs again, and somebody must take the ticket up."""
    waited_for = {"customer": "its customer", "access": "access", "third_party": "somebody else"}[one.reason]
    said = f"T-{one.ticket_id} waited for {waited_for} as long as it may, its clock runs again"
    return Finding(f"pause:{one.pause_id}", said, ONE_LINE, 2)


def moved_box(moved: Astray) -> Finding:
    """Nobody exchanged it, and yet it is somewhere else: taken along, plugged in next door, or a record that is wrong."""
    said = f"The box of line {moved.subscriber_id} moved and nobody exchanged it: it was seen at {', then at '.join(moved.places)}"
    return Finding(f"moved:{moved.subscriber_id}", said, ONE_LINE, 3)


def ports_in_doubt(bng: str, doubts: Sequence[PortDoubt]) -> Finding:
    """Boxes ask at ports that are nobody's, or at another's. What they say of themselves is no title."""
    refused = sum(one.reason != "other_box" for one in doubts)
    other = len(doubts) - refused
    said = f"At {bng} {refused} ports were refused today and {other} had another line's box: `bedrock radius doubts` lists them"
    return Finding(f"ports:{doubts[0].device_id}", said, ONE_LINE, 2)


async def _found(conn: Connection) -> dict[str, Finding]:
    """All that stands at this moment, by what it is about."""
    short = [short_pool(pool) for pool in await pool_forecasts(conn, LEAD_TIME) if pool.short_by]
    cloned = [cloned_box(one) for one in await boxes_cloned(conn)]
    moved = [moved_box(one) for one in await boxes_moved(conn)]
    by_bng = groupby(await port_doubts(conn, timedelta(days=1)), key=lambda one: one.bng)
    ports = [ports_in_doubt(bng, list(doubts)) for bng, doubts in by_bng]
    waiting = map(pause_run_out, await pauses_run_out(conn))
    return {one.about: one for one in (*short, *cloned, *moved, *ports, *waiting)}


async def look_for_problems(forge: Forge) -> tuple[int, int]:
    """Tickets opened and closed."""
    async with forge.atlas.transaction(WATCH) as conn:
        found = await _found(conn)
        standing = {one.about: one.ticket_id for one in await problems(conn)}
        new = [
            OpenProblem(one.about, one.title, one.impact, one.urgency, await problems_before(conn, one.about))
            for one in found.values()
            if one.about not in standing
        ]
    over = [CloseProblem(about, ticket) for about, ticket in standing.items() if about not in found]
    for action in (*new, *over):
        reason = action.title if isinstance(action, OpenProblem) else "what it was about no longer stands"
        await propose(forge, WATCH, action, reason=reason, correlation_id=CorrelationId(uuid4()))
    if new or over:
        log.info("problems_looked_for", opened=len(new), closed=len(over))
    return len(new), len(over)
