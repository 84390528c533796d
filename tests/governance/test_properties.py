"""What holds for every action, every matrix and every sequence of rulings, however hostile."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.money import ZERO, Money
from atlas.principal import Role
from governance.approvers import Approval, Approver, Asked, may_carry_out, may_rule
from governance.decide import Answer, Spent, Tally, Verdict, decide
from governance.facts import DeviceTier, Facts, ProposerKind, oddity
from governance.matrix import MatrixRefused, load
from governance.rows import STRICTNESS, Allowance, HardLimit, Hours, Limits, Matrix, Per, Row
from tests.governance.given import MATRIX, NOON, NOTHING, SMALL, judged

often = settings(max_examples=100, deadline=None, database=None)

ACTIONS = sorted(MATRIX.actions)
STAFF = ("staff:1", "staff:2", "staff:3", "staff:4")
roles = st.sampled_from(Role)
money = st.integers(0, 2_000_000).map(Money.of_minor)
counts = st.sampled_from([0, 1, 2, 5, 6, 20, 21, 499, 500, 501, 5000, 5001, 10**6, 10**6 + 1]) | st.integers(0, 10**6)


@st.composite
def sound_facts(draw: st.DrawFn) -> Facts:
    total = draw(money)
    devices = draw(counts)
    share = Money.of_minor(draw(st.integers(1, total.minor))) if total else None
    return Facts(
        draw(st.sampled_from(ACTIONS)),
        money=total,
        money_each=share,
        customers=draw(counts),
        devices=devices,
        crews=draw(st.integers(0, 21)),
        device_tier=draw(st.sampled_from([tier for tier in DeviceTier if tier or not devices])),
        confidence=draw(st.floats(0.0, 1.0)),
        **{name: draw(st.booleans()) for name in ("is_disconnection", "touches_vulnerable", "touches_emergency_line", "is_disputed")},
        **{name: draw(st.booleans()) for name in ("in_quiet_hours", "incident_confirmed", "benefits_proposer")},
        proposed_by=draw(st.sampled_from(["system:forge", "agent:billing", "customer:12", *STAFF])),
    )


maybe = st.none() | st.booleans()
approvals_asked = st.lists(roles, min_size=1, max_size=2, unique=True)


@st.composite
def rows(draw: st.DrawFn) -> Row:
    asked = tuple(draw(approvals_asked))
    return Row(
        draw(st.text(min_size=1, max_size=3)),
        tuple(draw(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=27, unique=True))),
        draw(st.sampled_from(Answer)),
        "because",
        by=frozenset(draw(st.sets(st.sampled_from(ProposerKind)))),
        money_up_to=draw(st.none() | money),
        customers_up_to=draw(st.none() | counts),
        device_tier_up_to=draw(st.none() | st.sampled_from(DeviceTier)),
        least_confidence=draw(st.none() | st.floats(0.0, 1.0)),
        hours=draw(st.sampled_from(Hours)),
        incident_confirmed=draw(maybe),
        vulnerable=draw(maybe),
        approvers=asked,
        how_many=draw(st.integers(len(asked), 2)),
        expires_in=timedelta(hours=1),
        execute_within=timedelta(minutes=30),
    )


limits = st.builds(Limits, money, money, counts, counts, st.integers(0, 21), st.sampled_from(DeviceTier))
hard_limits = st.tuples(
    *(st.builds(HardLimit, st.just(action), limits, st.none() | limits, st.booleans()) for action in ACTIONS[:6]),
    *(st.just(MATRIX.hard_limit_for(action)) for action in ACTIONS[6:]),
)
allowances = st.builds(
    Allowance,
    st.just("some"),
    st.just(tuple(ACTIONS)),
    st.sampled_from(Per),
    st.just(timedelta(hours=1)),
    st.sampled_from([Answer.NEEDS_APPROVAL, Answer.REFUSED]),
    st.just("because"),
    money_up_to=st.none() | money,
    actions_up_to=st.none() | st.integers(0, 3),
    approvers=st.just((Role.NOC_LEAD,)),
    how_many=st.just(1),
    expires_in=st.just(timedelta(hours=1)),
    execute_within=st.just(timedelta(minutes=30)),
)
unchecked_matrices = st.builds(
    Matrix, st.lists(rows(), max_size=6).map(tuple), st.lists(allowances, max_size=1).map(tuple), hard_limits, st.just(MATRIX.quiet_hours)
)
any_matrix = st.just(MATRIX) | unchecked_matrices
tallies = st.builds(Tally, money, counts, counts, st.integers(0, 5))
people = st.builds(
    Approver,
    st.sampled_from([*STAFF, "customer:12", "agent:billing"]),
    st.frozensets(roles),
    st.timedeltas(timedelta(minutes=-1), timedelta(minutes=7)),
)
forged_approvals = st.builds(Approval, st.sampled_from(STAFF), roles, st.sampled_from(STAFF), st.sampled_from(["right", "wrong"]))


def is_rightly_approved(verdict: Verdict, facts: Facts, approvals: tuple[Approval, ...]) -> bool:
    """The rule said again, without the code under test: enough different outsiders, every role named among them."""
    authorities = {approval.on_behalf_of for approval in approvals if approval.role in verdict.approvers}
    return (
        verdict.answer is Answer.NEEDS_APPROVAL
        and len(authorities) >= verdict.how_many >= 1
        and set(verdict.approvers) <= {approval.role for approval in approvals}
        and facts.proposed_by not in authorities | {approval.by for approval in approvals}
    )


@often
@given(sound_facts(), any_matrix, st.lists(people, max_size=6), tallies)
def test_whatever_is_executed_was_allowed_or_approved(facts: Facts, matrix: Matrix, approvers: list[Approver], tally: Tally) -> None:
    spent = Spent(dict.fromkeys((allowance.rule for allowance in matrix.allowances), tally))
    asked = Asked(facts, decide(facts, matrix, spent=spent), NOON)

    for approver in approvers:
        ruling = may_rule(approver, asked, seen_digest=facts.digest, now=NOON + timedelta(minutes=1))
        if ruling.permitted and ruling.role and ruling.on_behalf_of:
            approval = Approval(approver.reference, ruling.role, ruling.on_behalf_of, facts.digest)
            asked = replace(asked, approvals=(*asked.approvals, approval))
    executed = may_carry_out(asked, facts, NOON + timedelta(minutes=1), NOON + timedelta(minutes=2))

    assert not executed or asked.verdict.answer.is_alone or is_rightly_approved(asked.verdict, facts, asked.approvals)


@often
@given(sound_facts(), any_matrix, st.lists(forged_approvals, max_size=4))
def test_approvals_written_past_the_rules_carry_nothing_out(facts: Facts, matrix: Matrix, forged: list[Approval]) -> None:
    approvals = tuple(replace(approval, facts_digest=facts.digest if approval.facts_digest == "right" else "") for approval in forged)
    asked = Asked(facts, decide(facts, matrix, spent=Spent.nothing(matrix)), NOON, approvals=approvals)

    executed = may_carry_out(asked, facts, NOON + timedelta(minutes=1), NOON + timedelta(minutes=2))

    assert not executed or asked.verdict.answer.is_alone or is_rightly_approved(asked.verdict, facts, approvals)


@often
@given(sound_facts(), any_matrix)
def test_no_matrix_lets_a_disconnection_or_more_than_its_hard_limit_go_alone(facts: Facts, matrix: Matrix) -> None:
    verdict = decide(facts, matrix, spent=Spent.nothing(matrix))

    limit = matrix.hard_limit_for(facts.action)
    if verdict.answer.is_alone:
        assert limit is not None
        assert limit.alone is not None
        assert True not in (facts.is_disconnection, limit.disconnects)
        assert facts.money <= limit.alone.money
        assert facts.customers <= limit.alone.customers
        assert facts.device_tier <= limit.alone.device_tier


@often
@given(sound_facts().filter(lambda facts: facts.is_disconnection and facts.is_protected))
def test_the_protected_are_never_disconnected_under_the_shipped_matrix(facts: Facts) -> None:
    assert judged(facts).answer is Answer.REFUSED


@often
@given(sound_facts(), sound_facts())
def test_a_larger_action_never_meets_a_laxer_answer(one: Facts, other: Facts) -> None:
    larger = replace(
        one,
        money=max(one.money, other.money),
        money_each=max(one.largest_share, other.largest_share),
        customers=max(one.customers, other.customers),
        crews=max(one.crews, other.crews),
        confidence=min(one.confidence, other.confidence),
        incident_confirmed=one.incident_confirmed and other.incident_confirmed,
    )

    assert STRICTNESS[judged(larger).answer] >= STRICTNESS[judged(one).answer]


@often
@given(sound_facts(), tallies)
def test_having_spent_more_never_makes_an_answer_laxer(facts: Facts, tally: Tally) -> None:
    spent = Spent(dict.fromkeys(NOTHING.tallies, tally))

    assert STRICTNESS[judged(facts, spent).answer] >= STRICTNESS[judged(facts).answer]


@often
@given(st.lists(st.tuples(st.sampled_from(["issue_credits", "request_credit"]), st.integers(1, 2500)), max_size=60))
def test_no_way_of_splitting_credits_passes_the_allowance_of_the_hour(wanted: list[tuple[str, int]]) -> None:
    given_alone = ZERO

    for action, minor in wanted:
        spent = Spent({**NOTHING.tallies, "credits-of-a-proposer-in-an-hour": Tally(money=given_alone)})
        credit = Facts(action, money=Money.of_minor(minor), customers=1, proposed_by="staff:3")
        if judged(credit, spent).answer.is_alone:
            given_alone += credit.money

    assert given_alone <= Money("250.00")


anything: Any = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), max_size=2) | money


@often
@given(sound_facts(), st.dictionaries(st.sampled_from(sorted(Facts.__dataclass_fields__)), anything, min_size=1))
def test_facts_of_any_shape_get_an_answer_and_odd_ones_a_refusal(facts: Facts, changes: dict[str, Any]) -> None:
    odd = replace(facts, **changes)

    verdict = judged(odd)

    assert verdict.answer is Answer.REFUSED or oddity(odd) is None


@often
@given(
    st.integers(0, len(SMALL)),
    st.integers(0, 30),
    st.text(max_size=12) | st.sampled_from(["&a ", "*a", "!!int ", "- ", ": ", "\n", "0", "{", "#"]),
)
def test_a_matrix_damaged_anywhere_loads_or_is_refused_with_a_line(at: int, lost: int, found: str) -> None:
    text = SMALL[:at] + found + SMALL[at + lost :]

    assert 1 <= line_refused(text) <= len(text.splitlines()) + 1


def line_refused(text: str) -> int:
    """The line that was refused; the first, when the text loads after all."""
    try:
        load(text)
    except MatrixRefused as refused:
        return refused.line
    return 1
