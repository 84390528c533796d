"""Changes to what is kept of people. Who may is decided in the database: erasure is the effect of one claimed action and of no other."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from atlas.errors import Conflict
from atlas.identity import CustomerId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def erase(conn: Connection, customer_id: CustomerId, threads: Sequence[str]) -> dict[str, Any]:
    """Erases what may be erased, in the transaction that claimed `erase_customer`; what went and what was left, why.

    `threads`: the names of their conversations' checkpoints. Raises Conflict while something for them is on its way.
    """
    try:
        answer: dict[str, Any] = await SQL.value(conn, "erase", customer_id=customer_id, threads=list(threads))
    except psycopg.errors.ObjectInUse as error:
        raise Conflict(error.diag.message_primary or "something for this customer is on its way") from error
    return answer


async def place_hold(conn: Connection, customer_id: CustomerId, reason: str, at: datetime) -> bool:
    """From now on nothing of theirs goes; False where that was so already."""
    return await SQL.run(conn, "place_hold", customer_id=customer_id, reason=reason, at=at) == 1


async def lift_hold(conn: Connection, customer_id: CustomerId, at: datetime) -> bool:
    """What was held is erased and forgotten in its time again; False where nothing was held."""
    return await SQL.run(conn, "lift_hold", customer_id=customer_id, at=at) == 1


async def apply_retention(conn: Connection, rule: str, most: int) -> int:
    """Takes away at most `most` rows whose time is over; how many."""
    return int(await SQL.value(conn, "apply_retention", rule=rule, most=most))


async def prove_retention(conn: Connection, rule: str, removed: int) -> None:
    """Writes down what a night's work took away, and the oldest row that it left."""
    await SQL.value(conn, "prove_retention", rule=rule, removed=removed)
