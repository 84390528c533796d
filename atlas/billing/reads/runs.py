"""Questions about bill runs, drafts that wait, and how lines came about."""

from collections.abc import Sequence
from datetime import date

from atlas.billing.records.runs import (
    BatchTotals,
    BillRun,
    CreditableLine,
    HeldBill,
    LineDerived,
    RunTotals,
    SuspendedDays,
    SuspensionRule,
)
from atlas.errors import NotFound
from atlas.identity import CustomerId, InvoiceId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def run_of(conn: Connection, run_id: int) -> BillRun:
    """Raises NotFound."""
    found = await SQL.first(conn, BillRun, "run", run_id=run_id)
    if found is None:
        raise NotFound("bill run", run_id)
    return found


async def open_run(conn: Connection) -> int | None:
    """The run that is not done; there is at most one."""
    found: int | None = await SQL.value(conn, "open_run")
    return found


async def last_billed_on(conn: Connection) -> date | None:
    """Until which day everybody was billed whose day it was; None before the first run."""
    found: date | None = await SQL.value(conn, "last_billed_on")
    return found


async def batches_to_draft(conn: Connection, run_id: int) -> list[int]:
    return await SQL.column(conn, "batches_to_draft", run_id=run_id)


async def batches_to_issue(conn: Connection, run_id: int) -> list[int]:
    return await SQL.column(conn, "batches_to_issue", run_id=run_id)


async def run_totals(conn: Connection, run_id: int) -> RunTotals:
    return await SQL.one(conn, RunTotals, "run_totals", run_id=run_id)


async def batch_totals(conn: Connection, run_id: int, number: int) -> BatchTotals:
    return await SQL.one(conn, BatchTotals, "batch_totals", run_id=run_id, number=number)


async def held_bills(
    conn: Connection, run_id: int | None = None, invoice_ids: Sequence[InvoiceId] | None = None, most: int = 200
) -> list[HeldBill]:
    """Bills that wait for a person, of one run or of all, the largest first."""
    ids = None if invoice_ids is None else list(invoice_ids)
    return await SQL.all(conn, HeldBill, "held_bills", run_id=run_id, invoice_ids=ids, most=most)


async def lines_derived(conn: Connection, customer_id: CustomerId, month: date, label: str | None = None) -> list[LineDerived]:
    """Each line of the customer's bill of that month (its first day), or those of one label, with what it was made of."""
    return await SQL.all(conn, LineDerived, "lines_derived", customer_id=customer_id, month=month, label=label)


async def suspended_in_run(conn: Connection, run_id: int) -> list[SuspendedDays]:
    """What the drafts of a run make of suspended days, by reason; empty where no line of theirs was suspended."""
    return await SQL.all(conn, SuspendedDays, "suspended_in_run", run_id=run_id)


async def suspension_rules(conn: Connection) -> list[SuspensionRule]:
    """Whether suspended days are charged, for each reason from its first rule to its last."""
    return await SQL.all(conn, SuspensionRule, "suspension_rules")


async def creditable_lines(conn: Connection, customer_id: CustomerId, invoice_id: InvoiceId) -> list[CreditableLine]:
    """The lines of one issued bill of which something is left to give back."""
    return await SQL.all(conn, CreditableLine, "creditable_lines", customer_id=customer_id, invoice_id=invoice_id)
