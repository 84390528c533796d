"""What an agent may ask of billing. Amounts include tax; no answer holds anything about another customer."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from atlas.billing import reads
from atlas.billing.records import AgedDebt, Balance, Bill, BillComparison, CreditGiven, CreditKind
from atlas.billing.rules import NothingToCompare, NothingToCredit, aged_debts, compared
from atlas.errors import NotFound
from atlas.identity import CustomerId
from atlas.principal import Assurance
from forge.actions.billing import RequestCredit
from forge.propose import Proposed
from tools.turn import Turn, needs

# An outage longer ago than this is no longer made good on request; a person decides.
CREDITED_FOR: Final = timedelta(days=30)
LARGEST_DEBTS: Final = 50


@needs(Assurance.VERIFIED)
async def explain_bill_change(turn: Turn, before: date | None = None, after: date | None = None) -> BillComparison:
    """What makes the customer's bill for `after` differ from `before`, label by label, largest rise first.

    Months are named by their first day; left out, the two latest bills are compared. Amounts include tax; positive means dearer.
    """
    return await _comparison(turn, turn.customer_id, before, after)


async def explain_bill_change_of(
    turn: Turn, customer_id: CustomerId, before: date | None = None, after: date | None = None
) -> BillComparison:
    """What makes this customer's bill for `after` differ from `before`, label by label, largest rise first. For staff.

    Months are named by their first day; left out, the two latest bills are compared. Amounts include tax; positive means dearer.
    """
    turn.for_staff_only()
    return await _comparison(turn, customer_id, before, after)


@needs(Assurance.VERIFIED)
async def latest_bill(turn: Turn) -> Bill:
    """The customer's latest bill with every line, when it is due, and what was paid of it."""
    return await _latest_bill(turn, turn.customer_id)


async def latest_bill_of(turn: Turn, customer_id: CustomerId) -> Bill:
    """This customer's latest bill with every line, when it is due, and what was paid of it. For staff."""
    turn.for_staff_only()
    return await _latest_bill(turn, customer_id)


@needs(Assurance.VERIFIED)
async def balance(turn: Turn) -> Balance:
    """What the customer owes, what of it is overdue, and the last payment. Negative is in the customer's favour."""
    return await reads.balance(turn.conn, turn.customer_id, turn.now.date())


async def balance_of(turn: Turn, customer_id: CustomerId) -> Balance:
    """What this customer owes, what of it is overdue, and the last payment. Negative is in their favour. For staff."""
    turn.for_staff_only()
    return await reads.balance(turn.conn, customer_id, turn.now.date())


@needs(Assurance.VERIFIED)
async def my_credits(turn: Turn) -> list[CreditGiven]:
    """Credits the customer was given in the last 30 days, and how each was worked out."""
    return await reads.credits_given(turn.conn, turn.customer_id, turn.now - CREDITED_FOR)


@needs(Assurance.VERIFIED)
async def request_credit(turn: Turn) -> Proposed:
    """Asks for the credit that the customer's latest outage gives a right to; answers with a reference, and whether it was given or waits.

    The amount is worked out here. Where there was no outage in 30 days, or it was credited, the answer says so.
    """
    return await _request_credit(turn, turn.customer_id)


async def request_credit_for(turn: Turn, customer_id: CustomerId) -> Proposed:
    """Asks for the credit that this customer's latest outage gives a right to; answers with a reference. For staff.

    The amount is worked out here. Where there was no outage in 30 days, or it was credited, the answer says so.
    """
    turn.for_staff_only()
    return await _request_credit(turn, customer_id)


async def aged_debt(turn: Turn) -> Sequence[AgedDebt]:
    """The 50 customers who owe most beyond their day, by the age of the debt: 1-30, 31-60, 61-90 and over 90 days. For staff."""
    turn.for_staff_only()
    today = turn.now.date()
    return aged_debts(await reads.overdue_invoices(turn.conn, today), today)[:LARGEST_DEBTS]


async def _comparison(turn: Turn, customer_id: CustomerId, before: date | None, after: date | None) -> BillComparison:
    later = after.replace(day=1) if after else await _latest_month(turn, customer_id, date.max, bills=0)
    earlier = before.replace(day=1) if before else await _latest_month(turn, customer_id, later, bills=1)
    was = await reads.lines_of_month(turn.conn, customer_id, earlier)
    now = await reads.lines_of_month(turn.conn, customer_id, later)
    for month, lines in ((earlier, was), (later, now)):
        if not lines:
            raise NotFound("bill for", f"{month:%Y-%m}")
    return compared(earlier, was, later, now)


async def _latest_month(turn: Turn, customer_id: CustomerId, before: date, bills: int) -> date:
    months = await reads.months_billed(turn.conn, customer_id, before, most=1)
    if not months:
        raise NothingToCompare(bills)
    return months[0]


async def _latest_bill(turn: Turn, customer_id: CustomerId) -> Bill:
    months = await reads.months_billed(turn.conn, customer_id, most=1)
    bill = await reads.bill_of_month(turn.conn, customer_id, months[0]) if months else None
    if bill is None:
        raise NotFound("bill of customer", customer_id)
    return bill


async def _request_credit(turn: Turn, customer_id: CustomerId) -> Proposed:
    incident_id = await reads.last_incident_of(turn.conn, customer_id, turn.now - CREDITED_FOR)
    if incident_id is None:
        raise NothingToCredit(customer_id)
    for kind in CreditKind:
        due = await reads.credits_due_for(turn.conn, incident_id, kind, turn.now)
        own = tuple(credit for credit in due if credit.customer_id == customer_id)
        if own:
            return await turn.propose(
                RequestCredit(customer_id, incident_id, own, kind), "the customer asks for a credit for an outage at their line"
            )
    raise NothingToCredit(customer_id)
