"""How bills are worked out: proration, cycles, tax, what changed, what an outage gives back, who may be cut off. Pure."""

import calendar
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Final
from zoneinfo import ZoneInfo

from atlas.billing.records import (
    AgedDebt,
    BillComparison,
    CompensationRate,
    Credit,
    CreditKind,
    Debt,
    InvoiceLine,
    LineChange,
    OutageSuffered,
    OverdueInvoice,
    PaymentDifference,
    PaymentKept,
    Period,
)
from atlas.errors import AtlasError, InvalidField
from atlas.identity import CustomerId, IncidentId, InvoiceId
from atlas.money import ZERO, Money

# A bill is sent at the start of a month and its reminder two weeks after its day: a debt younger than this has not been asked for twice.
SUSPEND_AFTER: Final = timedelta(days=30)
# Cutting somebody off costs more than this to undo.
LEAST_DEBT_TO_SUSPEND: Final = Money("10.00")
DAY: Final = timedelta(days=1)


class CreditExceedsInvoice(AtlasError):
    """A credit would give back more than the invoice charged."""

    def __init__(self, invoice_id: InvoiceId, credit: Money, charged: Money) -> None:
        super().__init__(f"credit {credit} exceeds the {charged} charged on invoice {invoice_id}")
        self.invoice_id = invoice_id


class NothingToCredit(AtlasError):
    """No outage at this customer's lines that was not made good already."""

    def __init__(self, customer_id: CustomerId) -> None:
        super().__init__("no outage at this line in the last 30 days is without its credit")
        self.customer_id = customer_id


class NothingToCompare(AtlasError):
    """Fewer than two bills were issued."""

    def __init__(self, bills: int) -> None:
        super().__init__(f"two bills are needed to compare, and {bills} were issued")
        self.bills = bills


class PaymentArrived(AtlasError):
    """The debt for which somebody was to be cut off is no longer there."""

    def __init__(self, customer_id: CustomerId, owed: Money) -> None:
        super().__init__(f"customer {customer_id} now owes {owed} overdue: nobody is cut off for that")
        self.customer_id = customer_id


class ProtectedFromDisconnection(AtlasError):
    """A vulnerable customer, an emergency line, a disputed debt, or somebody who died: never cut off."""

    def __init__(self, customer_id: CustomerId) -> None:
        super().__init__(f"customer {customer_id} is protected from disconnection")
        self.customer_id = customer_id


def total_by_label(lines: Iterable[InvoiceLine]) -> dict[str, Money]:
    totals: dict[str, Money] = {}
    for line in lines:
        totals[line.label] = totals.get(line.label, ZERO) + line.amount
    return totals


def total(amounts: Iterable[Money]) -> Money:
    return sum(amounts, ZERO)


def bill_changes(before: Iterable[InvoiceLine], after: Iterable[InvoiceLine]) -> list[LineChange]:
    """What moved between two bills, largest rise first; unchanged labels are left out."""
    was, now = total_by_label(before), total_by_label(after)
    changes = (LineChange(label, now.get(label, ZERO) - was.get(label, ZERO)) for label in was.keys() | now.keys())
    return sorted((change for change in changes if change.amount), key=lambda change: (-change.amount, change.label))


def compared(before: date, was: Sequence[InvoiceLine], after: date, now: Sequence[InvoiceLine]) -> BillComparison:
    """The bill of month `after` beside the one of `before`."""
    total_before, total_after = total(line.amount for line in was), total(line.amount for line in now)
    return BillComparison(before, after, total_before, total_after, total_after - total_before, tuple(bill_changes(was, now)))


def prorated_charge(monthly: Money, days: int, days_in_period: int) -> Money:
    """The part of a monthly price for `days` of a period; half a penny rounds up.

    Raises InvalidField where the days do not lie in the period.
    """
    if days_in_period < 1 or not 0 <= days <= days_in_period:
        raise InvalidField("days", f"{days} days do not lie in a period of {days_in_period}")
    return Money.rounded(monthly.amount * days / days_in_period)


def prorated_change(monthly_before: Money, monthly_after: Money, changed_on: date, period: Period) -> Money:
    """What a plan change inside `period` adds to what was billed in advance. The day of the change is billed once, on the new plan."""
    days_left = (period.end - changed_on).days
    return prorated_charge(monthly_after, days_left, period.days) - prorated_charge(monthly_before, days_left, period.days)


