"""Questions about what is kept of people: where it could lie, everything of one person, and what retention did."""

import uuid
from collections.abc import Sequence

from atlas.errors import NotFound
from atlas.identity import CustomerId
from atlas.privacy.records import Collected, Column, CopyTaken, Erasure, Hold, Kept, KnownValue, Reason, Wish
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def columns(conn: Connection) -> list[Column]:
    """Every column there is; `type` only of those that can hold words, octets, addresses or positions."""
    return await SQL.all(conn, Column, "columns")


async def collected(conn: Connection, customer_id: CustomerId) -> list[Collected]:
    """Every row that is this customer's, by table. Raises NotFound where there is no such customer."""
    await must_be_customer(conn, customer_id)
    return await SQL.all(conn, Collected, "collected", customer_id=customer_id)


async def must_be_customer(conn: Connection, customer_id: CustomerId) -> None:
    """Raises NotFound where there is no such customer."""
    if not await SQL.value(conn, "is_customer", customer_id=customer_id):
        raise NotFound("customer", customer_id)


async def wishes(conn: Connection, most: int = 50) -> list[Wish]:
    """What was asked about people, the latest first."""
    return await SQL.all(conn, Wish, "wishes", most=most)


async def copies_taken(conn: Connection, most: int = 20) -> list[CopyTaken]:
    """Copies that were taken, the latest first."""
    return await SQL.all(conn, CopyTaken, "copies_taken", most=most)


async def holds(conn: Connection) -> list[Hold]:
    """Every hold that stands, the oldest first."""
    return await SQL.all(conn, Hold, "holds")


async def threads_of(conn: Connection, customer_id: CustomerId) -> list[str]:
    """Under which names the agents keep this customer's conversations: as written, and apart from it what was said to somebody verified."""
    found = await SQL.column(conn, "threads", customer_id=customer_id)
    return [str(name) for thread in found for name in (thread, uuid.uuid5(thread, "verified"))]


async def reasons_to_keep(conn: Connection, customer_id: CustomerId) -> tuple[Reason, ...]:
    """Why something of theirs would be left by an erasure today."""
    return tuple(Reason(one) for one in await SQL.column(conn, "reasons_to_keep", customer_id=customer_id))


async def erasures(conn: Connection, customer_id: CustomerId | None = None, most: int = 50) -> list[Erasure]:
    """What was erased, the latest first; of one customer or of all."""
    return await SQL.all(conn, Erasure, "erasures", customer_id=customer_id, most=most)


async def erasures_to_finish(conn: Connection, most: int = 50) -> list[CustomerId]:
    """Of whom something was left for a reason that is over."""
    return [CustomerId(one) for one in await SQL.column(conn, "erasures_to_finish", most=most)]


async def kept(conn: Connection) -> list[Kept]:
    """Every retention rule with its latest proof."""
    return await SQL.all(conn, Kept, "kept")


async def is_held(conn: Connection, customer_id: CustomerId) -> bool:
    """Whether the law wants what we have of this customer kept as it is."""
    return bool(await SQL.value(conn, "held", customer_id=customer_id))


async def known_of(conn: Connection, customer_ids: Sequence[CustomerId]) -> list[KnownValue]:
    """By what these people could be recognised: names, ways to reach them, homes, logins and serial numbers."""
    return await SQL.all(conn, KnownValue, "known_of", customer_ids=list(customer_ids)) if customer_ids else []


async def named_among(conn: Connection, runs: Sequence[str]) -> list[CustomerId]:
    """Customers whose whole name, in lower case, is one of these runs of words; at most fifty."""
    return [CustomerId(one) for one in await SQL.column(conn, "named_among", runs=list(runs))]
