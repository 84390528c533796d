"""Who may rule on an action that waits, and when it may be carried out."""

from dataclasses import replace
from datetime import timedelta

import pytest

from atlas.money import Money
from atlas.principal import Role
from governance.approvers import Approver, Delegation, Why, authorities, may_carry_out, may_rule
from governance.facts import Facts
from tests.governance.given import NOON, approval_by, asked_for, bulk_credit, judged, person, ruling_of

LEAD = person("staff:7", Role.BILLING_LEAD)
DIRECTOR = person("staff:8", Role.OPERATIONS_DIRECTOR)
CREDIT = asked_for(bulk_credit())
VERY_LARGE = asked_for(Facts("issue_credits", money=Money("20000.00"), money_each=Money("5.00"), customers=4000, proposed_by="staff:3"))
TWO_LEADS = asked_for(Facts("notify_outage", customers=6000, confidence=0.9, incident_confirmed=True, proposed_by="system:forge"))


def lent(role: Role, grantor: str = "staff:7", days: int = 7) -> Delegation:
    return Delegation(grantor, role, NOON - timedelta(days=1), NOON + timedelta(days=days - 1), frozenset({role}))


def delegate(*delegations: Delegation) -> Approver:
    return replace(person("staff:9", Role.CUSTOMER_CARE), delegations=delegations)


def test_a_billing_lead_rules_on_a_bulk_credit() -> None:
    ruling = ruling_of(LEAD, CREDIT)

    assert (ruling.permitted, ruling.role, ruling.on_behalf_of) == (True, Role.BILLING_LEAD, "staff:7")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.BILLING_LEAD])
def test_no_other_role_rules_on_it(role: Role) -> None:
    assert ruling_of(person("staff:9", role), CREDIT).why is Why.WRONG_ROLE


def test_nobody_rules_on_what_they_proposed() -> None:
    assert ruling_of(person("staff:3", Role.BILLING_LEAD), CREDIT).why is Why.IS_PROPOSER


def test_nobody_rules_on_what_they_proposed_as_a_customer() -> None:
    asked = asked_for(Facts("request_credit", money=Money("80.00"), customers=1, proposed_by="customer:12"))

    assert ruling_of(replace(LEAD, also_known_as=frozenset({"customer:12"})), asked).why is Why.IS_PROPOSER


def test_nobody_rules_on_what_they_gain_by() -> None:
    asked = asked_for(bulk_credit(), beneficiaries=frozenset({"customer:12"}))

    assert ruling_of(replace(LEAD, also_known_as=frozenset({"customer:12"})), asked).why is Why.IS_BENEFICIARY


def test_nobody_gives_both_approvals() -> None:
    asked = replace(TWO_LEADS, approvals=(approval_by("staff:7", Role.NOC_LEAD, TWO_LEADS),))

    assert ruling_of(person("staff:7", Role.NOC_LEAD), asked).why is Why.HAS_RULED


def test_nobody_gives_the_second_approval_with_a_lent_role() -> None:
    asked = replace(TWO_LEADS, approvals=(approval_by("staff:9", Role.NOC_LEAD, TWO_LEADS),))

    assert ruling_of(delegate(lent(Role.NOC_LEAD)), asked).why is Why.HAS_RULED


def test_two_of_the_same_role_approve_where_the_row_asks_for_two() -> None:
    asked = replace(TWO_LEADS, approvals=(approval_by("staff:7", Role.NOC_LEAD, TWO_LEADS),))

    assert ruling_of(person("staff:8", Role.NOC_LEAD), asked).permitted


def test_a_second_billing_lead_does_not_stand_in_for_the_director() -> None:
    asked = replace(VERY_LARGE, approvals=(approval_by("staff:7", Role.BILLING_LEAD, VERY_LARGE),))

    assert ruling_of(person("staff:9", Role.BILLING_LEAD), asked).why is Why.ROLE_ALREADY_GIVEN


def test_whoever_holds_both_roles_gives_the_rarer_one() -> None:
    both = person("staff:8", Role.BILLING_LEAD, Role.OPERATIONS_DIRECTOR)

    assert ruling_of(both, VERY_LARGE).role is Role.OPERATIONS_DIRECTOR


def test_nobody_rules_once_enough_have() -> None:
    asked = replace(CREDIT, approvals=(approval_by("staff:7", Role.BILLING_LEAD, CREDIT),))

    assert ruling_of(person("staff:8", Role.BILLING_LEAD), asked).why is Why.NOT_WAITING


