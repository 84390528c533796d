"""The gate's verdict beside governance's own: both are made of the same facts and the same counts, and what is done both must allow."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import structlog

from atlas.actions.records import JudgedAgain, Judgement
from atlas.errors import AtlasError
from atlas.money import Money
from atlas.principal import Role
from governance.decide import Answer, Spent, Tally, Verdict, decide
from governance.facts import Facts
from governance.rows import Matrix

log = structlog.get_logger()

NO_TIME: Final = timedelta(0)


class VerdictsDiffer(AtlasError):
    """The gate would do what governance does not allow, or on other terms; nothing is done, and somebody must find out why."""

    def __init__(self, gate: Verdict, governance: Verdict) -> None:
        super().__init__(f"the gate says {gate.answer} ({gate.rule}), governance says {governance.answer} ({governance.rule})")


def agreed(facts: Facts, matrix: Matrix, judged: Judgement | JudgedAgain) -> Verdict:
    """The gate's verdict, where governance comes to the same. A refusal of the gate's stands alone. Raises VerdictsDiffer."""
    gate = verdict_of(judged)
    if gate.answer is Answer.REFUSED:
        return gate
    governance = decide(facts, matrix, spent=spent_of(judged.spent or {}))
    if governance != gate:
        log.error("verdicts_differ", action=facts.action, gate=gate.rule, governance=governance.rule)
        raise VerdictsDiffer(gate, governance)
    return gate


def verdict_of(judged: Judgement | JudgedAgain) -> Verdict:
    return Verdict(
        Answer(judged.answer or Answer.REFUSED),
        judged.rule or "",
        judged.reason or "",
        tuple(Role(role) for role in judged.approvers or ()),
        judged.how_many or 0,
        judged.approve_within or NO_TIME,
        judged.execute_within or NO_TIME,
        tuple(Role(role) for role in judged.tell or ()),
    )


def spent_of(tallies: Mapping[str, Mapping[str, int]]) -> Spent:
    return Spent(
        {
            rule: Tally(Money.of_minor(tally["money"]), tally["customers"], tally["devices"], tally["actions"])
            for rule, tally in tallies.items()
        }
    )
