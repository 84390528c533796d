"""Questions about what is overdue."""

from collections.abc import Sequence
from datetime import date

from atlas.billing.records.debts import OverdueInvoice
from atlas.identity import CustomerId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def overdue_invoices(conn: Connection, today: date) -> list[OverdueInvoice]:
    """The unpaid part of every bill whose day has passed."""
    return await SQL.all(conn, OverdueInvoice, "overdue_invoices", customer_ids=None, today=today)


async def overdue_invoices_of(conn: Connection, customer_ids: Sequence[CustomerId], today: date) -> list[OverdueInvoice]:
    """The unpaid part of these customers' bills whose day has passed."""
    return await SQL.all(conn, OverdueInvoice, "overdue_invoices", customer_ids=list(customer_ids), today=today)
