"""What the shipped matrix lets through, stops and hands to a person."""

from dataclasses import replace
from datetime import timedelta
from math import inf, nan
from typing import Any

import pytest

from atlas.money import Money
from atlas.principal import Role, stranger
from governance.decide import Answer, Spent, Tally, decide
from governance.facts import DeviceTier, Facts
from tests.governance.given import MATRIX, NOTHING, judged, pounds

OUTAGE = Facts("notify_outage", customers=312, confidence=0.93, incident_confirmed=True, proposed_by="system:forge")
SUSPENSION = Facts("suspend_for_non_payment", customers=1, money=pounds("80.00"), is_disconnection=True, proposed_by="system:forge")
RESTART = Facts("restart_device", devices=1, device_tier=DeviceTier.CUSTOMER, customers=1, proposed_by="system:forge")
CREW = Facts("dispatch_crew", crews=1, confidence=0.93, incident_confirmed=True, proposed_by="system:forge")
CREDIT = Facts("issue_credits", money=pounds("9.00"), money_each=pounds("9.00"), customers=1, proposed_by="staff:3")


def test_a_credit_above_the_limit_waits_for_a_billing_lead() -> None:
    verdict = judged(Facts("issue_credits", money=pounds("1560.00"), money_each=pounds("5.00"), customers=312, proposed_by="system:forge"))

    assert verdict.answer is Answer.NEEDS_APPROVAL
    assert verdict.approvers == (Role.BILLING_LEAD,)
    assert verdict.how_many == 1


def test_an_outage_notice_to_three_hundred_people_behind_a_confirmed_incident_goes_out_alone() -> None:
    assert judged(OUTAGE).answer is Answer.ALLOWED


@pytest.mark.parametrize(
    ("customers", "answer", "how_many"),
    [
        (500, Answer.ALLOWED, 0),
        (501, Answer.NEEDS_APPROVAL, 1),
        (5000, Answer.NEEDS_APPROVAL, 1),
        (5001, Answer.NEEDS_APPROVAL, 2),
        (1_000_001, Answer.REFUSED, 0),
    ],
)
def test_the_more_people_a_notice_reaches_the_more_must_agree(customers: int, answer: Answer, how_many: int) -> None:
    verdict = judged(replace(OUTAGE, customers=customers))

    assert (verdict.answer, verdict.how_many) == (answer, how_many)


def test_a_notice_waits_for_the_noc_lead_while_the_cause_is_doubtful() -> None:
    verdict = judged(replace(OUTAGE, confidence=0.79))

    assert (verdict.answer, verdict.approvers) == (Answer.NEEDS_APPROVAL, (Role.NOC_LEAD,))


def test_a_notice_waits_for_the_noc_lead_while_the_incident_is_not_confirmed() -> None:
    verdict = judged(replace(OUTAGE, incident_confirmed=False))

    assert (verdict.answer, verdict.approvers) == (Answer.NEEDS_APPROVAL, (Role.NOC_LEAD,))


@pytest.mark.parametrize(
    ("money", "each", "answer", "approvers"),
    [
        ("250.00", "25.00", Answer.ALLOWED, ()),
        ("250.00", "25.01", Answer.NEEDS_APPROVAL, (Role.BILLING_LEAD,)),
        ("250.01", "25.00", Answer.NEEDS_APPROVAL, (Role.BILLING_LEAD,)),
        ("10000.00", "25.00", Answer.NEEDS_APPROVAL, (Role.BILLING_LEAD,)),
        ("10000.01", "25.00", Answer.NEEDS_APPROVAL, (Role.BILLING_LEAD, Role.OPERATIONS_DIRECTOR)),
        ("500000.01", "25.00", Answer.REFUSED, ()),
    ],
)
def test_the_larger_a_credit_the_more_must_agree(money: str, each: str, answer: Answer, approvers: tuple[Role, ...]) -> None:
    verdict = judged(Facts("issue_credits", money=pounds(money), money_each=pounds(each), customers=400, proposed_by="staff:3"))

    assert (verdict.answer, verdict.approvers) == (answer, approvers)


def test_a_sum_whose_shares_are_not_told_counts_as_one_customers() -> None:
    verdict = judged(Facts("issue_credits", money=pounds("100.00"), customers=50, proposed_by="staff:3"))

    assert verdict.answer is Answer.NEEDS_APPROVAL


@pytest.mark.parametrize("proposed_by", ["customer:12", "agent:billing"])
def test_nobody_talks_an_agent_into_a_credit_without_a_confirmed_incident(proposed_by: str) -> None:
    request = Facts("request_credit", money=pounds("5.00"), customers=1, proposed_by=proposed_by)

    assert judged(request).answer is Answer.NEEDS_APPROVAL


