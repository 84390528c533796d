"""Questions about money that comes in: what waits for a person, what was asked for, what can be given back."""

from atlas.billing.records.money_in import MoneyParked, PaymentHeld, PaymentRequest, RefundNotMade
from atlas.identity import CustomerId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def money_parked(conn: Connection) -> list[MoneyParked]:
    """Events that a person has to look at: a wrong amount or currency, nobody named, or still without their payment."""
    return await SQL.all(conn, MoneyParked, "money_parked")


async def payment_requests(conn: Connection, customer_id: CustomerId) -> list[PaymentRequest]:
    """The last five links that this customer can pay by, or did."""
    return await SQL.all(conn, PaymentRequest, "payment_requests", customer_id=customer_id)


async def payments_held(conn: Connection, customer_id: CustomerId) -> list[PaymentHeld]:
    """The customer's last ten payments, with what of each no debt has used."""
    return await SQL.all(conn, PaymentHeld, "payment_held", customer_id=customer_id)


async def refunds_not_made(conn: Connection) -> list[RefundNotMade]:
    """Refunds that stand in the books, that the provider refused for good, and that nobody transferred instead."""
    return await SQL.all(conn, RefundNotMade, "refunds_not_made")
