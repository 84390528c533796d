"""Which way an order may go, whether a plan may be had, what holds an order, who is given credit. Pure."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from atlas.errors import AtlasError, InvalidField
from atlas.identity import JobId, OrderId, SubscriberId
from atlas.money import Money
from atlas.oms.records import AddOn, Case, Installation, Offer, OrderState, OrderVisit, PlanChange, Quote

S = OrderState
# TMF622: what is open may be held, stopped or asked to stop; what has ended stays as it ended.
LEGAL: Final[dict[OrderState, frozenset[OrderState]]] = {
    S.ACKNOWLEDGED: frozenset({S.REJECTED, S.PENDING, S.HELD, S.IN_PROGRESS, S.CANCELLED}),
    S.PENDING: frozenset({S.IN_PROGRESS, S.HELD, S.CANCELLED, S.FAILED}),
    S.HELD: frozenset({S.IN_PROGRESS, S.PENDING, S.CANCELLED, S.FAILED}),
    S.IN_PROGRESS: frozenset({S.PENDING, S.HELD, S.COMPLETED, S.FAILED, S.PARTIAL, S.ASSESSING_CANCELLATION}),
    S.ASSESSING_CANCELLATION: frozenset({S.PENDING_CANCELLATION, S.IN_PROGRESS}),
    S.PENDING_CANCELLATION: frozenset({S.CANCELLED}),
    S.REJECTED: frozenset(),
    S.CANCELLED: frozenset(),
    S.COMPLETED: frozenset(),
    S.FAILED: frozenset(),
    S.PARTIAL: frozenset(),
}
ON_SALE: Final = ("active", "launched")
OPEN: Final = frozenset(state for state, following in LEGAL.items() if following)


class IllegalTransition(AtlasError):
    """An order does not go from the one state to the other."""

    def __init__(self, order_id: OrderId, now: OrderState, wanted: OrderState) -> None:
        super().__init__(f"order {order_id} is {now.value} and cannot become {wanted.value}")
        self.order_id = order_id
        self.now = now
        self.wanted = wanted


class OrderOpen(AtlasError):
    """The line has an order in flight; a second one waits for it."""

    def __init__(self, order_id: OrderId) -> None:
        super().__init__(f"order {order_id} for this line is not finished: one change at a time")
        self.order_id = order_id


class PlanUnavailable(AtlasError):
    """The line cannot have this plan; the reason is in the message."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code} cannot be had at this line: {reason}")
        self.code = code


class OfferChanged(AtlasError):
    """The plan or its price is no longer what was agreed; it is offered anew."""

    def __init__(self, code: str) -> None:
        super().__init__(f"{code} is no longer offered as it was agreed: ask for the new price first")
        self.code = code


class WhichLine(AtlasError):
    """The customer has several lines, and none was named."""

    def __init__(self, lines: Sequence[SubscriberId]) -> None:
        super().__init__(f"say which line: {', '.join(map(str, lines))}")
        self.lines = tuple(lines)


def is_legal(now: OrderState, wanted: OrderState) -> bool:
    return wanted in LEGAL[now]


def checked_transition(order_id: OrderId, now: OrderState, wanted: OrderState) -> OrderState:
    """`wanted`, if an order may go there from `now`; raises IllegalTransition."""
    if not is_legal(now, wanted):
        raise IllegalTransition(order_id, now, wanted)
    return wanted


def state_when_cancelled(order_id: OrderId, now: OrderState) -> OrderState:
    """Where an order goes when it is withdrawn: gone, or under assessment once work on it began.

    Raises IllegalTransition for what has ended, or is being cancelled already.
    """
    return checked_transition(order_id, now, S.ASSESSING_CANCELLATION if now is S.IN_PROGRESS else S.CANCELLED)


def first_state(line_state: str) -> OrderState:
    """An order for a line that is suspended is held until it is not."""
    return S.HELD if line_state == "suspended" else S.ACKNOWLEDGED