@pytest.mark.parametrize("proposed_by", ["customer:12", stranger().reference])
def test_a_customer_or_a_stranger_begins_nothing_that_is_the_operators(proposed_by: str) -> None:
    assert judged(replace(OUTAGE, proposed_by=proposed_by)).answer is Answer.REFUSED


@pytest.mark.parametrize("proposed_by", ["system:forge", "agent:billing", "staff:3"])
def test_every_disconnection_waits_for_a_person(proposed_by: str) -> None:
    assert judged(replace(SUSPENSION, proposed_by=proposed_by)).answer is Answer.NEEDS_APPROVAL


@pytest.mark.parametrize("flag", ["touches_vulnerable", "touches_emergency_line", "is_disputed"])
@pytest.mark.parametrize("proposed_by", ["system:forge", "agent:billing", "staff:3"])
def test_the_protected_are_not_disconnected_whoever_proposes_it(flag: str, proposed_by: str) -> None:
    protected: dict[str, Any] = {flag: True, "proposed_by": proposed_by}

    assert judged(replace(SUSPENSION, **protected)).answer is Answer.REFUSED


def test_nobody_is_disconnected_at_night() -> None:
    assert judged(replace(SUSPENSION, in_quiet_hours=True)).answer is Answer.REFUSED


def test_an_action_that_may_not_disconnect_does_not() -> None:
    assert judged(replace(RESTART, is_disconnection=True)).answer is Answer.REFUSED


@pytest.mark.parametrize(
    ("tier", "answer", "approvers"),
    [
        (DeviceTier.CUSTOMER, Answer.ALLOWED, ()),
        (DeviceTier.ACCESS, Answer.NEEDS_APPROVAL, (Role.NOC_ENGINEER,)),
        (DeviceTier.AGGREGATION, Answer.NEEDS_APPROVAL, (Role.NOC_LEAD,)),
        (DeviceTier.METRO, Answer.NEEDS_APPROVAL, (Role.NOC_LEAD,)),
        (DeviceTier.CORE, Answer.REFUSED, ()),
    ],
)
def test_the_higher_a_device_stands_the_higher_the_rank_that_restarts_it(
    tier: DeviceTier, answer: Answer, approvers: tuple[Role, ...]
) -> None:
    verdict = judged(replace(RESTART, device_tier=tier))

    assert (verdict.answer, verdict.approvers) == (answer, approvers)


def test_a_restart_under_an_emergency_line_waits_even_at_the_customers_own_equipment() -> None:
    assert judged(replace(RESTART, touches_emergency_line=True)).answer is Answer.NEEDS_APPROVAL


def test_one_crew_goes_alone_to_a_confirmed_incident() -> None:
    assert judged(CREW).answer is Answer.ALLOWED


@pytest.mark.parametrize("less", [{"crews": 2}, {"incident_confirmed": False}, {"confidence": 0.5}])
def test_a_second_crew_or_a_doubtful_place_waits_for_the_field_lead(less: dict[str, Any]) -> None:
    verdict = judged(replace(CREW, **less))

    assert (verdict.answer, verdict.approvers) == (Answer.NEEDS_APPROVAL, (Role.FIELD_LEAD,))


def test_an_action_that_is_not_listed_is_refused() -> None:
    verdict = judged(Facts("format_router", proposed_by="staff:3"))

    assert (verdict.answer, verdict.rule) == (Answer.REFUSED, "not-listed")


def test_nobody_who_works_here_proposes_what_they_gain_by() -> None:
    assert judged(replace(CREDIT, benefits_proposer=True)).answer is Answer.REFUSED


@pytest.mark.parametrize(
    "odd",
    [
        {"confidence": nan},
        {"confidence": inf},
        {"confidence": -0.1},
        {"confidence": 1.1},
        {"confidence": "1"},
        {"confidence": True},
        {"customers": -1},
        {"customers": True},
        {"customers": 1.0},
        {"customers": 10**10},
        {"devices": 1},
        {"device_tier": 1},
        {"money": Money("-9.00")},
        {"money": 9},
        {"money_each": Money("9.01")},
        {"money_each": Money("-9.00")},
        {"money_each": Money("0.00")},
        {"incident_confirmed": "no"},
        {"is_disconnection": None},
        {"proposed_by": ""},
        {"proposed_by": "staff"},
        {"proposed_by": "staff:0"},
        {"proposed_by": "staff:3\n"},
        {"proposed_by": "root:1"},
        {"proposed_by": "customer:١"},
        {"action": None},
        {"action": ["issue_credits"]},
    ],
)
def test_facts_that_cannot_be_judged_are_refused(odd: dict[str, Any]) -> None:
    verdict = judged(replace(CREDIT, **odd))

    assert (verdict.answer, verdict.rule) == (Answer.REFUSED, "odd-facts")


