"""Bill runs go forward, bills are issued with their numbers, and put right by credit notes. Each step again changes nothing more."""

from collections.abc import Sequence
from datetime import date, datetime

import psycopg

from atlas.errors import Conflict, InvalidField
from atlas.identity import CustomerId, InvoiceId, SubscriberId
from atlas.money import Money
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def open_run(
    conn: Connection, run_type: str, since: date, billed_on: date, customer_ids: Sequence[CustomerId] | None, batch: int
) -> int:
    """A run over whoever's billing day came in (`since`, `billed_on`], or over these customers, in batches of so many. Raises Conflict."""
    ids = None if customer_ids is None else list(customer_ids)
    try:
        async with conn.transaction():
            opened = await SQL.value(conn, "open_run", run_type=run_type, since=since, billed_on=billed_on, customer_ids=ids, batch=batch)
    except psycopg.errors.UniqueViolation as error:
        raise Conflict("another bill run is not done") from error
    return int(opened)


async def draft_batch(conn: Connection, run_id: int, number: int) -> int:
    """The drafts of one batch, anew; how many there are. Raises InvalidField where a tax category has no rate."""
    try:
        async with conn.transaction():
            return int(await SQL.value(conn, "draft_batch", run_id=run_id, number=number) or 0)
    except psycopg.errors.InvalidParameterValue as error:
        raise _refused(error) from error


async def begin_issuing(conn: Connection, run_id: int) -> None:
    """Raises Conflict where the run is not drafted."""
    try:
        async with conn.transaction():
            await SQL.run(conn, "begin_issuing", run_id=run_id)
    except psycopg.errors.ObjectNotInPrerequisiteState as error:
        raise Conflict(str(error.diag.message_primary)) from error


async def issue_batch(conn: Connection, run_id: int, number: int, at: datetime) -> int:
    """How many bills were issued now. Raises Conflict where the run was not let go."""
    try:
        async with conn.transaction():
            return int(await SQL.value(conn, "issue_batch", run_id=run_id, number=number, at=at))
    except psycopg.errors.ObjectNotInPrerequisiteState as error:
        raise Conflict(str(error.diag.message_primary)) from error


async def release_held(conn: Connection, invoice_ids: Sequence[InvoiceId], at: datetime) -> int:
    """How many of these held bills were issued. Raises InvalidField for one of nothing or in the customer's favour."""
    try:
        async with conn.transaction():
            return int(await SQL.value(conn, "release_held", invoice_ids=list(invoice_ids), at=at))
    except psycopg.errors.InvalidParameterValue as error:
        raise _refused(error) from error


async def issue_credit_note(
    conn: Connection, key: str, invoice_id: InvoiceId, net_of_lines: dict[int, Money | None], at: datetime, reason: str
) -> int:
    """Gives back these lines' net amounts, None for all that is left, with their tax; the note's id. Raises InvalidField."""
    amounts = [None if net is None else net.minor for net in net_of_lines.values()]
    lines = list(net_of_lines)
    try:
        async with conn.transaction():
            return int(
                await SQL.value(
                    conn, "issue_credit_note", key=key, invoice_id=invoice_id, line_ids=lines, amounts_minor=amounts, at=at, reason=reason
                )
            )
    except (psycopg.errors.InvalidParameterValue, psycopg.errors.NoDataFound) as error:
        raise _refused(error) from error


async def charge_once(
    conn: Connection,
    customer_id: CustomerId,
    subscriber_id: SubscriberId,
    *,
    label: str,
    amount: Money,
    tax_category: str,
    cause: str,
    at: datetime,
) -> bool:
    """Puts a charge on the customer's next bill; False where that cause was charged before, or it is not their line."""
    charged = await SQL.run(
        conn,
        "charge_once",
        customer_id=customer_id,
        subscriber_id=subscriber_id,
        label=label,
        amount_minor=amount.minor,
        tax_category=tax_category,
        cause=cause,
        at=at,
    )
    return charged == 1


async def recycle_usage(conn: Connection, record_ids: Sequence[int], at: datetime) -> int:
    """How many of these rejected records could be charged now."""
    return int(await SQL.value(conn, "recycle_usage", record_ids=list(record_ids), at=at))


def _refused(error: psycopg.Error) -> InvalidField:
    field, _, reason = str(error.diag.message_primary).partition(": ")
    return InvalidField(field, reason or field)
