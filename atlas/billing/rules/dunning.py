"""How a debt is chased: which step of the ladder is due, what stops it, what may be promised. Pure."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Final

from atlas.billing.records.dunning import Chased, DisputableCharge, Does, Ladder, PromiseToPay, Rung
from atlas.errors import AtlasError, InvalidField
from atlas.identity import CustomerId
from atlas.money import ZERO, Money

DAY: Final = timedelta(days=1)
# No ladder and no agent stops the chase for longer than a bill's month: what an operator writes is within it.
LONGEST_PROMISE: Final = timedelta(days=31)
REMEMBERED: Final = timedelta(days=90)
CUTS: Final = frozenset({Does.RESTRICT, Does.SUSPEND, Does.TERMINATE})
SAYS: Final = frozenset({Does.MESSAGE, Does.WARN})
# What is said of cutting off is not said to whom it will never happen.
THREATENS: Final = CUTS | {Does.WARN}


class NothingOverdue(AtlasError):
    """A promise to pay, or a dispute, of nothing that is owed."""

    def __init__(self) -> None:
        super().__init__("nothing is overdue, so there is nothing to promise")


class PromisesBroken(AtlasError):
    """Promises were made and not kept: the next one is a person's to take."""

    def __init__(self, broken: int) -> None:
        super().__init__(f"{broken} promises of the last 90 days were not kept; a colleague has to agree to another")


class ChargeUnknown(AtlasError):
    """No bill of the customer holds this charge, or it is in dispute already."""

    def __init__(self, label: str) -> None:
        super().__init__(f"label: there is no charge {label!r} on your bills that can be disputed")


class NotTold(AtlasError):
    """Somebody would be cut off who was never told from when, or sooner than they were told."""

    def __init__(self, customer_id: CustomerId) -> None:
        super().__init__(f"customer {customer_id} was not told in time: nobody is cut off who was not told from when")
        self.customer_id = customer_id


def is_told(chased: Chased, today: date) -> bool:
    """Whether a word that this may happen reached them, and the day that it named has come."""
    return chased.cut_from is not None and chased.cut_from <= today


def first_day_to_cut(ladder: Ladder, today: date, holidays: Collection[date]) -> date:
    """The first day, with the notice that the ladder gives, on which anybody may be cut off."""
    day = today + ladder.notice
    while is_blackout(ladder, day, holidays):
        day += DAY
    return day


def is_blackout(ladder: Ladder, day: date, holidays: Collection[date]) -> bool:
    """Nobody is cut off on such a day: one of the week's, a holiday, or the day before one."""
    return day.weekday() in ladder.blackout or day in holidays or day + DAY in holidays


def rung_due(ladder: Ladder, chased: Chased, now: datetime, today: date, holidays: Collection[date] = ()) -> Rung | None:
    """The step to take now: the lowest that was not taken, if its conditions hold and nothing stops it; one at a time, none left out.

    A warning that reached nobody was not given: it comes before whatever follows, once it can be said again.
    """
    following = warning_to_repeat(ladder, chased, now) or next((rung for rung in ladder.rungs if not is_taken(rung, chased)), None)
    if following is None or not _holds(following, chased, today):
        return None
    if chased.last_step_at is not None and now - chased.last_step_at < ladder.apart:
        return None
    return None if _is_stopped(following, chased, ladder, today, holidays) else following


def is_taken(rung: Rung, chased: Chased) -> bool:
    """Whether the step was taken for this very debt, or the line is as it would leave it."""
    if rung.does is Does.RESTRICT:
        return chased.is_restricted or chased.is_suspended or rung.step in chased.steps
    return rung.step in chased.steps or (rung.does is Does.SUSPEND and chased.is_suspended)


