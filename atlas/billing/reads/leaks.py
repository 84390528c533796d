"""Questions about leaks: what stands, what it costs, and what a line should be like."""

from atlas.billing.records.leaks import Leak, LeakTotal, LineAsCharged
from atlas.errors import NotFound
from atlas.identity import SubscriberId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)

MOST_SHOWN = 100


async def leaks(conn: Connection, most: int = MOST_SHOWN) -> list[Leak]:
    """Every disagreement that stands, the dearest first."""
    return await SQL.all(conn, Leak, "leaks", leak_id=None, most=most)


async def leak(conn: Connection, leak_id: int) -> Leak:
    """Raises NotFound where it is gone, or never was."""
    found = await SQL.first(conn, Leak, "leaks", leak_id=leak_id, most=1)
    if found is None:
        raise NotFound("leak", leak_id)
    return found


async def leak_totals(conn: Connection) -> list[LeakTotal]:
    """How many of each kind stand, and what they cost a month, the dearest kind first."""
    return await SQL.all(conn, LeakTotal, "leak_totals")


async def line_as_charged(conn: Connection, subscriber_id: SubscriberId) -> LineAsCharged:
    """Raises NotFound."""
    found = await SQL.first(conn, LineAsCharged, "line_as_charged", subscriber_id=subscriber_id)
    if found is None:
        raise NotFound("line", subscriber_id)
    return found
