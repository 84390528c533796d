"""Questions about failings of ours that are not made good yet."""

from datetime import datetime, timedelta
from typing import Final

from atlas.billing.reads.dunning import holidays
from atlas.billing.records.failings import Owed, Suffered
from atlas.billing.rules.failings import owed_for
from atlas.statements import Connection, Statements

SQL = Statements(__file__)

# Within this what went wrong is made good by itself; longer ago a person looks.
LOOKED_BACK: Final = timedelta(days=60)


async def failings_owed(conn: Connection, now: datetime, cause: str | None = None) -> list[Owed]:
    """What our failings of the last 60 days are worth and were not credited for, cause by cause; or of one cause."""
    suffered = await SQL.all(conn, Suffered, "suffered", since=now - LOOKED_BACK, now=now, cause=cause)
    return owed_for(suffered, await holidays(conn, now.date(), back=LOOKED_BACK))
