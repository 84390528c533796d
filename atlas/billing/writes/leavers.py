"""What those who left have to come: their final statement, and the money."""

from collections.abc import Sequence
from datetime import datetime

import psycopg

from atlas.billing.records.leavers import PartBack
from atlas.billing.rules.amounts import total
from atlas.billing.rules.leavers import PayoutExceedsOwed
from atlas.errors import InvalidField
from atlas.identity import CustomerId, InvoiceId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def issue_final(conn: Connection, invoice_ids: Sequence[InvoiceId], at: datetime) -> int:
    """How many of these were issued now. Raises InvalidField for a bill that is owed, or of somebody who is still served."""
    try:
        async with conn.transaction():
            return int(await SQL.value(conn, "issue_final", invoice_ids=list(invoice_ids), at=at))
    except psycopg.errors.InvalidParameterValue as error:
        field, _, reason = str(error.diag.message_primary).partition(": ")
        raise InvalidField(field, reason) from error


async def pay_back(
    conn: Connection, key: str, customer_id: CustomerId, parts: Sequence[PartBack], *, is_by_hand: bool, at: datetime, reason: str
) -> bool:
    """Pays in the books what they have to come, by these ways; False where this key did before. Raises PayoutExceedsOwed."""
    ways = {"references": [part.reference for part in parts], "amounts_minor": [part.amount.minor for part in parts]}
    try:
        async with conn.transaction():
            paid = await SQL.value(conn, "pay_back", key=key, customer_id=customer_id, **ways, is_by_hand=is_by_hand, at=at, reason=reason)
    except psycopg.errors.InvalidParameterValue as error:
        why = str(error.diag.message_primary).partition(": ")[2]
        raise PayoutExceedsOwed(customer_id, total(part.amount for part in parts), why) from error
    return int(paid) > 0
