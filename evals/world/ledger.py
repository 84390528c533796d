"""The books of the demo's bills: a journal for each bill and each payment, and the caches that triggers would have kept."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from psycopg import Connection

from evals.world.bills import Bills, paid_at
from evals.world.copying import Column
from evals.world.people import Numbers
from evals.world.tables import Table

# Their triggers keep caches and refuse late changes, row by row; what is brought over as columns is proven as a whole instead.
KEPT_BY_TRIGGERS: Final = ("billing.journal", "billing.posting", "billing.allocation", "billing.invoice", "billing.invoice_line")


def ledger_tables(header: Bills, action_id: int) -> Iterator[Table]:
    """A bill has the journal of its own number; the payments' come after the bills'."""
    bills, paid = header.customer.size, np.flatnonzero(header.is_paid)
    bill, payment = np.arange(bills) + 1, np.arange(paid.size) + bills + 1
    yield (
        "billing.journal",
        {
            "id": np.concatenate([bill, payment]),
            "kind": ["invoice"] * bills + ["payment"] * paid.size,
            "operation_key": [f"invoice:{number}" for number in bill.tolist()]
            + [f"payment:DD-{number + 100_001}" for number in paid.tolist()],
            "posted_at": np.concatenate([header.period_from.astype("datetime64[s]"), paid_at(header)]),
            "action_id": [action_id] * (bills + paid.size),
        },
    )
    parts = (
        ("receivable", bill, header.customer, header.gross),
        ("revenue", bill, header.customer, header.tax - header.gross),
        ("tax", bill, header.customer, -header.tax),
        ("bank", payment, header.customer[paid], header.gross[paid]),
        ("receivable", payment, header.customer[paid], -header.gross[paid]),
    )
    yield (
        "billing.posting",
        {
            "journal_id": np.concatenate([journal for _, journal, _, _ in parts]),
            "ledger_account": [account for account, journal, _, _ in parts for _ in range(journal.size)],
            "customer_id": np.concatenate([customer for _, _, customer, _ in parts]) + 1,
            "amount_minor": np.concatenate([amount for _, _, _, amount in parts]),
        },
    )
    yield "billing.balance", _balances(parts)
    yield from _settled(header, bill, payment, paid)


def _settled(header: Bills, bill: Numbers, payment: Numbers, paid: Numbers) -> Iterator[Table]:
    """Each payment settles the bill of its day, whole."""
    yield (
        "billing.open_item",
        {
            "journal_id": np.concatenate([bill, payment]),
            "customer_id": np.concatenate([header.customer, header.customer[paid]]) + 1,
            "amount_minor": np.concatenate([header.gross, -header.gross[paid]]),
            "open_minor": np.concatenate([np.where(header.is_paid, 0, header.gross), np.zeros(paid.size, dtype=np.int64)]),
        },
    )
    yield (
        "billing.allocation",
        {
            "customer_id": header.customer[paid] + 1,
            "from_journal_id": payment,
            "to_journal_id": bill[paid],
            "amount_minor": header.gross[paid],
            "allocated_at": paid_at(header),
        },
    )


def _balances(parts: tuple[tuple[str, Numbers, Numbers, Numbers], ...]) -> dict[str, Column]:
    """Each customer's sum in each account that was posted to."""
    accounts = sorted({account for account, _, _, _ in parts})
    sums = {account: np.zeros(int(parts[0][2].max()) + 1, dtype=np.int64) for account in accounts}
    for account, _, customer, amount in parts:
        np.add.at(sums[account], customer, amount)
    return {
        "customer_id": np.tile(np.arange(next(iter(sums.values())).size) + 1, len(accounts)),
        "ledger_account": [account for account in accounts for _ in range(sums[account].size)],
        "amount_minor": np.concatenate([sums[account] for account in accounts]),
    }


def triggers_of_the_books(conn: Connection, *, are_on: bool) -> None:
    """Off while columns are brought over, in one transaction with them."""
    for table in KEPT_BY_TRIGGERS:
        conn.execute(f"ALTER TABLE {table} {'ENABLE' if are_on else 'DISABLE'} TRIGGER USER".encode())
