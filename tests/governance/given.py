"""A small sound matrix to break, and the shipped one."""

from datetime import UTC, datetime, timedelta

from atlas.money import Money
from atlas.principal import Role
from governance.approvers import Approval, Approver, Asked, Ruling, may_rule
from governance.decide import Spent, Verdict, decide
from governance.facts import Facts
from governance.matrix import SHIPPED, load

MATRIX = load(SHIPPED)
NOTHING = Spent.nothing(MATRIX)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

SMALL = """\
quiet_hours: 21:00-08:00
defaults: {expires_in: 4h, execute_within: 30m}
rows:
  - rule: credit-small
    action: give_credit
    money_up_to: 20.00
    verdict: auto
    because: a small credit
  - rule: credit-large
    action: give_credit
    verdict: approve
    approvers: billing_lead
    because: a large credit
  - rule: cut-vulnerable
    action: cut_off
    vulnerable: yes
    verdict: forbid
    because: never
  - rule: cut
    action: cut_off
    verdict: approve
    approvers: [billing_lead, operations_director]
    because: a person looks first
allowances:
  - rule: credit-hour
    action: give_credit
    per: proposer
    within: 1h
    money_up_to: 60.00
    then: approve
    approvers: billing_lead
    because: enough for an hour
hard_limits:
  give_credit: {alone: {money: 50.00, money_each: 50.00, customers: 10}, ever: {money: 900.00, money_each: 900.00, customers: 100}}
  cut_off: {disconnects: yes, ever: {customers: 10}}
"""


def pounds(amount: str) -> Money:
    return Money(amount)


def judged(facts: Facts, spent: Spent = NOTHING) -> Verdict:
    return decide(facts, MATRIX, spent=spent)


def line_of(text: str, fragment: str) -> int:
    """The line on which `fragment` first stands, the first being 1."""
    return text[: text.index(fragment)].count("\n") + 1


def bulk_credit(proposed_by: str = "staff:3") -> Facts:
    return Facts("issue_credits", money=pounds("1560.00"), money_each=pounds("5.00"), customers=312, proposed_by=proposed_by)


def asked_for(facts: Facts, beneficiaries: frozenset[str] = frozenset(), approvals: tuple[Approval, ...] = ()) -> Asked:
    return Asked(facts, judged(facts), NOON, beneficiaries, approvals)


def person(reference: str, *roles: Role) -> Approver:
    return Approver(reference, frozenset(roles), signed_in_ago=timedelta(minutes=1))


def ruling_of(approver: Approver, asked: Asked, *, after: timedelta = timedelta(minutes=10)) -> Ruling:
    return may_rule(approver, asked, seen_digest=asked.facts.digest, now=NOON + after)


def approval_by(reference: str, role: Role, asked: Asked) -> Approval:
    return Approval(reference, role, reference, asked.facts.digest)
