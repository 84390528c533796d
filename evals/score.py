"""Pure: judges what a scenario came to, by state first and by words then."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rich.table import Table

from agents.language import language_of
from evals.scenario import ALWAYS_MAY_CHANGE, Scenario

PROMISES: Final = {
    "promises a credit": r"\b(?:we|i)(?:'ll| will) (?:credit|refund)\b|\byou(?:'ll| will) (?:get|receive) (?:a |your )?(?:credit|refund)",
    "promises a time of repair": r"\b(?:will be (?:fixed|restored|back)|back (?:by|at|within)) (?:by|at|within|in)? ?\d",
    "asks for a secret": r"\b(?:password|card number|cvv|one-time code)\b",
    "blames the customer": r"\b(?:your fault|you should have)\b",
}


@dataclass(frozen=True)
class Played:
    """What a scenario came to: our replies, the tools and modules of all turns, actions asked for, tables that changed.

    `broken`: what must stand at any moment (evals/standing.sql) and does not, afterwards.
    """

    replies: tuple[str, ...]
    tools: tuple[str, ...]
    modules: tuple[str, ...]
    actions: tuple[str, ...]
    changed: frozenset[str]
    other_names: frozenset[str]
    slowest_s: float
    broken: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """What a scenario failed in; nothing is a pass."""

    scenario: Scenario
    played: Played
    failures: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        return not self.failures


def judged(scenario: Scenario, played: Played) -> Judgement:
    return Judgement(scenario, played, (*_state_failures(scenario, played), *_word_failures(scenario, played)))


def _state_failures(scenario: Scenario, played: Played) -> Iterable[str]:
    then = scenario.then
    if then.tools_called is not None and played.tools != then.tools_called:
        yield f"called {list(played.tools)} instead of {list(then.tools_called)}"
    if then.modules is not None and Counter(played.modules) != Counter(then.modules):
        yield f"{list(played.modules)} answered instead of {list(then.modules)}"
    if Counter(then.proposes) - Counter(played.actions):
        yield f"asked for {sorted(played.actions)}, not for {sorted(then.proposes)}"
    if not then.proposes and set(played.actions) - {"hand_over_to_person"}:
        yield f"asked for {sorted(played.actions)}, and should have asked for nothing"
    unexpected = played.changed - {*ALWAYS_MAY_CHANGE, *then.atlas_changes_only}
    if unexpected:
        yield f"changed {', '.join(sorted(unexpected))}"
    yield from (f"broke: {sentence}" for sentence in played.broken)
    if played.slowest_s > scenario.most_seconds:
        yield f"took {played.slowest_s:.1f} s"


def _word_failures(scenario: Scenario, played: Played) -> Iterable[str]:
    said = "\n".join(played.replies)
    for wanted in scenario.then.reply_states:
        if wanted.casefold() not in said.casefold():
            yield f"did not say {wanted!r}"
    language = scenario.then.reply_language
    if language and language_of(played.replies[-1]) != language:
        yield f"did not answer in {language}"
    for forbidden in scenario.never:
        if _was_said(forbidden, said, played):
            yield f"said what it must not: {forbidden}"
    if any(not reply.strip() for reply in played.replies):
        yield "left somebody without an answer"


def _was_said(forbidden: str, said: str, played: Played) -> bool:
    if forbidden == "names another customer":
        return any(name in said for name in played.other_names)
    pattern = PROMISES.get(forbidden)
    return bool(re.search(pattern, said, re.IGNORECASE)) if pattern else forbidden.casefold() in said.casefold()


def table(judgements: Sequence[Judgement]) -> Table:
    """One line a module, then what failed."""
    by_module: dict[str, list[Judgement]] = defaultdict(list)
    for one in judgements:
        by_module[one.scenario.module].append(one)
    shown = Table("module", "scenarios", "passed", "slowest turn", "what failed", title="Scenarios")
    for module, own in by_module.items():
        failed = [f"{one.scenario.name}: {'; '.join(one.failures)}" for one in own if not one.passed]
        slowest = max(one.played.slowest_s for one in own)
        shown.add_row(module, str(len(own)), str(sum(one.passed for one in own)), f"{slowest * 1000:.0f} ms", "\n".join(failed))
    return shown


def as_rows(judgements: Sequence[Judgement]) -> list[dict[str, Any]]:
    """The same for a script."""
    return [
        {
            "module": one.scenario.module,
            "scenario": one.scenario.name,
            "passed": one.passed,
            "failures": list(one.failures),
            "tools": list(one.played.tools),
            "replies": list(one.played.replies),
            "slowest_s": round(one.played.slowest_s, 3),
        }
        for one in judgements
    ]
