"""Questions about bills, balances, debts and what an outage gives back."""

from collections.abc import Sequence
from datetime import date, datetime

from atlas.billing.records import (
    Balance,
    Bill,
    BillContact,
    BrokenInvariant,
    Credit,
    CreditGiven,
    CreditKind,
    InvariantResult,
    Invoice,
    InvoiceLine,
    LostSince,
    OutageSuffered,
    OverdueInvoice,
    PaymentKept,
)
from atlas.billing.rules import credit_cause, credits_due
from atlas.identity import CustomerId, IncidentId
from atlas.money import DEFAULT_CURRENCY
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


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


async def balance(conn: Connection, customer_id: CustomerId, today: date) -> Balance:
    """What the customer owes by the ledger; what is overdue of it on `today`: money received settles the oldest bill first."""
    return await SQL.one(conn, Balance, "balance", customer_id=customer_id, today=today)


async def credits_given(conn: Connection, customer_id: CustomerId, since: datetime) -> list[CreditGiven]:
    """Credits the customer has had since then, latest first."""
    return await SQL.all(conn, CreditGiven, "credits_given", customer_id=customer_id, since=since)


async def outages_suffered(conn: Connection, incident_id: IncidentId, now: datetime) -> list[OutageSuffered]:
    """Everybody the incident cut off whose line is in use, with price, rate on that day and credits given; who is suspended is left out."""
    return await SQL.all(
        conn,
        OutageSuffered,
        "outages_suffered",
        incident_id=incident_id,
        now=now,
        goodwill_cause=credit_cause(incident_id, CreditKind.GOODWILL),
        duration_cause=credit_cause(incident_id, CreditKind.DURATION),
    )


async def credits_due_for(conn: Connection, incident_id: IncidentId, kind: CreditKind, now: datetime) -> list[Credit]:
    """What the incident's present subscribers should still be given of this kind; as the customer who asks: their own."""
    return credits_due(await outages_suffered(conn, incident_id, now), kind)


async def bill_contacts(conn: Connection, customer_ids: Sequence[CustomerId]) -> list[BillContact]:
    """Where these customers hear of their money: the preferred contact that is open for bills, else another that is.

    Whoever closed them all, or is no longer an active customer, is left out.
    """
    return await SQL.all(conn, BillContact, "bill_contacts", customer_ids=list(customer_ids))


async def lost_since(conn: Connection, incident_id: IncidentId) -> dict[CustomerId, datetime]:
    """Since when each customer of the incident was without a line of theirs."""
    # Its own statement: an incident just opened has no statistics, and a join with their contacts was planned a hundred times too slow.
    return {lost.customer_id: lost.lost_at for lost in await SQL.all(conn, LostSince, "lost_since", incident_id=incident_id)}


async def last_incident_of(conn: Connection, customer_id: CustomerId, since: datetime) -> IncidentId | None:
    """The latest outage that cut off a line of this customer since then."""
    incident_id = await SQL.value(conn, "last_incident_of", customer_id=customer_id, since=since)
    return None if incident_id is None else IncidentId(incident_id)


async def overdue_invoices(conn: Connection, today: date) -> list[OverdueInvoice]:
    """The unpaid part of every bill whose day has passed."""
    return await SQL.all(conn, OverdueInvoice, "overdue_invoices", customer_ids=None, today=today)


async def overdue_invoices_of(conn: Connection, customer_ids: Sequence[CustomerId], today: date) -> list[OverdueInvoice]:
    """The unpaid part of these customers' bills whose day has passed."""
    return await SQL.all(conn, OverdueInvoice, "overdue_invoices", customer_ids=list(customer_ids), today=today)


async def broken_invariants(conn: Connection, customer_ids: Sequence[CustomerId] | None = None) -> list[BrokenInvariant]:
    """Everything in the books that should not be, of these customers or of all; empty where they hold."""
    return await SQL.all(conn, BrokenInvariant, "broken_invariants", customer_ids=None if customer_ids is None else list(customer_ids))


async def latest_invariants(conn: Connection) -> list[InvariantResult]:
    """What the latest nightly check found, a row for each invariant; empty before the first."""
    return await SQL.all(conn, InvariantResult, "latest_invariants")


async def payments_kept(conn: Connection, since: datetime, until: datetime) -> list[PaymentKept]:
    """Payments received from `since` until before `until`, oldest first."""
    return await SQL.all(conn, PaymentKept, "payments_kept", since=since, until=until)


async def currency(conn: Connection) -> str:
    """The one currency of the books, as its three letters."""
    code: str | None = await SQL.value(conn, "currency")
    return code or DEFAULT_CURRENCY