def test_splitting_one_credit_into_a_hundred_of_nine_meets_the_allowance_of_the_hour() -> None:
    given = Money(0)
    answers = []

    for actions in range(100):
        tally = Tally(money=given, customers=actions, actions=actions)
        spent = Spent({**NOTHING.tallies, "credits-of-a-proposer-in-an-hour": tally})
        verdict = judged(CREDIT, spent)
        answers.append(verdict.answer)
        given += CREDIT.money if verdict.answer is Answer.ALLOWED else Money(0)

    assert given == pounds("243.00")
    assert answers[27:] == [Answer.NEEDS_APPROVAL] * 73


def test_credits_split_over_proposers_meet_the_allowance_of_the_customer() -> None:
    spent = Spent({**NOTHING.tallies, "credits-to-a-customer-in-a-month": Tally(money=pounds("45.00"), actions=5)})

    verdict = judged(CREDIT, spent)

    assert (verdict.answer, verdict.rule) == (Answer.NEEDS_APPROVAL, "credits-to-a-customer-in-a-month")


def test_a_refusal_stands_whatever_was_spent() -> None:
    spent = Spent({rule: Tally(pounds("99999.00"), 99999, 99999, 99999) for rule in NOTHING.tallies})

    assert judged(replace(OUTAGE, proposed_by="customer:12"), spent).rule == "not-for-customers"


def test_what_was_spent_changes_nothing_for_what_waits_for_two() -> None:
    spent = Spent({rule: Tally(pounds("99999.00"), 99999, 99999, 99999) for rule in NOTHING.tallies})

    assert judged(replace(OUTAGE, customers=6000), spent).how_many == 2


def test_an_allowance_nobody_counted_refuses() -> None:
    assert judged(CREDIT, Spent()).answer is Answer.REFUSED


def test_a_tally_below_zero_refuses() -> None:
    spent = Spent({**NOTHING.tallies, "credits-of-a-proposer-in-a-day": Tally(money=pounds("-500.00"))})

    assert judged(CREDIT, spent).answer is Answer.REFUSED


def test_approving_and_carrying_out_lapse_separately() -> None:
    verdict = judged(replace(OUTAGE, customers=501))

    assert (verdict.approve_within, verdict.execute_within) == (timedelta(minutes=30), timedelta(minutes=15))


def test_the_reason_is_the_operators_own_sentence() -> None:
    assert judged(OUTAGE).reason == "up to 500 people behind a confirmed incident of which we are sure enough"


LAX = replace(MATRIX, rows=tuple(replace(row, answer=Answer.ALLOWED) for row in MATRIX.rows), allowances=())


def test_no_unchecked_matrix_disconnects_without_a_person() -> None:
    lifted = replace(LAX, hard_limits=tuple(replace(limit, alone=limit.ever) for limit in LAX.hard_limits))

    assert decide(SUSPENSION, lifted, spent=Spent()).rule == "hard-limit"


def test_no_unchecked_matrix_does_alone_what_has_no_limit_for_going_alone() -> None:
    assert decide(Facts("retire_offering", proposed_by="staff:3"), LAX, spent=Spent()).rule == "hard-limit"


def test_no_unchecked_matrix_passes_the_limit_for_going_alone() -> None:
    assert decide(replace(OUTAGE, customers=501), LAX, spent=Spent()).rule == "hard-limit"


def test_an_action_without_a_hard_limit_is_refused() -> None:
    assert decide(OUTAGE, replace(LAX, hard_limits=()), spent=Spent()).rule == "not-listed"


@pytest.mark.parametrize(("restarts", "answer"), [(2, Answer.ALLOWED), (3, Answer.NEEDS_APPROVAL)])
def test_a_device_restarted_three_times_in_a_day_waits_for_an_engineer(restarts: int, answer: Answer) -> None:
    spent = Spent({**NOTHING.tallies, "restarts-of-a-device-in-a-day": Tally(actions=restarts)})

    assert judged(RESTART, spent).answer is answer


def test_quiet_hours_pass_midnight() -> None:
    quiet = MATRIX.quiet_hours

    hours = [hour for hour in range(24) if quiet.cover(quiet.starts.replace(hour=hour))]

    assert hours == [0, 1, 2, 3, 4, 5, 6, 7, 21, 22, 23]
