"""Questions about the books themselves."""

from collections.abc import Sequence
from datetime import datetime

from atlas.billing.records.books import BrokenInvariant, InvariantResult, PaymentKept
from atlas.identity import CustomerId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def broken_invariants(conn: Connection, customer_ids: Sequence[CustomerId] | None = None) -> list[BrokenInvariant]:
    """Everything in the books that should not be, of these customers or of all; empty where they hold."""
    return await SQL.all(conn, BrokenInvariant, "broken_invariants", customer_ids=None if customer_ids is None else list(customer_ids))


async def latest_invariants(conn: Connection) -> list[InvariantResult]:
    """What the latest nightly check found, a row for each invariant; empty before the first."""
    return await SQL.all(conn, InvariantResult, "latest_invariants")


async def payments_kept(conn: Connection, since: datetime, until: datetime) -> list[PaymentKept]:
    """Payments received from `since` until before `until`, oldest first."""
    return await SQL.all(conn, PaymentKept, "payments_kept", since=since, until=until)


async def refunds_kept(conn: Connection, since: datetime, until: datetime) -> list[PaymentKept]:
    """What we had the provider give back then, by its own name for the refund; by ours where it refused, or did not say."""
    return await SQL.all(conn, PaymentKept, "refunds_kept", since=since, until=until)