def the_change(changes: Sequence[PlanChange], code: str) -> PlanChange:
    """The one change that is possible. Raises PlanUnavailable, OrderOpen, or WhichLine rather than guess."""
    if not changes:
        raise PlanUnavailable(code, "no such plan on sale, or no such line")
    if len(changes) > 1:
        raise WhichLine([change.subscriber_id for change in changes])
    return checked_change(changes[0])


def checked_change(change: PlanChange) -> PlanChange:
    """The change, if the line can have it now. Raises PlanUnavailable or OrderOpen."""
    reason = _why_not(change)
    if reason is not None:
        raise PlanUnavailable(change.code, reason)
    if change.open_order_id is not None:
        raise OrderOpen(change.open_order_id)
    return change


def _why_not(change: PlanChange) -> str | None:
    reasons = (
        (change.offering_status not in ON_SALE, f"it is {change.offering_status}"),
        (change.is_same_version, "the line has it already"),
        (not change.is_same_technology, "the line is of another technology"),
        (not change.is_same_segment, "it is for another kind of customer"),
        (change.line_state not in ("active", "suspended"), f"the line is {change.line_state}"),
    )
    return next((reason for applies, reason in reasons if applies), None)


def the_new_add_on(found: Sequence[AddOn], name: str) -> AddOn:
    """The one that is meant, if its line can have it now; what goes with what is for the catalogue's rules.

    Raises PlanUnavailable, OrderOpen, or WhichLine rather than guess.
    """
    one = _one_of([each for each in found if not each.is_held] or found, name)
    reasons = (
        (one.is_held, f"line {one.subscriber_id} has it already"),
        (one.offering_version_id is None, f"it is {one.offering_status}"),
        (not one.is_for_line, "the line is of another technology"),
        (not one.is_for_them, "it is for another kind of customer"),
        (not one.is_sold_here, "it is not sold at this address"),
        (one.line_state not in ("active", "suspended"), f"the line is {one.line_state}"),
    )
    reason = next((reason for applies, reason in reasons if applies), None)
    if reason is not None:
        raise PlanUnavailable(one.code, reason)
    return _none_open(one)


def the_held_add_on(found: Sequence[AddOn], name: str) -> AddOn:
    """The one that is meant, which its line holds. Raises PlanUnavailable, OrderOpen, or WhichLine rather than guess."""
    one = _one_of([each for each in found if each.is_held] or found, name)
    if not one.is_held:
        raise PlanUnavailable(one.code, f"line {one.subscriber_id} does not have it")
    return _none_open(one)


def _one_of(meant: Sequence[AddOn], name: str) -> AddOn:
    if not meant:
        raise PlanUnavailable(name[:60], "no such add-on on sale, or no such line")
    if len(meant) > 1:
        raise WhichLine([each.subscriber_id for each in meant])
    return meant[0]


def _none_open(one: AddOn) -> AddOn:
    if one.open_order_id is not None:
        raise OrderOpen(one.open_order_id)
    return one


def checked_reason(reason: str) -> str:
    """One line saying why; raises InvalidField where there is none."""
    line = " ".join(reason.split())
    if not 0 < len(line) <= 300:
        raise InvalidField("reason", "say it in 1 to 300 characters")
    return line


def checked_offer(found: Offer | None, code: str) -> Offer:
    """The offer, if the customer can order it there now. Raises PlanUnavailable or OrderOpen."""
    if found is None:
        raise PlanUnavailable(code, "no such plan on sale, or no such address")
    reasons = (
        (found.offering_status not in ON_SALE, f"it is {found.offering_status}"),
        (found.customer_state not in ("prospect", "active", "former"), f"the customer is {found.customer_state}"),
        (not found.is_for_them, "it is for another kind of customer"),
        (found.live_line_id is not None, f"line {found.live_line_id} is there already: change its plan instead"),
    )
    reason = next((reason for applies, reason in reasons if applies), None)
    if reason is not None:
        raise PlanUnavailable(code, reason)
    if found.open_order_id is not None:
        raise OrderOpen(found.open_order_id)
    return found


