"""Facts and matrix to a verdict. Pure, and closed by default: whatever is odd, unlisted or over a hard limit is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from atlas.money import ZERO, Money
from atlas.principal import Role
from governance.facts import Facts, ProposerKind, oddity
from governance.rows import STRICTNESS, Allowance, Answer, HardLimit, Matrix, Per, Row, is_within

__all__ = ["Answer", "Spent", "Tally", "Verdict", "decide"]

NO_TIME: Final = timedelta(0)


@dataclass(frozen=True)
class Tally:
    """What went out alone within one allowance's stretch of time, before the action being judged."""

    money: Money = ZERO
    customers: int = 0
    devices: int = 0
    actions: int = 0


@dataclass(frozen=True)
class Spent:
    """A tally for each allowance, by its rule. One that is missing was not counted, and refuses."""

    tallies: Mapping[str, Tally] = field(default_factory=dict)

    @classmethod
    def nothing(cls, matrix: Matrix) -> "Spent":
        return cls({allowance.rule: Tally() for allowance in matrix.allowances})


@dataclass(frozen=True)
class Verdict:
    """The answer, which rule gave it, who must approve and by when. Times are zero where nothing may follow."""

    answer: Answer
    rule: str
    reason: str
    approvers: tuple[Role, ...] = ()
    how_many: int = 0
    approve_within: timedelta = NO_TIME
    execute_within: timedelta = NO_TIME
    tell: tuple[Role, ...] = ()


def decide(facts: Facts, matrix: Matrix, *, spent: Spent) -> Verdict:
    """What may become of an action with these facts, after what was `spent`. Reads nothing, changes nothing, never raises on odd facts."""
    if odd := oddity(facts):
        return _refused("odd-facts", f"the facts cannot be judged: {odd}")
    limit = matrix.hard_limit_for(facts.action)
    row = next((row for row in matrix.rows_for(facts.action) if row.covers(facts)), None)
    if limit is None or row is None:
        return _refused("not-listed", f"no row of the matrix covers {facts.action} with these facts")
    if barred := _bar(facts, row, limit):
        return barred
    return _within_allowances(facts, row, matrix, spent)


def _bar(facts: Facts, row: Row, limit: HardLimit) -> Verdict | None:
    if facts.benefits_proposer and facts.proposer_kind is ProposerKind.STAFF:
        return _refused("own-benefit", "nobody who works here proposes what they gain by; a colleague must")
    if measure := limit.ever.passed_by(facts):
        return _refused("hard-limit", f"{measure} is above what {facts.action} may ever reach")
    if facts.is_disconnection and not limit.disconnects:
        return _refused("hard-limit", f"{facts.action} may not disconnect anybody")
    if row.answer is not Answer.REFUSED and (facts.is_disconnection or limit.disconnects) and facts.is_protected:
        return _refused("hard-limit", "the vulnerable, emergency lines and those in dispute are never disconnected")
    return _bar_alone(facts, row, limit)


def _bar_alone(facts: Facts, row: Row, limit: HardLimit) -> Verdict | None:
    if not row.answer.is_alone:
        return None
    if limit.alone is None or limit.disconnects:
        return _refused("hard-limit", f"{facts.action} is never done without a person")
    if measure := limit.alone.passed_by(facts):
        return _refused("hard-limit", f"{measure} is above what {facts.action} may reach without a person")
    return None


def _within_allowances(facts: Facts, row: Row, matrix: Matrix, spent: Spent) -> Verdict:
    verdict = _of_row(row)
    for allowance in matrix.allowances_for(facts.action):
        tally = spent.tallies.get(allowance.rule)
        if tally is None or not _is_sound(tally):
            return _refused(allowance.rule, f"what was spent of the allowance {allowance.rule} is not known")
        if STRICTNESS[allowance.answer] > STRICTNESS[verdict.answer] and _is_passed(allowance, tally, facts):
            verdict = _of_allowance(allowance)
    return verdict


def _is_sound(tally: Tally) -> bool:
    counts = (tally.customers, tally.devices, tally.actions)
    return type(tally.money) is Money and tally.money >= ZERO and all(type(count) is int and count >= 0 for count in counts)


def _is_passed(allowance: Allowance, tally: Tally, facts: Facts) -> bool:
    share = facts.largest_share if allowance.per is Per.CUSTOMER else facts.money
    return not (
        is_within(tally.money + share, allowance.money_up_to)
        and is_within(tally.customers + facts.customers, allowance.customers_up_to)
        and is_within(tally.devices + facts.devices, allowance.devices_up_to)
        and is_within(tally.actions + 1, allowance.actions_up_to)
    )


def _of_row(row: Row) -> Verdict:
    return Verdict(row.answer, row.rule, row.because, row.approvers, row.how_many, row.expires_in, row.execute_within, row.tell)


def _of_allowance(allowance: Allowance) -> Verdict:
    return Verdict(
        allowance.answer,
        allowance.rule,
        allowance.because,
        allowance.approvers,
        allowance.how_many,
        allowance.expires_in,
        allowance.execute_within,
    )


def _refused(rule: str, reason: str) -> Verdict:
    return Verdict(Answer.REFUSED, rule, reason)
