"""Credits, each posted once."""

from collections.abc import Sequence
from datetime import datetime

from atlas.billing.records.compensation import Credit
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def post_credits(conn: Connection, cause: str, due: Sequence[Credit], at: datetime) -> list[Credit]:
    """Gives each credit back, with its own balanced journal; those that were given now.

    Whoever was credited for this cause before is passed over, so that a second run posts nothing.
    """
    return await SQL.all(
        conn,
        Credit,
        "post_credits",
        cause=cause,
        customer_ids=[credit.customer_id for credit in due],
        subscriber_ids=[credit.subscriber_id for credit in due],
        amounts_minor=[credit.amount.minor for credit in due],
        formulas=[credit.formula for credit in due],
        at=at,
    )
