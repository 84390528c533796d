"""What a failing of ours is worth: the rates are the operator's, by day; how days are counted is here. Pure.

Counted as the British scheme of automatic compensation counts (Ofcom, 2019): a repair is late for each calendar day after so many full
working days beyond the report; a visit is missed where nobody came, or we called it off with less than 24 hours' notice; a start is late
for each day from the one that was promised.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from atlas.billing.records.compensation import Credit
from atlas.billing.records.failings import Failing, Owed, Suffered
from atlas.money import ZERO

DAY: Final = timedelta(days=1)
SATURDAY: Final = 5


def is_working_day(day: date, holidays: Collection[date]) -> bool:
    return day.weekday() < SATURDAY and day not in holidays


def late_repair_days(lost: date, back: date, free_working_days: int, holidays: Collection[date] = ()) -> int:
    """Calendar days on which the line was still down after the free working days; the day it was lost is no full one."""
    last_free, left = lost, free_working_days
    while left and last_free < back:
        last_free += DAY
        left -= is_working_day(last_free, holidays)
    return max(0, (back - last_free).days)


def late_start_days(promised: date, began: date) -> int:
    """Days without the service that was promised, the promised one among them."""
    return max(0, (began - promised).days)


def days_owed(one: Suffered, holidays: Collection[date] = ()) -> int:
    """How often the rate is due; a missed visit is one, and the cap counts."""
    began, ended = _local(one.began_at, one.timezone), _local(one.ended_at, one.timezone)
    days = {
        Failing.LATE_REPAIR: late_repair_days(began, ended, one.free_working_days, holidays),
        Failing.LATE_START: late_start_days(began, ended),
        Failing.MISSED_VISIT: 1,
    }[one.rule]
    return days if one.most_days is None else min(days, one.most_days)


def _local(at: datetime, timezone: str) -> date:
    return at.astimezone(ZoneInfo(timezone)).date()


def owed_for(suffered: Iterable[Suffered], holidays: Collection[date] = ()) -> list[Owed]:
    """What is still to be credited, cause by cause; what was given for the same under another rule is taken off."""
    ordered = sorted(suffered, key=lambda one: (one.cause, one.subscriber_id))
    owed = [Owed(cause, *_credited(list(group), holidays)) for cause, group in groupby(ordered, key=lambda one: one.cause)]
    return [one for one in owed if one.credits]


def _credited(group: list[Suffered], holidays: Collection[date]) -> tuple[Failing, tuple[Credit, ...]]:
    due = (_credit(one, days_owed(one, holidays)) for one in group)
    return group[0].rule, tuple(credit for credit in due if credit.amount > ZERO)


def _credit(one: Suffered, days: int) -> Credit:
    amount = one.rate * days
    what = one.rule.value.replace("_", " ")
    formula = f"{what}: {one.rate}" if one.rule is Failing.MISSED_VISIT else f"{what}: {days} {'day' if days == 1 else 'days'} × {one.rate}"
    less = f", less {one.given} given before" if one.given else ""
    return Credit(one.customer_id, one.subscriber_id, max(ZERO, amount - one.given), formula + less)
