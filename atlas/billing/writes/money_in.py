"""Changes to money that comes in: an event heard, a link asked for, a refund, whose a payment is."""

from datetime import date, datetime, time
from typing import Final

import psycopg

from atlas.billing.records.money_in import Heard, MoneyEvent
from atlas.billing.rules.money_in import RefundExceedsPayment
from atlas.errors import InvalidField
from atlas.identity import CustomerId
from atlas.money import Money
from atlas.statements import Connection, Statements

SQL = Statements(__file__)

# Money that came on an earlier day came at no known hour of it.
NOON: Final = time(12)


async def hear(conn: Connection, event: MoneyEvent) -> Heard:
    """Keeps a provider's event, once, and acts upon it in the same transaction; heard again it changes nothing."""
    return await SQL.one(
        conn,
        Heard,
        "hear",
        provider=event.provider,
        event_id=event.event_id,
        kind=event.kind.value,
        reference=event.reference,
        request_id=event.request_id,
        customer_id=event.customer_id,
        amount_minor=event.amount.minor,
        currency=event.currency,
        occurred_at=event.occurred_at,
    )


async def ask_for_payment(conn: Connection, customer_id: CustomerId, amount: Money, key: str, at: datetime) -> int:
    """Keeps that we ask this customer for money; the request's number."""
    parameters = {"customer_id": customer_id, "amount_minor": amount.minor, "key": key, "at": at}
    return int(await SQL.value(conn, "ask_for_payment", **parameters))


async def record_link(conn: Connection, request_id: int, reference: str, url: str) -> None:
    """What the provider made of a request: its name for it, and where to pay."""
    await SQL.run(conn, "record_link", request_id=request_id, reference=reference, url=url)


async def refund(conn: Connection, key: str, reference: str, amount: Money, at: datetime, reason: str) -> None:
    """Gives back in the books what a payment brought and no debt used. Raises RefundExceedsPayment; the same key again changes nothing."""
    try:
        async with conn.transaction():
            await SQL.value(conn, "refund", key=key, reference=reference, amount_minor=amount.minor, at=at, reason=reason)
    except psycopg.errors.InvalidParameterValue as error:
        raise RefundExceedsPayment(reference, amount, str(error.diag.message_primary)) from error


async def match_payment(conn: Connection, reference: str, customer_id: CustomerId, at: datetime, note: str) -> None:
    """The payment that waits in suspense is this customer's; whatever was parked about it is settled."""
    await SQL.value(conn, "match_payment", reference=reference, customer_id=customer_id, at=at, reason=note)
    await SQL.run(conn, "settle_event", reference=reference, note=note)


async def receive_payment(
    conn: Connection, customer_id: CustomerId, amount: Money, method: str, reference: str, received_on: date, at: datetime
) -> None:
    """Money that came in by no provider, in the books; the same again changes nothing. Raises InvalidField where it was another amount."""
    when = at if received_on == at.date() else datetime.combine(received_on, NOON, tzinfo=at.tzinfo)
    try:
        async with conn.transaction():
            await SQL.value(
                conn,
                "receive_payment",
                customer_id=customer_id,
                amount_minor=amount.minor,
                method=method,
                reference=reference,
                at=when,
            )
    except psycopg.errors.UniqueViolation as error:
        raise InvalidField("reference", f"{reference} was received before, with another amount") from error