# As long as a household takes to make up its mind; longer, and the network and the price list have moved.
QUOTE_STANDS: Final = timedelta(days=30)


class QuoteLapsed(AtlasError):
    """An order cannot be placed from this quote; what it would cost today is in the message, for whoever is asked again."""

    def __init__(self, quote: Quote, why: str, today: Offer | None) -> None:
        instead = f"{today.plan} is {today.monthly} a month today: quote that and ask again" if today else "ask what can be had there today"
        super().__init__(f"quote {quote.id}, {quote.plan} at {quote.monthly} a month, {why}; {instead}")
        self.quote = quote
        self.today = today


def checked_quote(quote: Quote, found: Offer | None, now: datetime) -> Offer:
    """What the quote offers, where it stands and is still sold so. Raises QuoteLapsed, and what an offer may raise.

    A price that moved is never taken silently, in either direction: it is quoted again, and agreed to again.
    """
    if quote.ordered_as is not None:
        raise QuoteLapsed(quote, f"was ordered from already, as order {quote.ordered_as}", None)
    if found is None or found.offering_status not in ON_SALE:
        raise QuoteLapsed(quote, "is of a plan that is no longer sold", None)
    if now >= quote.stands_until:
        raise QuoteLapsed(quote, f"stood until {quote.stands_until:%Y-%m-%d}", found)
    if (found.offering_version_id, found.monthly) != (quote.offering_version_id, quote.monthly):
        raise QuoteLapsed(quote, "is of a price that was changed since", found)
    return checked_offer(found, quote.code)


def checked_key(key: str) -> str:
    """What whoever sends an order calls it; raises InvalidField."""
    if not 8 <= len(key) <= 120 or not key.isprintable():
        raise InvalidField("key", "8 to 120 printable characters, the same each time the same order is sent")
    return key


def port_key(order_id: OrderId) -> str:
    """What the plant calls the port that it keeps for an order."""
    return f"order:{order_id}"


class NoPortFree(AtlasError):
    """Nothing in reach has a port left; why, and what could be had instead, is in the message."""

    def __init__(self, technology: str, why: str, alternatives: Sequence[str]) -> None:
        super().__init__(f"no {technology} port is free at this address: {why}; instead: {', '.join(alternatives)}")
        self.technology = technology
        self.alternatives = tuple(alternatives)


# The visit in which an order's last metres are laid

# An engineer who is late still comes; hours after the window's end nobody does.
STILL_COMES: Final = timedelta(hours=4)


class NoVisitFree(AtlasError):
    """Nobody can come within the days that can be booked: a person finds somebody, and books."""

    def __init__(self, order_id: OrderId) -> None:
        super().__init__(f"nobody can come for order {order_id} within the days that can be booked")
        self.order_id = order_id


class VisitMissed(AtlasError):
    """A visit ended without what it was for: it is booked again, or the order given up."""


def checked_visit(visit: OrderVisit | None, now: datetime) -> OrderVisit:
    """The visit, where it was made or may still be. Raises VisitMissed, saying how it ended instead."""
    if visit is None:
        raise VisitMissed("no visit is booked")
    if visit.state == "cancelled":
        raise VisitMissed(f"visit {visit.job_id} was called off")
    if visit.state == "failed":
        raise VisitMissed(f"visit {visit.job_id} failed: {visit.findings or 'nothing was written down'}")
    if visit.state == "acknowledged" and now > visit.window_until + STILL_COMES:
        raise VisitMissed(f"nobody came for visit {visit.job_id} of {visit.window_from:%Y-%m-%d %H:%M} UTC")
    return visit


# In the evening the tours of the next day are put together: from then on only somebody who can ring the engineer moves a visit.
MOVED_BEFORE: Final = time(18, 0)