def cycle_date(year: int, month: int, cycle_day: int) -> date:
    """The billing day of a month: the last one where the month is too short."""
    return date(year, month, min(cycle_day, calendar.monthrange(year, month)[1]))


def next_cycle_date(after: date, cycle_day: int) -> date:
    """The first billing day after `after`. A day clamped by a short month returns to its own in the next."""
    this_month = cycle_date(after.year, after.month, cycle_day)
    if this_month > after:
        return this_month
    following = after.replace(day=1) + timedelta(days=31)
    return cycle_date(following.year, following.month, cycle_day)


def periods_from(started_at: datetime, timezone: str, cycle_day: int) -> Iterator[Period]:
    """The periods of a service, one after another without end, by the customer's own calendar; the first may be short.

    Only dates are added, never hours, so no change of the clocks can hold it up.
    """
    first = started_at.astimezone(ZoneInfo(timezone)).date()
    while True:
        end = next_cycle_date(first, cycle_day)
        yield Period(first, end)
        first = end


def shared_out(amount: Money, weights: Sequence[Decimal]) -> list[Money]:
    """`amount` divided in proportion to `weights`, to the penny and with nothing lost: the largest remainders get the odd pennies.

    Raises InvalidField where the weights add up to nothing.
    """
    whole = sum(weights, Decimal(0))
    if not whole:
        raise InvalidField("weights", "add up to nothing")
    exact = [amount.minor * weight / whole for weight in weights]
    floors = [int(share.to_integral_value(ROUND_FLOOR)) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda place: (floors[place] - exact[place], place))
    lifted = set(by_remainder[: amount.minor - sum(floors)])
    return [Money.of_minor(floor + (place in lifted)) for place, floor in enumerate(floors)]


def line_taxes(net: Sequence[Money], rate: Decimal) -> list[Money]:
    """The tax of each line, such that the lines add up to the tax of the invoice, rounded once.

    A credit note per line then gives back exactly what was charged. `rate` is a fraction, as 0.20.
    """
    charged = total(net)
    tax = Money.of_minor(int((charged.minor * rate).quantize(Decimal(1), rounding=ROUND_HALF_UP)))
    if not charged:
        return [ZERO for _ in net]
    return shared_out(tax, [Decimal(amount.minor) for amount in net])


def credit_within(invoice_id: InvoiceId, credit: Money, charged: Money, credited_already: Money) -> Money:
    """`credit`, if the invoice still bears it; raises CreditExceedsInvoice."""
    if credit + credited_already > charged:
        raise CreditExceedsInvoice(invoice_id, credit + credited_already, charged)
    return credit


def goodwill_credit(rate: CompensationRate, monthly_price: Money) -> Money:
    """The flat credit of an outage, never more than a month's price."""
    return min(rate.flat, monthly_price)


def duration_credit(rate: CompensationRate, monthly_price: Money, lasted: timedelta) -> Money:
    """A share of the monthly price for each full day beyond the minimum; with the flat credit never more than a month's price."""
    by_days = Money.rounded(monthly_price.amount * rate.monthly_share_per_day * full_days_beyond(rate.minimum_outage, lasted))
    return min(by_days, monthly_price - goodwill_credit(rate, monthly_price))


def full_days_beyond(minimum: timedelta, lasted: timedelta) -> int:
    return max(timedelta(0), lasted - minimum) // DAY


def credits_due(outages: Iterable[OutageSuffered], kind: CreditKind) -> list[Credit]:
    """What each of them should still be given of this kind; nobody twice, nobody more than a month's price in all."""
    due = (_credit_due(outage, kind) for outage in outages if kind.value not in outage.kinds_given)
    return [credit for credit in due if credit.amount > ZERO]


def _credit_due(outage: OutageSuffered, kind: CreditKind) -> Credit:
    rate = CompensationRate(outage.minimum_outage, outage.flat, outage.monthly_share_per_day)
    if kind is CreditKind.GOODWILL:
        amount, formula = goodwill_credit(rate, outage.monthly_price), f"{outage.flat} for the outage"
    else:
        days = full_days_beyond(rate.minimum_outage, outage.lasted)
        amount = duration_credit(rate, outage.monthly_price, outage.lasted)
        formula = (
            f"{days} full {'day' if days == 1 else 'days'} × {rate.monthly_share_per_day.normalize():f} of {outage.monthly_price} a month"
        )
    room = outage.monthly_price - outage.given
    return Credit(outage.customer_id, outage.subscriber_id, min(amount, room), formula)