def warning_to_repeat(ladder: Ladder, chased: Chased, now: datetime) -> Rung | None:
    """The warning, where it reached nobody and they can be told by now: by a new way at once, by those that failed after a pause."""
    if chased.unheard_at is None or not chased.can_be_warned or chased.is_suspended:
        return None
    if not chased.has_new_way and now - chased.unheard_at < ladder.warn_again:
        return None
    return next((rung for rung in ladder.rungs if rung.does is Does.WARN and rung.step in chased.steps), None)


def is_to_be_warned(chased: Chased, attempt: int) -> bool:
    """Whether this attempt at the warning is still to be made: it was not, and those before it reached nobody."""
    return chased.warned == attempt - 1 and (attempt == 1 or chased.unheard_at is not None)


def _holds(rung: Rung, chased: Chased, today: date) -> bool:
    is_old = today - chased.oldest_due_on >= rung.overdue_for
    return is_old and chased.owed >= rung.owed_at_least and chased.unpaid_bills >= rung.unpaid_bills


def _is_stopped(rung: Rung, chased: Chased, ladder: Ladder, today: date, holidays: Collection[date]) -> bool:
    if _is_left_alone(chased, today):
        return True
    if rung.does not in THREATENS:
        return False
    if _is_never_cut_off(chased):
        return True
    if rung.does is Does.SUSPEND and not is_told(chased, today):
        return True
    return rung.does in CUTS and is_blackout(ladder, today, holidays)


def _is_left_alone(chased: Chased, today: date) -> bool:
    # Nobody writes to the dead of money; and whoever promised is given until the end of that day.
    return chased.is_deceased or (chased.promised_until is not None and today <= chased.promised_until)


def _is_never_cut_off(chased: Chased) -> bool:
    return chased.is_vulnerable or chased.has_emergency_line or chased.is_disputed


def last_said(ladder: Ladder, chased: Chased, now: datetime, today: date) -> Rung | None:
    """The letter or warning at which a debt stands: the one that is due, else the last that was taken; None where nothing is to be said."""
    due = rung_due(ladder, chased, now, today)
    if due is not None and due.does in SAYS:
        return due
    if _is_left_alone(chased, today):
        return None
    kinds = {Does.MESSAGE} if _is_never_cut_off(chased) else SAYS
    return next((rung for rung in reversed(ladder.rungs) if rung.does in kinds and rung.step in chased.steps), None)


def is_to_be_restored(overdue: Money) -> bool:
    """Whoever owes nothing beyond its day, disputes left out, is served again."""
    return overdue <= ZERO


def checked_promise(ladder: Ladder, promises: Iterable[PromiseToPay], overdue: Money, due_on: date, today: date) -> date:
    """`due_on`, if such a promise is taken without a person. Raises NothingOverdue, InvalidField or PromisesBroken."""
    made = list(promises)
    possible_promise(made, overdue, due_on, today, ladder.promise_up_to)
    broken = sum(promise.is_broken and today - promise.due_on <= REMEMBERED for promise in made)
    if broken > ladder.broken_promises:
        raise PromisesBroken(broken)
    return due_on


def possible_promise(made: Iterable[PromiseToPay], overdue: Money, due_on: date, today: date, most: timedelta = LONGEST_PROMISE) -> date:
    """`due_on`, if anybody may take such a promise at all. Raises NothingOverdue or InvalidField."""
    if overdue <= ZERO:
        raise NothingOverdue
    if not today <= due_on <= today + most:
        raise InvalidField("due_on", f"a day from {today} to {today + most}")
    if any(today <= promise.due_on for promise in made):
        raise InvalidField("due_on", "there is a promise already; when it is kept, another can be made")
    return due_on


def charge_named(charges: Iterable[DisputableCharge], label: str) -> DisputableCharge:
    """The latest charge of that name, whatever its case. Raises ChargeUnknown."""
    wanted = " ".join(label.lower().split())
    found = next((charge for charge in charges if " ".join(charge.label.lower().split()) == wanted), None)
    if found is None:
        raise ChargeUnknown(label)
    return found
