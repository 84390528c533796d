"""Parts of a price by days."""

from datetime import date

from atlas.billing.records.cycles import Period
from atlas.errors import InvalidField
from atlas.money import Money


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
