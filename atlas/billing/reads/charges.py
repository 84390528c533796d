"""Questions about what is charged."""

from atlas.billing.records.charges import Charge
from atlas.identity import SubscriberId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def charges_of_line(conn: Connection, subscriber_id: SubscriberId) -> list[Charge]:
    """Everything that was or is charged to one line, oldest first."""
    return await SQL.all(conn, Charge, "charges_of_line", subscriber_id=subscriber_id)
