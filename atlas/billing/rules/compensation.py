"""What an outage gives back, once."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from atlas.billing.records.compensation import CompensationRate, Credit, CreditKind, OutageSuffered
from atlas.errors import AtlasError
from atlas.identity import CustomerId, IncidentId, InvoiceId
from atlas.money import ZERO, Money

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