def credit_cause(incident_id: IncidentId, kind: CreditKind) -> str:
    """The key under which a subscriber is credited once, as in `incident:31`."""
    return f"incident:{incident_id}" if kind is CreditKind.GOODWILL else f"incident:{incident_id}:{kind.value}"


def still_due(asked: Iterable[Credit], due: Iterable[Credit]) -> list[Credit]:
    """Of the credits asked for, those that are due to the penny."""
    found = set(due)
    return [credit for credit in asked if credit in found]


def by_customer(given: Iterable[Credit]) -> dict[CustomerId, Money]:
    """What each customer gets of these, over all their lines."""
    amounts: dict[CustomerId, Money] = {}
    for credit in given:
        amounts[credit.customer_id] = amounts.get(credit.customer_id, ZERO) + credit.amount
    return amounts


def largest_to_one(given: Iterable[Credit]) -> Money:
    """The most that any one customer gets of these."""
    return max(by_customer(given).values(), default=ZERO)


def debts_of(overdue: Iterable[OverdueInvoice]) -> list[Debt]:
    """What each customer owes beyond its day, the largest first."""
    return sorted((_debt(invoices) for invoices in _by_customer(overdue)), key=lambda debt: (-debt.owed, debt.customer_id))


def aged_debts(overdue: Iterable[OverdueInvoice], today: date) -> list[AgedDebt]:
    """Each customer's open debt by its age, the largest first."""
    return sorted((_aged(invoices, today) for invoices in _by_customer(overdue)), key=lambda debt: (-debt.total, debt.customer_id))


def _by_customer(overdue: Iterable[OverdueInvoice]) -> Iterable[list[OverdueInvoice]]:
    together: dict[CustomerId, list[OverdueInvoice]] = {}
    for invoice in overdue:
        together.setdefault(invoice.customer_id, []).append(invoice)
    return together.values()


def _debt(invoices: Sequence[OverdueInvoice]) -> Debt:
    one = invoices[0]
    return Debt(
        customer_id=one.customer_id,
        owed=total(invoice.outstanding for invoice in invoices),
        oldest_due_on=min(invoice.due_on for invoice in invoices),
        subscriber_ids=one.subscriber_ids,
        is_vulnerable=one.is_vulnerable,
        has_emergency_line=one.has_emergency_line,
        is_deceased=one.is_deceased,
        is_disputed=any(invoice.is_disputed for invoice in invoices),
    )


def _aged(invoices: Sequence[OverdueInvoice], today: date) -> AgedDebt:
    def between(fewest: int, most: int | None) -> Money:
        ages = ((invoice, (today - invoice.due_on).days) for invoice in invoices)
        return total(invoice.outstanding for invoice, days in ages if days >= fewest and (most is None or days <= most))

    return AgedDebt(
        customer_id=invoices[0].customer_id,
        name=invoices[0].name,
        days_1_to_30=between(1, 30),
        days_31_to_60=between(31, 60),
        days_61_to_90=between(61, 90),
        days_over_90=between(91, None),
        total=total(invoice.outstanding for invoice in invoices),
    )


def is_due_for_suspension(debt: Debt, today: date) -> bool:
    """Old enough and large enough to cut somebody off for; whether they may be is `is_protected`."""
    return debt.owed >= LEAST_DEBT_TO_SUSPEND and today - debt.oldest_due_on >= SUSPEND_AFTER


def is_protected(debt: Debt) -> bool:
    """Somebody whom the law, or a dispute, forbids to cut off; or who died, whose line stays until the family says."""
    return debt.is_vulnerable or debt.has_emergency_line or debt.is_deceased or debt.is_disputed


def payment_differences(kept: Iterable[PaymentKept], reported: Mapping[str, Money]) -> list[PaymentDifference]:
    """Where Atlas and the provider's list of the same days disagree, by reference; `reported` leaves out what was returned."""
    ours = {payment.reference: payment.amount for payment in kept if not payment.is_returned}
    pairs = ((reference, ours.get(reference), reported.get(reference)) for reference in sorted(ours.keys() | reported.keys()))
    return [PaymentDifference(reference, have, said) for reference, have, said in pairs if have != said]
