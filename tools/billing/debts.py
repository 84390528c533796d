"""What an agent may ask of debts, for staff. Amounts include tax."""

from collections.abc import Sequence
from typing import Final

from atlas.billing.reads import debts as reads
from atlas.billing.reads import dunning
from atlas.billing.records.debts import AgedDebt
from atlas.billing.records.dunning import Unreachable
from atlas.billing.rules.debts import aged_debts
from governance.dunning import operators_ladder
from tools.turn import Turn

LARGEST_DEBTS: Final = 50


async def aged_debt(turn: Turn) -> Sequence[AgedDebt]:
    """The 50 customers who owe most beyond their day, by the age of the debt: 1-30, 31-60, 61-90 and over 90 days. For staff."""
    turn.for_staff_only()
    today = turn.now.date()
    return aged_debts(await reads.overdue_invoices(turn.conn, today), today)[:LARGEST_DEBTS]


async def owing_and_unreachable(turn: Turn) -> Sequence[Unreachable]:
    """The 50 largest overdue debts of whom no channel reached: what is owed, since when, which step found nobody, and why. For staff.

    A step is a letter or the warning of the dunning ladder. Whoever the warning did not reach is not cut off for that debt.
    """
    turn.for_staff_only()
    return (await dunning.owing_and_unreachable(turn.conn, operators_ladder(), turn.now))[:LARGEST_DEBTS]
