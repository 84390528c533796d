"""What an agent may ask of those who left and have money to come. For staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from atlas.billing.reads.leavers import final_statements
from atlas.billing.reads.leavers import owed_to_leavers as owed
from atlas.billing.rules.leavers import NothingOwedToThem, why_it_waits
from atlas.identity import CustomerId
from atlas.money import Money
from forge.actions.billing.leavers import IssueFinalStatements, PayBackLeaver, RecordPayout
from forge.propose import Proposed
from tools.turn import Turn

LARGEST: Final = 50


@dataclass(frozen=True)
class ToBePaidBack:
    """Somebody who left: what we owe them by the books, what their final statement will add, and why it has not gone back yet."""

    customer_id: CustomerId
    name: str
    left_on: date | None
    owed: Money
    statement: Money
    why: str


async def owed_to_leavers(turn: Turn) -> Sequence[ToBePaidBack]:
    """The 50 largest sums that we owe to customers who left, and why each has not gone back. For staff.

    `why`: final_statement_to_come, look_at_final_statement, waits_for_approval, deceased, or why no way leads back to how they paid.
    """
    turn.for_staff_only()
    found = await owed(turn.conn, turn.now.date())
    return [ToBePaidBack(one.customer_id, one.name, one.left_on, one.owed, one.statement, why_it_waits(one)) for one in found[:LARGEST]]


async def issue_final_statement(turn: Turn, customer_id: CustomerId) -> Proposed:
    """Asks that the last bill of this customer, who left, be issued, where it is nothing or in their favour. For staff."""
    turn.for_staff_only()
    statements = tuple(await final_statements(turn.conn, [customer_id]))
    if not statements:
        raise NothingOwedToThem(customer_id)
    return await turn.propose(IssueFinalStatements(statements), "a member of staff looked at it")


async def pay_back_leaver(turn: Turn, customer_id: CustomerId) -> Proposed:
    """Asks that what we owe this customer, who left, go back by the way of their own payments. For staff."""
    turn.for_staff_only()
    return await turn.propose(await PayBackLeaver.of(turn.conn, customer_id, turn.now), "a member of staff pays a leaver back")


async def record_payout(turn: Turn, customer_id: CustomerId, amount: Money, number: str, paid_on: date | None = None) -> Proposed:
    """Keeps that so much was transferred by hand to this customer, who left. For staff. Today if no day is said.

    `number` is what the transfer is found by. For those to whom no way of ours leads back; never more than is owed to them.
    """
    turn.for_staff_only()
    day = paid_on or turn.now.date()
    order = await RecordPayout.of(turn.conn, customer_id, amount, number, day, turn.now)
    return await turn.propose(order, "a member of staff transferred it")
