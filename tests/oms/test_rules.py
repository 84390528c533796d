from dataclasses import replace
from random import Random

import pytest

from atlas.errors import InvalidField
from atlas.identity import CustomerId, OfferingVersionId, OrderId, SubscriberId
from atlas.money import Money
from atlas.oms.records import OrderState, PlanChange
from atlas.oms.rules import (
    LEGAL,
    OPEN,
    IllegalTransition,
    OrderOpen,
    PlanUnavailable,
    WhichLine,
    checked_change,
    checked_reason,
    checked_transition,
    first_state,
    is_legal,
    state_when_cancelled,
    the_change,
)

ENDED = {OrderState.REJECTED, OrderState.CANCELLED, OrderState.COMPLETED, OrderState.FAILED, OrderState.PARTIAL}
CHANGE = PlanChange(
    customer_id=CustomerId(1),
    subscriber_id=SubscriberId(1),
    line_state="active",
    plan_before="Fibre 100",
    plan_after="Fibre 900",
    code="fibre-900",
    offering_version_id=OfferingVersionId(2),
    offering_status="launched",
    is_same_version=False,
    is_same_technology=True,
    is_same_segment=True,
    monthly_before=Money("30.00"),
    monthly_after=Money("45.00"),
    latest_order_id=None,
    open_order_id=None,
)


def test_every_state_of_tmf622_has_its_ways_on() -> None:
    assert LEGAL.keys() == set(OrderState)


def test_what_has_ended_stays_as_it_ended() -> None:
    assert set(OrderState) - OPEN == ENDED


def test_every_order_can_still_come_to_an_end() -> None:
    reaching = set(ENDED)
    while grown := {state for state in OPEN - reaching if LEGAL[state] & reaching}:
        reaching |= grown

    assert reaching == set(OrderState)


def test_a_thousand_wild_proposals_never_reach_a_state_that_is_not_legal() -> None:
    dice = Random(622)
    state = OrderState.ACKNOWLEDGED
    reached = []
    for _ in range(1000):
        wanted = dice.choice(list(OrderState))
        try:
            following = checked_transition(OrderId(1), state, wanted)
        except IllegalTransition:
            continue
        reached.append((state, following))
        state = following if following in OPEN else OrderState.ACKNOWLEDGED

    assert reached
    assert all(is_legal(one, following) for one, following in reached)


@pytest.mark.parametrize("state", [OrderState.ACKNOWLEDGED, OrderState.PENDING, OrderState.HELD])
def test_an_order_that_nobody_works_on_is_cancelled_at_once(state: OrderState) -> None:
    assert state_when_cancelled(OrderId(1), state) is OrderState.CANCELLED


def test_the_withdrawal_of_an_order_in_progress_is_assessed_first() -> None:
    assert state_when_cancelled(OrderId(1), OrderState.IN_PROGRESS) is OrderState.ASSESSING_CANCELLATION


@pytest.mark.parametrize("state", sorted(ENDED))
def test_an_order_that_has_ended_cannot_be_withdrawn(state: OrderState) -> None:
    with pytest.raises(IllegalTransition, match=state.value):
        state_when_cancelled(OrderId(1), state)


@pytest.mark.parametrize(("line", "state"), [("active", OrderState.ACKNOWLEDGED), ("suspended", OrderState.HELD)])
def test_an_order_for_a_suspended_line_is_held(line: str, state: OrderState) -> None:
    assert first_state(line) is state


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (replace(CHANGE, offering_status="retired"), "retired"),
        (replace(CHANGE, is_same_version=True), "already"),
        (replace(CHANGE, is_same_technology=False), "technology"),
        (replace(CHANGE, is_same_segment=False), "kind of customer"),
        (replace(CHANGE, line_state="created"), "created"),
    ],
)
def test_a_plan_that_the_line_cannot_have_is_refused_with_the_reason(change: PlanChange, reason: str) -> None:
    with pytest.raises(PlanUnavailable, match=reason):
        checked_change(change)


def test_a_second_order_for_a_line_waits_for_the_first() -> None:
    with pytest.raises(OrderOpen, match="7"):
        checked_change(replace(CHANGE, open_order_id=OrderId(7)))


def test_of_several_lines_none_is_guessed() -> None:
    with pytest.raises(WhichLine, match="1, 2"):
        the_change([CHANGE, replace(CHANGE, subscriber_id=SubscriberId(2))], "fibre-900")


def test_a_plan_nobody_sells_is_refused() -> None:
    with pytest.raises(PlanUnavailable, match="fibre-1"):
        the_change([], "fibre-1")


def test_the_difference_in_price_is_what_a_month_becomes_dearer() -> None:
    assert CHANGE.difference == Money("15.00")


def test_an_order_is_withdrawn_for_a_reason() -> None:
    with pytest.raises(InvalidField, match="reason"):
        checked_reason("  ")
