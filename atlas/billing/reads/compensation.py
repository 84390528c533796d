"""Questions about credits and the outages behind them."""

from collections.abc import Sequence
from datetime import datetime

from atlas.billing.records.compensation import BillContact, Credit, CreditGiven, CreditKind, LostSince, OutageSuffered
from atlas.billing.rules.compensation import credit_cause, credits_due
from atlas.identity import CustomerId, IncidentId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


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
