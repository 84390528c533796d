"""When tickets are due, by what was promised and for how long their clocks stood still; looked at again and again."""

from collections.abc import Sequence

from atlas.itsm.reads import pauses_of
from atlas.itsm.records import TicketClock
from atlas.itsm.rules import promised_by
from atlas.itsm.writes import set_due
from atlas.statements import Connection


async def keep_clocks(conn: Connection, clocks: Sequence[TicketClock]) -> int:
    """Each of these tickets that are not over is due when the first of its promises runs out; how many moved."""
    running = [one for one in clocks if one.over_at is None]
    pauses = await pauses_of(conn, [one.ticket_id for one in running])
    dues = {
        one.ticket_id: promised_by(one.since, one.promises, [pause for pause in pauses if pause.ticket_id == one.ticket_id])
        for one in running
    }
    return await set_due(conn, dues) if dues else 0
