"""What a look at the lines found, written down: measured, and no effect of anybody's order."""

from collections.abc import Sequence

from atlas.billing.records.leaks import Looked
from atlas.identity import SubscriberId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def take_leak_looks(conn: Connection, most: int) -> list[SubscriberId]:
    """The lines of which something changed since they were last looked at, at most so many entries; taken off the list."""
    return [*await SQL.value(conn, "take_leak_looks", most=most)]


async def record_leaks(conn: Connection, lines: Sequence[SubscriberId] | None) -> Looked:
    """Keeps what stands of these lines, or of all: new disagreements are found, ended ones gone."""
    ids = None if lines is None else list(lines)
    return await SQL.one(conn, Looked, "record_leaks", lines=len(ids or ()), subscriber_ids=ids)
