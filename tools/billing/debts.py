"""What an agent may ask of debts, for staff. Amounts include tax."""

from collections.abc import Sequence
from typing import Final

from atlas.billing.reads import debts as reads
from atlas.billing.records.debts import AgedDebt
from atlas.billing.rules.debts import aged_debts
from tools.turn import Turn

LARGEST_DEBTS: Final = 50


async def aged_debt(turn: Turn) -> Sequence[AgedDebt]:
    """The 50 customers who owe most beyond their day, by the age of the debt: 1-30, 31-60, 61-90 and over 90 days. For staff."""
    turn.for_staff_only()
    today = turn.now.date()
    return aged_debts(await reads.overdue_invoices(turn.conn, today), today)[:LARGEST_DEBTS]