def test_an_action_that_goes_alone_waits_for_nobody() -> None:
    asked = asked_for(Facts("record_interaction", customers=1, proposed_by="staff:3"))

    assert ruling_of(LEAD, asked).why is Why.NOT_WAITING


def test_a_request_lapses_on_the_second() -> None:
    waits = CREDIT.verdict.approve_within

    assert ruling_of(LEAD, CREDIT, after=waits - timedelta(seconds=1)).permitted
    assert ruling_of(LEAD, CREDIT, after=waits).why is Why.EXPIRED


def test_nobody_rules_before_they_were_asked() -> None:
    assert ruling_of(LEAD, CREDIT, after=timedelta(seconds=-1)).why is Why.EXPIRED


def test_money_needs_a_fresh_sign_in() -> None:
    stale = replace(LEAD, signed_in_ago=timedelta(minutes=6))

    assert ruling_of(stale, CREDIT).why is Why.SIGN_IN_TOO_OLD


def test_a_disconnection_needs_a_fresh_sign_in() -> None:
    asked = asked_for(Facts("suspend_for_non_payment", customers=1, is_disconnection=True, proposed_by="system:forge"))

    assert ruling_of(replace(LEAD, signed_in_ago=timedelta(hours=1)), asked).why is Why.SIGN_IN_TOO_OLD


def test_a_sign_in_from_the_future_is_not_fresh() -> None:
    assert ruling_of(replace(LEAD, signed_in_ago=timedelta(seconds=-1)), CREDIT).why is Why.SIGN_IN_TOO_OLD


def test_a_notice_needs_no_fresh_sign_in() -> None:
    assert ruling_of(replace(person("staff:7", Role.NOC_LEAD), signed_in_ago=timedelta(hours=6)), TWO_LEADS).permitted


def test_nobody_approves_facts_other_than_those_they_were_shown() -> None:
    shown = bulk_credit()
    asked = replace(CREDIT, facts=replace(shown, money=Money("1561.00")))

    ruling = may_rule(LEAD, asked, seen_digest=shown.digest, now=NOON + timedelta(minutes=10))

    assert ruling.why is Why.CARD_IS_STALE


def test_a_lent_role_rules_on_behalf_of_whoever_lent_it() -> None:
    ruling = ruling_of(delegate(lent(Role.BILLING_LEAD)), CREDIT)

    assert (ruling.permitted, ruling.on_behalf_of) == (True, "staff:7")


@pytest.mark.parametrize(
    "delegation",
    [
        replace(lent(Role.BILLING_LEAD), ends_at=NOON + timedelta(minutes=10)),
        replace(lent(Role.BILLING_LEAD), starts_at=NOON + timedelta(hours=1)),
        lent(Role.BILLING_LEAD, days=15),
        replace(lent(Role.BILLING_LEAD), grantor_roles=frozenset()),
    ],
    ids=["over", "not yet", "too long", "not theirs to lend"],
)
def test_a_role_is_lent_for_a_stretch_of_time_by_whoever_holds_it(delegation: Delegation) -> None:
    assert ruling_of(delegate(delegation), CREDIT).why is Why.WRONG_ROLE


def test_a_delegate_does_not_approve_what_the_lender_proposed() -> None:
    assert ruling_of(delegate(lent(Role.BILLING_LEAD, grantor="staff:3")), CREDIT).why is Why.IS_PROPOSER


def test_a_delegate_does_not_approve_what_the_lender_gains_by() -> None:
    asked = asked_for(bulk_credit(), beneficiaries=frozenset({"staff:7"}))

    assert ruling_of(delegate(lent(Role.BILLING_LEAD)), asked).why is Why.IS_BENEFICIARY


def test_a_lender_and_a_delegate_are_one_authority() -> None:
    asked = replace(TWO_LEADS, approvals=(approval_by("staff:7", Role.NOC_LEAD, TWO_LEADS),))

    assert ruling_of(delegate(lent(Role.NOC_LEAD)), asked).why is Why.HAS_RULED


def test_two_delegates_of_one_lender_are_one_authority() -> None:
    first = replace(approval_by("staff:9", Role.NOC_LEAD, TWO_LEADS), on_behalf_of="staff:7")
    asked = replace(TWO_LEADS, approvals=(first,))

    assert ruling_of(replace(delegate(lent(Role.NOC_LEAD)), reference="staff:10"), asked).why is Why.HAS_RULED


def test_own_roles_come_before_lent_ones() -> None:
    held = authorities(delegate(lent(Role.BILLING_LEAD)), NOON)

    assert [authority.holder for authority in held] == ["staff:9", "staff:7"]


