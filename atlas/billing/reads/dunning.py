"""Questions about debts that are chased: who stands where on the ladder, what was promised, what is in dispute."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from atlas.billing.reads.bills import balance
from atlas.billing.records.compensation import BillContact
from atlas.billing.records.dunning import (
    Chased,
    DisputableCharge,
    Dispute,
    Does,
    FeeCharged,
    FeeDue,
    Ladder,
    LateFee,
    PromiseToPay,
    Unreachable,
    WhySuspended,
)
from atlas.billing.rules.dunning import is_told, last_said
from atlas.errors import NotFound
from atlas.identity import CustomerId, InvoiceId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)

# What was billed longer ago is no longer disputed by a word; a person looks at it.
DISPUTED_WITHIN: Final = timedelta(days=365)
# A way that failed a warning longer ago may lead to them again.
FAILED_WITHIN: Final = timedelta(days=90)
HOLIDAYS_AHEAD: Final = timedelta(days=60)


@dataclass(frozen=True)
class _ChasedAsTold:
    oldest_due_on: date | None
    steps: tuple[str, ...]
    promised_until: date | None


@dataclass(frozen=True)
class _LineState:
    state: str
    reason: str


async def chased(conn: Connection, today: date, customer_ids: Sequence[CustomerId] | None = None) -> list[Chased]:
    """Everybody with an overdue debt, or of these customers, with where each stands; what is in dispute is left out of it."""
    return await SQL.all(conn, Chased, "chased", today=today, customer_ids=None if customer_ids is None else list(customer_ids))


async def told_to_be_cut_off(conn: Connection, today: date, customer_ids: Sequence[CustomerId]) -> set[CustomerId]:
    """Of these customers, who was told from when they may be cut off for the debt they have, and that day has come."""
    return {one.customer_id for one in await chased(conn, today, customer_ids) if is_told(one, today)}


async def owing_and_unreachable(conn: Connection, ladder: Ladder, now: datetime) -> list[Unreachable]:
    """Whoever owes, and was told by no channel at the step of the ladder where their debt stands; the largest debt first.

    Whoever died, or promised a day that is not over, is left out: nothing is to be said to them. Days are the customer's own.
    """
    owing = [
        (one, rung)
        for one in await chased(conn, now.date())
        if (rung := last_said(ladder, one, now, now.astimezone(ZoneInfo(one.timezone)).date())) is not None
    ]
    return await SQL.all(
        conn,
        Unreachable,
        "owing_and_unreachable",
        customer_ids=[one.customer_id for one, _ in owing],
        oldest=[one.oldest_due_on for one, _ in owing],
        owed=[one.owed.minor for one, _ in owing],
        steps=[rung.step for _, rung in owing],
        warnings=[rung.does is Does.WARN for _, rung in owing],
    )


async def warning_contacts(conn: Connection, customer_ids: Sequence[CustomerId], now: datetime) -> list[BillContact]:
    """By which contact each of these customers is told that their line is at stake: open for their service, whatever they wish of bills.

    Of several the one by which the fewest warnings of late failed, then the one they prefer. Whoever can be told by none is left out.
    """
    return await SQL.all(conn, BillContact, "warning_contacts", customer_ids=list(customer_ids), since=now - FAILED_WITHIN)


async def debt_contacts(conn: Connection, customer_ids: Sequence[CustomerId]) -> list[BillContact]:
    """Where these customers are told of a debt: by what is open for bills, else by a letter on paper, where letters are posted for us."""
    return await SQL.all(conn, BillContact, "debt_contacts", customer_ids=list(customer_ids))


async def payer_contacts(conn: Connection, customer_ids: Sequence[CustomerId], now: datetime) -> list[BillContact]:
    """Where a bill and a reminder of it go: to whoever pays for these customers, else as `debt_contacts`."""
    return await SQL.all(conn, BillContact, "payer_contacts", customer_ids=list(customer_ids), now=now, since=now - FAILED_WITHIN)


async def fees_due(conn: Connection, fee: LateFee, today: date, invoice_ids: Sequence[InvoiceId] | None = None) -> list[FeeDue]:
    """Every bill, or of these, that costs a late fee which was not charged yet; disputed amounts left out of what is open of it."""
    return await SQL.all(
        conn,
        FeeDue,
        "fees_due",
        invoice_ids=None if invoice_ids is None else list(invoice_ids),
        due_by=today - fee.overdue_for,
        least_minor=fee.owed_at_least.minor,
        today=today,
    )


async def late_fee_of(conn: Connection, customer_id: CustomerId, number: int) -> FeeCharged:
    """The late fee charged for the customer's bill of this number. Raises NotFound."""
    found = await SQL.first(conn, FeeCharged, "late_fee_of", customer_id=customer_id, number=number)
    if found is None:
        raise NotFound("late fee for bill", number)
    return found


async def holidays(conn: Connection, today: date, back: timedelta = timedelta(0)) -> list[date]:
    """The holidays from `back` before today until two months ahead."""
    return await SQL.column(conn, "holidays", since=today - back, until=today + HOLIDAYS_AHEAD)


async def cut_off_and_square(conn: Connection, today: date, customer_ids: Sequence[CustomerId] | None = None) -> list[CustomerId]:
    """Who is slowed or cut off for debt and owes nothing overdue any more: all of them, or of these customers."""
    ids = None if customer_ids is None else list(customer_ids)
    return await SQL.column(conn, "cut_off_and_square", today=today, customer_ids=ids)


async def promises(conn: Connection, customer_id: CustomerId, today: date) -> list[PromiseToPay]:
    """What the customer promised to pay, the latest day first."""
    return await SQL.all(conn, PromiseToPay, "promises", customer_id=customer_id, today=today)


async def disputes_of(conn: Connection, customer_id: CustomerId) -> list[Dispute]:
    """The customer's disputes, the latest first; closed ones too."""
    return await SQL.all(conn, Dispute, "disputes_of", customer_id=customer_id)


async def dispute(conn: Connection, dispute_id: int) -> Dispute:
    """Raises NotFound."""
    found = await SQL.first(conn, Dispute, "dispute", dispute_id=dispute_id)
    if found is None:
        raise NotFound("dispute", dispute_id)
    return found


async def charges_disputable(conn: Connection, customer_id: CustomerId, now: datetime) -> list[DisputableCharge]:
    """Charges of the last year's bills that were never disputed, the latest bill first; amounts include tax."""
    return await SQL.all(conn, DisputableCharge, "charges_disputable", customer_id=customer_id, since=now - DISPUTED_WITHIN)


async def why_suspended(conn: Connection, customer_id: CustomerId, today: date) -> WhySuspended:
    """Whether the customer's lines are slowed or cut off, why, and what was done before."""
    line = await SQL.one(conn, _LineState, "line_state", customer_id=customer_id)
    told = await SQL.one(conn, _ChasedAsTold, "chased_as_told", customer_id=customer_id, today=today, since=today - DISPUTED_WITHIN)
    money = await balance(conn, customer_id, today)
    return WhySuspended(
        state=line.state,
        reason=line.reason,
        owed=money.owed,
        overdue=money.overdue,
        oldest_due_on=told.oldest_due_on,
        steps=told.steps,
        promised_until=told.promised_until,
    )
