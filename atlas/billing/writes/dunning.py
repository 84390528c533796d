"""Changes to how a debt is chased: a step taken, a promise, a dispute."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from atlas.billing.records.debts import Debt
from atlas.billing.records.dunning import DisputableCharge, FeeDue
from atlas.errors import Conflict
from atlas.identity import CustomerId, InvoiceId
from atlas.money import Money
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def record_steps(
    conn: Connection, step: str, debts: Sequence[Debt], at: datetime, announced_for: date | None = None, attempt: int = 1
) -> list[CustomerId]:
    """Keeps that this step was taken for these debts, and from when it said that lines may be cut off; whose it was new for.

    `attempt`: beyond the first only of a warning, and of each of them once.
    """
    return await SQL.column(
        conn,
        "record_steps",
        step=step,
        customer_ids=[debt.customer_id for debt in debts],
        oldest=[debt.oldest_due_on for debt in debts],
        owed=[debt.owed.minor for debt in debts],
        at=at,
        announced_for=announced_for,
        attempt=attempt,
    )


async def charge_late_fees(
    conn: Connection, fees: Sequence[FeeDue], amount: Money, tax_category: str, labels: Mapping[str, str], at: datetime
) -> list[InvoiceId]:
    """Puts a late fee for each of these bills on their customers' next one, once a bill; those it was new for.

    `labels`: by language, each that a customer can have, what it is called there, with {number} for the bill's.
    """
    return await SQL.column(
        conn,
        "charge_late_fees",
        invoice_ids=[fee.invoice_id for fee in fees],
        subscriber_ids=[fee.subscriber_id for fee in fees],
        amount_minor=amount.minor,
        tax_category=tax_category,
        languages=list(labels),
        labels=list(labels.values()),
        at=at,
    )


async def waive_late_fee(conn: Connection, invoice_id: InvoiceId, at: datetime) -> bool:
    """Takes a late fee back that stands on no bill yet; whether there was one."""
    return await SQL.run(conn, "waive_late_fee", invoice_id=invoice_id, at=at) == 1


async def record_promise_to_pay(conn: Connection, customer_id: CustomerId, amount: Money, due_on: date, at: datetime) -> None:
    """Keeps what somebody said they would pay by a day; the same again is the same promise."""
    await SQL.run(conn, "promise", customer_id=customer_id, amount_minor=amount.minor, due_on=due_on, at=at)


async def open_dispute(conn: Connection, customer_id: CustomerId, charge: DisputableCharge, reason: str, at: datetime) -> int:
    """Keeps that a charge is not accepted; the dispute's number."""
    return int(
        await SQL.value(
            conn,
            "open_dispute",
            customer_id=customer_id,
            invoice_id=charge.invoice_id,
            label=charge.label,
            amount_minor=charge.amount.minor,
            reason=reason,
            at=at,
        )
    )


async def close_dispute(conn: Connection, dispute_id: int, outcome: str, at: datetime) -> None:
    """Ends a dispute: upheld or rejected. Raises Conflict where it ended before."""
    if not await SQL.run(conn, "close_dispute", dispute_id=dispute_id, outcome=outcome, at=at):
        raise Conflict(f"dispute {dispute_id} is closed already")
