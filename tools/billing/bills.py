"""What an agent may ask of bills and balances. Amounts include tax; no answer holds anything about another customer."""

from datetime import date

from atlas.billing.reads import bills as reads
from atlas.billing.reads.runs import lines_derived
from atlas.billing.records.bills import Balance, Bill, BillComparison
from atlas.billing.records.runs import LineDerived
from atlas.billing.rules.comparison import NothingToCompare, compared
from atlas.errors import NotFound
from atlas.identity import CustomerId
from atlas.principal import Assurance
from forge.actions.billing.telling import SendBillCopy
from forge.propose import Proposed
from tools.turn import Turn, needs


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


@needs(Assurance.VERIFIED)
async def send_my_bill(turn: Turn) -> Proposed:
    """Sends the customer's latest bill as a PDF to the mail address that is on file. Nowhere else: no address is taken from a message."""
    bill = await _latest_bill(turn, turn.customer_id)
    action = await SendBillCopy.of(turn.conn, turn.customer_id, bill.invoice.id, _asked(turn))
    return await turn.propose(action, "the customer asks for their bill as a document")


async def send_bill_of(turn: Turn, customer_id: CustomerId) -> Proposed:
    """Sends this customer their latest bill as a PDF, to their mail address on file. For staff."""
    turn.for_staff_only()
    bill = await _latest_bill(turn, customer_id)
    action = await SendBillCopy.of(turn.conn, customer_id, bill.invoice.id, _asked(turn))
    return await turn.propose(action, "a member of staff sends a customer their bill")


async def latest_bill_of(turn: Turn, customer_id: CustomerId) -> Bill:
    """This customer's latest bill with every line, when it is due, and what was paid of it. For staff."""
    turn.for_staff_only()
    return await _latest_bill(turn, customer_id)


@needs(Assurance.VERIFIED)
async def explain_invoice_line(turn: Turn, label: str | None = None, month: date | None = None) -> list[LineDerived]:
    """How a line of the customer's bill came about: price, days, usage, tax. Amounts without tax, which is beside them. Reads only.

    `label` as the bill names it, left out for every line; `month` by any of its days, left out for the latest bill.
    """
    return await _derived(turn, turn.customer_id, label, month)


async def explain_invoice_line_of(
    turn: Turn, customer_id: CustomerId, label: str | None = None, month: date | None = None
) -> list[LineDerived]:
    """How a line of this customer's bill came about: price, days, usage, tax, the catalogue's version and the order. For staff.

    `label` as the bill names it, left out for every line; `month` by any of its days, left out for the latest bill.
    """
    turn.for_staff_only()
    return await _derived(turn, customer_id, label, month)


@needs(Assurance.VERIFIED)
async def balance(turn: Turn) -> Balance:
    """What the customer owes, what of it is overdue, and the last payment. Negative is in the customer's favour."""
    return await reads.balance(turn.conn, turn.customer_id, turn.now.date())


async def balance_of(turn: Turn, customer_id: CustomerId) -> Balance:
    """What this customer owes, what of it is overdue, and the last payment. Negative is in their favour. For staff."""
    turn.for_staff_only()
    return await reads.balance(turn.conn, customer_id, turn.now.date())


async def _derived(turn: Turn, customer_id: CustomerId, label: str | None, month: date | None) -> list[LineDerived]:
    billed = month.replace(day=1) if month else await _latest_month(turn, customer_id, date.max, bills=0)
    lines = await lines_derived(turn.conn, customer_id, billed, label)
    if not lines:
        raise NotFound("line of the bill", f"{label or ''} {billed:%Y-%m}".strip())
    return lines


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


def _asked(turn: Turn) -> str:
    """Which wish it was: said again at once it is the same, said again later the document did not arrive."""
    return f"conversation:{turn.correlation_id}:{turn.now:%Y-%m-%dT%H:%M}"