def test_an_approved_action_is_carried_out() -> None:
    asked = replace(CREDIT, approvals=(approval_by("staff:7", Role.BILLING_LEAD, CREDIT),))

    assert may_carry_out(asked, asked.facts, NOON, NOON + timedelta(minutes=1))


def test_an_approval_unused_in_time_is_void() -> None:
    asked = replace(CREDIT, approvals=(approval_by("staff:7", Role.BILLING_LEAD, CREDIT),))

    assert not may_carry_out(asked, asked.facts, NOON, NOON + asked.verdict.execute_within)


def test_facts_that_moved_are_not_carried_out() -> None:
    asked = replace(CREDIT, approvals=(approval_by("staff:7", Role.BILLING_LEAD, CREDIT),))

    assert not may_carry_out(asked, replace(asked.facts, customers=313), NOON, NOON + timedelta(minutes=1))


def test_nightfall_alone_does_not_move_the_facts() -> None:
    assert bulk_credit().digest == replace(bulk_credit(), in_quiet_hours=True).digest


def test_one_approval_of_two_carries_nothing_out() -> None:
    asked = replace(VERY_LARGE, approvals=(approval_by("staff:8", Role.OPERATIONS_DIRECTOR, VERY_LARGE),))

    assert not may_carry_out(asked, asked.facts, NOON, NOON + timedelta(minutes=1))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("staff:7", Role.BILLING_LEAD), ("staff:7", Role.OPERATIONS_DIRECTOR)),
        (("staff:7", Role.BILLING_LEAD), ("staff:8", Role.BILLING_LEAD)),
        (("staff:7", Role.BILLING_LEAD), ("staff:8", Role.NOC_LEAD)),
    ],
    ids=["one person twice", "one role twice", "a role nobody asked for"],
)
def test_two_approvals_of_the_wrong_kind_carry_nothing_out(first: tuple[str, Role], second: tuple[str, Role]) -> None:
    asked = replace(VERY_LARGE, approvals=(approval_by(*first, VERY_LARGE), approval_by(*second, VERY_LARGE)))

    assert not may_carry_out(asked, asked.facts, NOON, NOON + timedelta(minutes=1))


def test_one_approval_in_a_role_nobody_asked_for_carries_nothing_out() -> None:
    asked = replace(CREDIT, approvals=(approval_by("staff:7", Role.CUSTOMER_CARE, CREDIT),))

    assert not may_carry_out(asked, asked.facts, NOON, NOON + timedelta(minutes=1))


def test_a_second_approval_in_a_role_nobody_asked_for_carries_nothing_out() -> None:
    given = (approval_by("staff:7", Role.NOC_LEAD, TWO_LEADS), approval_by("staff:8", Role.CUSTOMER_CARE, TWO_LEADS))
    asked = replace(TWO_LEADS, approvals=given)

    assert not may_carry_out(asked, asked.facts, NOON, NOON + timedelta(minutes=1))


def test_an_approval_of_other_facts_carries_nothing_out() -> None:
    other = replace(approval_by("staff:7", Role.BILLING_LEAD, CREDIT), facts_digest=bulk_credit("staff:4").digest)
    asked = replace(CREDIT, approvals=(other,))

    assert not may_carry_out(asked, asked.facts, NOON, NOON + timedelta(minutes=1))


def test_a_proposers_own_approval_carries_nothing_out() -> None:
    asked = replace(CREDIT, approvals=(approval_by("staff:3", Role.BILLING_LEAD, CREDIT),))

    assert not may_carry_out(asked, asked.facts, NOON, NOON + timedelta(minutes=1))


def test_a_refused_action_is_not_carried_out_however_many_approve() -> None:
    facts = Facts("suspend_for_non_payment", customers=1, is_disconnection=True, is_disputed=True, proposed_by="staff:3")
    asked = asked_for(facts)
    approved = replace(
        asked, approvals=(approval_by("staff:7", Role.BILLING_LEAD, asked), approval_by("staff:8", Role.OPERATIONS_DIRECTOR, asked))
    )

    assert not may_carry_out(approved, facts, NOON, NOON + timedelta(minutes=1))


def test_what_goes_alone_is_carried_out_without_anybody() -> None:
    facts = Facts("record_interaction", customers=1, proposed_by="staff:3")

    assert judged(facts).answer.is_alone
    assert may_carry_out(asked_for(facts), facts, None, NOON + timedelta(minutes=1))


def test_what_went_alone_but_was_not_done_in_time_is_not_done() -> None:
    asked = asked_for(Facts("record_interaction", customers=1, proposed_by="staff:3"))

    assert not may_carry_out(asked, asked.facts, None, NOON + asked.verdict.execute_within)
