"""Questions about those who left and have money to come."""

from collections.abc import Sequence
from datetime import date

from atlas.billing.records.leavers import FinalStatement, OwedToLeaver, WayBack
from atlas.billing.rules.money_in import OVER_THE_COUNTER
from atlas.identity import CustomerId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def final_statements(conn: Connection, customers: Sequence[CustomerId] | None = None) -> list[FinalStatement]:
    """The last bills, not issued yet, of those of them who left (or of all), where they are nothing or in their favour."""
    return await SQL.all(conn, FinalStatement, "final_statements", customer_ids=None if customers is None else list(customers))


async def ways_back(conn: Connection, customer_id: CustomerId) -> list[WayBack]:
    """The customer's payments by whose way money can go back, the latest first."""
    return await SQL.all(conn, WayBack, "ways_back", customer_id=customer_id, by_hand=list(OVER_THE_COUNTER))


async def owed_to_leavers(conn: Connection, today: date, customers: Sequence[CustomerId] | None = None) -> list[OwedToLeaver]:
    """What we owe to each of them who left (or to all), the largest first; whoever has nothing to come is left out."""
    ids = None if customers is None else list(customers)
    return await SQL.all(conn, OwedToLeaver, "owed_to_leavers", today=today, customer_ids=ids, by_hand=list(OVER_THE_COUNTER))
