"""When a customer is billed: days of the month that clamp and return, in the customer's own calendar. Pure."""

import calendar
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from atlas.billing.records.cycles import Period


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
