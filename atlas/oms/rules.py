"""Which way an order may go, and whether a plan may be changed. Pure."""

from collections.abc import Sequence
from typing import Final

from atlas.errors import AtlasError, InvalidField
from atlas.identity import OrderId, SubscriberId
from atlas.oms.records import OrderState, PlanChange

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
        (change.offering_status not in ("active", "launched"), f"it is {change.offering_status}"),
        (change.is_same_version, "the line has it already"),
        (not change.is_same_technology, "the line is of another technology"),
        (not change.is_same_segment, "it is for another kind of customer"),
        (change.line_state not in ("active", "suspended"), f"the line is {change.line_state}"),
    )
    return next((reason for applies, reason in reasons if applies), None)


def checked_reason(reason: str) -> str:
    """One line saying why; raises InvalidField where there is none."""
    line = " ".join(reason.split())
    if not 0 < len(line) <= 300:
        raise InvalidField("reason", "say it in 1 to 300 characters")
    return line