class NoInstallation(AtlasError):
    """Nobody is booked to lay a line for this customer, or it is not said for which of several orders."""

    def __init__(self, orders: Sequence[OrderId] = ()) -> None:
        several = f"say for which: orders {', '.join(str(order) for order in orders)}"
        super().__init__(several if orders else "no visit to lay a line of yours is booked")
        self.orders = tuple(orders)


class InstallationUnderWay(AtlasError):
    """The engineer has set out, or is there."""

    def __init__(self, job_id: JobId) -> None:
        super().__init__(f"the engineer of visit {job_id} is on the way already")
        self.job_id = job_id


class TooLateToMove(AtlasError):
    """It is the evening before, or the day itself."""

    def __init__(self, job_id: JobId) -> None:
        super().__init__(f"visit {job_id} could be moved until {MOVED_BEFORE:%H:%M} on the day before: ask for a person")
        self.job_id = job_id


def the_installation(found: Sequence[Installation], order_id: OrderId | None) -> Installation:
    """The one that is meant; with several, that of `order_id`. Raises NoInstallation."""
    meant = [one for one in found if order_id is None or one.order_id == order_id]
    if len(meant) != 1:
        raise NoInstallation([one.order_id for one in meant])
    return meant[0]


def checked_movable(visit: OrderVisit | None, now: datetime, home: ZoneInfo) -> None:
    """Whether the customer may still move it themselves; one to which nobody came, always. Raises the reason why not."""
    if visit is None or visit.state == "completed":
        raise NoInstallation
    if visit.state in ("held", "inProgress"):
        raise InstallationUnderWay(visit.job_id)
    day_before = visit.window_from.astimezone(home).date() - timedelta(days=1)
    until = datetime.combine(day_before, MOVED_BEFORE, home)
    if visit.state == "acknowledged" and until <= now <= visit.window_until + STILL_COMES:
        raise TooLateToMove(visit.job_id)


# What holds an order, and when it is looked at again

LOOK_AGAIN: Final = timedelta(hours=1)
LONGEST_HOLD: Final = timedelta(days=1)


def holds(case: Case) -> str | None:
    """Why an order is held; None where nothing holds it."""
    if case.kind == "add" and case.has_suspended_line:
        return "the account is suspended"
    if case.kind == "add" and case.consent in ("missing", "asked"):
        return f"the landlord of {case.building} has not consented yet"
    if case.kind in ("modify", "add_on") and case.line_state == "suspended":
        return "the line is suspended"
    return None


def looked_at_again(held_times: int) -> timedelta:
    """How long a hold rests: twice as long each time, a day at most."""
    return min(LONGEST_HOLD, timedelta(minutes=2.0 ** min(held_times, 16)))


# Nobody is refused a line over what a direct debit that bounced once would leave open.
CREDIT_LIMIT: Final = Money("100.00")


def credit_refusal(case: Case) -> str | None:
    """Why the customer is given no further line; None where they may have it. A debt in dispute is no debt yet."""
    if case.overdue > CREDIT_LIMIT and not case.is_disputed:
        return f"{case.overdue} is overdue, more than {CREDIT_LIMIT}"
    return None


def returns_when_stopped(case: Case) -> OrderState:
    """What becomes of an order whose withdrawal is assessed: it may still be taken back, or goes on."""
    return OrderState.IN_PROGRESS if case.is_past_return else OrderState.PENDING_CANCELLATION


# Evidence that is older than this was forgotten somewhere: a person looks before somebody is charged for weeks at once.
BACKDATED_AT_MOST: Final = timedelta(days=14)


def ends_by(now: OrderState) -> tuple[OrderState, ...]:
    """The states through which an order ends of which everything was taken back; none where it has ended."""
    if now is S.ASSESSING_CANCELLATION:
        return (S.PENDING_CANCELLATION, S.CANCELLED)
    if now is S.PENDING_CANCELLATION:
        return (S.CANCELLED,)
    return (S.REJECTED,) if now is S.ACKNOWLEDGED else (S.FAILED,)
