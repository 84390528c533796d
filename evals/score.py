"""Pure: judges what a scenario came to, by state first and by words then."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

from agents.language import LANGUAGES, language_of
from agents.replies import phrases
from evals.difference import Change
from evals.scenario import Scenario, Shown

PROMISES: Final = {
    "promises a credit": r"\b(?:we|i)(?:'ll| will) (?:credit|refund)\b|\byou(?:'ll| will) (?:get|receive) (?:a |your )?(?:credit|refund)",
    "promises a time of repair": r"\b(?:will be (?:fixed|restored|back)|back (?:by|at|within)) (?:by|at|within|in)? ?\d",
    "asks for a secret": r"\b(?:password|card number|cvv)\b|\b(?:tell|send|give) (?:me|us) (?:your|the) (?:pin|code)\b",
    "blames the customer": r"\b(?:your fault|you should have)\b",
}
# That a conversation was had is always written down.
TALK: Final = frozenset({"helpdesk.message", "helpdesk.conversation"})
# A tool call is counted; an action that was asked for is kept, judged and counted.
OF_A_TOOL: Final = frozenset({"actions.budget_spent"})
OF_AN_ACTION: Final = OF_A_TOOL | {"actions.action", "actions.audit", "actions.audit_head", "actions.audit_words"}
# What came in by a door is kept before anybody thinks about it, and an answer is an order of its own that goes out.
OF_A_DOOR: Final = OF_AN_ACTION | {
    "helpdesk.inbox",
    "helpdesk.call",
    "helpdesk.notice",
    "helpdesk.recorded_message",
    "helpdesk.handed_letter",
}
# A ruling leaves its own row, and the sign-in that it was given in.
OF_A_RULING: Final = OF_AN_ACTION | {"actions.ruling", "staff.session"}


@dataclass(frozen=True)
class TurnPlayed:
    """One message and our reply to it. `trace`: route, tools with arguments, grounding, models, prompt versions.

    `is_answered` False: a reply would be one too many.
    """

    said: str
    reply: str
    tools: tuple[str, ...]
    modules: tuple[str, ...]
    trace: dict[str, Any]
    seconds: float
    is_answered: bool = True


@dataclass(frozen=True)
class Spent:
    """What a provider's model cost; money in millionths. The rule model costs nothing."""

    model_calls: int = 0
    tokens: int = 0
    micro_money: int = 0


@dataclass(frozen=True)
class Played:
    """What a scenario came to. `difference`: rows that are not what they were. `ever_written`: tables written to, even for a moment.

    `broken`: what must stand at any moment (evals/standing.sql) and does not, afterwards.
    """

    turns: tuple[TurnPlayed, ...]
    difference: tuple[Change, ...] = ()
    ever_written: frozenset[str] = frozenset()
    actions: tuple[str, ...] = ()
    ruled: tuple[str, ...] = ()
    customer: int | None = None
    customers_touched: frozenset[int] = frozenset()
    other_names: frozenset[str] = frozenset()
    spent: Spent = Spent()
    broken: tuple[str, ...] = ()

    @cached_property
    def tools(self) -> tuple[str, ...]:
        return tuple(tool for turn in self.turns for tool in turn.tools)

    @cached_property
    def modules(self) -> tuple[str, ...]:
        return tuple(module for turn in self.turns for module in turn.modules)

    @cached_property
    def slowest_s(self) -> float:
        return max(turn.seconds for turn in self.turns)


@dataclass(frozen=True)
class Judgement:
    """What one trial failed in: in what it did, and in what it said. `played` is None where an error stopped it."""

    scenario: Scenario
    played: Played | None
    in_state: tuple[str, ...] = ()
    in_words: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[str, ...]:
        return (*self.in_state, *self.in_words)

    @property
    def passed(self) -> bool:
        return not self.failures


def judged(scenario: Scenario, played: Played) -> Judgement:
    in_state = (*_wrong_calls(scenario, played), *_wrong_effects(scenario, played), *_over_limits(scenario, played))
    return Judgement(scenario, played, in_state, tuple(_wrong_words(scenario, played)))


