"""Questions about bills and balances."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from atlas.billing.records.bills import Balance, Bill, BillToTell, Invoice, InvoiceLine, InvoiceNamed
from atlas.identity import CustomerId, InvoiceId
from atlas.money import DEFAULT_CURRENCY
from atlas.statements import Connection, Statements

SQL = Statements(__file__)

# A platform that was down for longer does not write of bills that were due to be paid meanwhile: the reminder does.
TOLD_WITHIN: Final = timedelta(days=7)


async def lines_of_month(conn: Connection, customer_id: CustomerId, month: date) -> list[InvoiceLine]:
    """Every line the customer was invoiced for `month` (its first day), one for each label; drafts left out."""
    return await SQL.all(conn, InvoiceLine, "lines_of_month", customer_id=customer_id, month=month)


async def months_billed(conn: Connection, customer_id: CustomerId, before: date = date.max, most: int = 2) -> list[date]:
    """The first days of the months for which a bill was issued, latest first, all earlier than `before`; at most `most`."""
    return await SQL.column(conn, "months_billed", customer_id=customer_id, before=before, most=most)


async def bill_of_month(conn: Connection, customer_id: CustomerId, month: date) -> Bill | None:
    """The bill issued for `month` (its first day) with its lines; None where there is none, or only a draft."""
    invoice = await SQL.first(conn, Invoice, "invoice_of_month", customer_id=customer_id, month=month)
    if invoice is None:
        return None
    return Bill(invoice, tuple(await lines_of_month(conn, customer_id, month)))


async def invoices_named(conn: Connection, invoice_ids: Sequence[InvoiceId]) -> list[InvoiceNamed]:
    """Those of these that were issued, in no order."""
    return await SQL.all(conn, InvoiceNamed, "invoices_named", invoice_ids=list(invoice_ids))


async def bills_to_tell(conn: Connection, now: datetime, invoice_ids: Sequence[InvoiceId] | None = None) -> list[BillToTell]:
    """What runs issued of late, or of these, and no notice speaks of; in the order in which it was drafted."""
    ids = None if invoice_ids is None else list(invoice_ids)
    return await SQL.all(conn, BillToTell, "bills_to_tell", since=now - TOLD_WITHIN, invoice_ids=ids)


async def balance(conn: Connection, customer_id: CustomerId, today: date) -> Balance:
    """What the customer owes by the ledger; what is overdue of it on `today`: money received settles the oldest bill first."""
    return await SQL.one(conn, Balance, "balance", customer_id=customer_id, today=today)


async def currency(conn: Connection) -> str:
    """The one currency of the books, as its three letters."""
    code: str | None = await SQL.value(conn, "currency")
    return code or DEFAULT_CURRENCY