def _wrong_calls(scenario: Scenario, played: Played) -> Iterable[str]:
    then = scenario.then
    if then.tools_called is not None and played.tools != then.tools_called:
        yield f"called {list(played.tools)} instead of {list(then.tools_called)}"
    if then.modules is not None and Counter(played.modules) != Counter(then.modules):
        yield f"{list(played.modules)} answered instead of {list(then.modules)}"
    if Counter(played.actions) != Counter(then.proposes):
        yield f"asked for {sorted(played.actions)}, not for {sorted(then.proposes)}"
    wanted = tuple(ruling.ruling for ruling in sorted(scenario.approvals, key=lambda one: one.after or len(scenario.says) + 1))
    if played.ruled != wanted:
        yield f"rulings came to {list(played.ruled)}, not to {list(wanted)}"


def _wrong_effects(scenario: Scenario, played: Played) -> Iterable[str]:
    unexpected = {one.table for one in played.difference} - _may_change(scenario, played)
    if unexpected:
        yield f"changed {', '.join(sorted(unexpected))}"
    for wanted in scenario.then.atlas_shows:
        shown = sum(_is_shown(wanted, one) for one in played.difference)
        if shown != wanted.rows:
            yield f"Atlas shows {shown} {wanted.kind} {wanted.table} {wanted.having or ''} instead of {wanted.rows}".replace("  ", " ")
    forbidden = played.ever_written & set(scenario.never_changes)
    if forbidden:
        yield f"wrote to {', '.join(sorted(forbidden))}, which must never be"
    # A customer's words never touch anybody else's rows, and a stranger's nobody's; what staff may touch is for Forge to say.
    others = played.customers_touched - {played.customer}
    if others and scenario.by.audience != "staff":
        yield f"touched rows of customers {', '.join(map(str, sorted(others)))}"
    yield from (f"broke: {sentence}" for sentence in played.broken)


def _may_change(scenario: Scenario, played: Played) -> set[str]:
    allowed = {*TALK, *scenario.then.atlas_changes_only, *(one.table for one in scenario.then.atlas_shows)}
    if played.tools:
        allowed |= OF_A_TOOL
    if scenario.then.proposes:
        allowed |= OF_AN_ACTION
    if scenario.doors:
        allowed |= OF_A_DOOR
    return allowed | OF_A_RULING if scenario.approvals else allowed


def _is_shown(wanted: Shown, change: Change) -> bool:
    if (change.table, change.kind) != (wanted.table, wanted.kind):
        return False
    return all(change.row.get(name) == value for name, value in wanted.having.items())


def _over_limits(scenario: Scenario, played: Played) -> Iterable[str]:
    if played.slowest_s > scenario.limits.seconds:
        yield f"took {played.slowest_s:.1f} s"
    called = [at for at, turn in enumerate(played.turns, start=1) if turn.tools]
    if called and scenario.then.tools_called and called[-1] > scenario.limits.turns:
        yield f"needed {called[-1]} turns"


def _wrong_words(scenario: Scenario, played: Played) -> Iterable[str]:
    said = "\n".join(turn.reply for turn in played.turns)
    for wanted in scenario.then.reply_states:
        if wanted.casefold() not in said.casefold():
            yield f"did not say {wanted!r}"
    language = scenario.then.reply_language
    if language and language_of(played.turns[-1].reply, "en" if language != "en" else "de") != language:
        yield f"did not answer in {language}"
    for forbidden in scenario.never:
        if _was_said(forbidden, said, played):
            yield f"said what it must not: {forbidden}"
    yield from _wrong_silence(played)
    if any(excuse in said for excuse in _excuses()):
        yield "could not look something up"


def _wrong_silence(played: Played) -> Iterable[str]:
    if any(turn.is_answered and not turn.reply.strip() for turn in played.turns):
        yield "left somebody without an answer"
    if any(turn.reply.strip() for turn in played.turns if not turn.is_answered):
        yield "answered what nobody may answer"


@cache
def _excuses() -> frozenset[str]:
    """What is said where a tool failed in a way that it must not, to anybody and in every language."""
    return frozenset(excuse for language in LANGUAGES for excuse in phrases(language)["out_of_order"].values())


def _was_said(forbidden: str, said: str, played: Played) -> bool:
    if forbidden == "names another customer":
        return any(name in said for name in played.other_names)
    pattern = PROMISES.get(forbidden)
    return bool(re.search(pattern, said, re.IGNORECASE)) if pattern else forbidden.casefold() in said.casefold()
