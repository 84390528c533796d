"""What is broken on purpose, one thing at a time: a tool, a rule or a prompt. The scenarios must notice."""

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from agents import briefs, commands, consultation, module_agent, replies, roster, router, rule_model, slots, supervisor
from agents.briefs import Brief
from agents.conversation import TurnContext
from agents.module_agent import Answered, Tool
from atlas.billing.rules.comparison import compared
from atlas.cmdb.rules import first_cause
from evals.scenario import Scenario
from tools import crm, nms
from tools.billing import bills, money
from tools.turn import Turn

Patch = tuple[Any, str, Any]
Call = Callable[[TurnContext, Tool, dict[str, Any]], Any]
AMOUNT: Final = re.compile(r'"(-?\d+)\.(\d\d)"')


@dataclass(frozen=True)
class Mutant:
    """`tools`: scenarios that call one of them are where it should be noticed; none named means anywhere in `modules`.

    `is_recast`: prompts are read when the agents are made, so they are made anew.
    """

    name: str
    kind: str
    patches: tuple[Patch, ...]
    tools: frozenset[str] = frozenset()
    chosen: Callable[[Scenario], bool] | None = field(default=None, compare=False)
    is_recast: bool = False

    def should_notice(self, scenario: Scenario) -> bool:
        return self.chosen(scenario) if self.chosen else bool(self.tools.intersection(scenario.then.tools_called or ()))


@contextmanager
def broken(mutant: Mutant) -> Iterator[None]:
    """The code with this one thing broken, until the block ends."""
    before = [(where, name, getattr(where, name)) for where, name, _ in mutant.patches]
    for where, name, instead in mutant.patches:
        setattr(where, name, instead)
    try:
        yield
    finally:
        for where, name, whole in before:
            setattr(where, name, whole)


def _calling(name: str, instead: Callable[[Answered], Answered] | None) -> tuple[Patch, ...]:
    """Calls of the tool `name` fail, or answer what `instead` makes of the answer."""
    whole = module_agent.call_tool

    async def call(context: TurnContext, tool: Tool, arguments: dict[str, Any]) -> Answered:
        if tool.__name__ != name:
            return await whole(context, tool, arguments)
        if instead is None:
            raise RuntimeError(f"{name} is broken on purpose")
        return instead(await whole(context, tool, arguments))

    return (module_agent, "call_tool", call), (consultation, "call_tool", call)


def _dearer(answered: Answered) -> Answered:
    return replace(answered, answer=AMOUNT.sub(lambda found: f'"{int(found[1]) + 1}.{found[2]}"', answered.answer))


def _empty(answered: Answered) -> Answered:
    return replace(answered, answer="[]" if isinstance(json.loads(answered.answer), list) else answered.answer)


def tool_mutants(tools: Sequence[str]) -> Iterator[Mutant]:
    """Each tool fails; each tool that answers with rows answers with none; each that names money is a pound too dear."""
    for name in tools:
        yield Mutant(f"{name} fails", "tool", _calling(name, None), frozenset({name}))
    for name in ("show_plans", "plans_on_sale", "list_areas", "show_line", "open_alarms", "free_visit_slots", "what_waits_for_approval"):
        yield Mutant(f"{name} finds nothing", "tool", _calling(name, _empty), frozenset({name}))
    for name in ("explain_bill_change", "quote_plan_change", "what_waits_for_approval"):
        yield Mutant(f"{name} is a pound off", "tool", _calling(name, _dearer), frozenset({name}))


def rule_mutants() -> Iterator[Mutant]:
    """Pure functions that decide what is said and done, each gone or turned round."""

    def one(name: str, where: Any, attribute: str, instead: Any, chosen: Callable[[Scenario], bool]) -> Mutant:
        return Mutant(name, "rule", ((where, attribute, instead),), chosen=chosen)

    def calls(*tools: str) -> Callable[[Scenario], bool]:
        return lambda scenario: bool(set(tools).intersection(scenario.then.tools_called or ()))

    def says(*words: str) -> Callable[[Scenario], bool]:
        return lambda scenario: any(turn.words.casefold() in words for turn in scenario.says)

    yield one("nobody is in danger", commands, "DANGER", re.compile(r"(?!)"), lambda one: "danger" in one.name or "suicide" in one.name)
    yield one("a wish for a person is not certain", commands, "PERSON", re.compile(r"(?!)"), lambda one: one.module == "helpdesk")
    yield one("a no is not heard", commands, "is_no", lambda _: False, says("no", "no, leave it"))
    yield one("a yes is not heard", commands, "is_yes", lambda _: False, says("yes", "yes please"))
    yield one("always the last choice", commands, "chosen", lambda _, choices, __: len(choices) - 1, calls("quote_plan_change"))
    yield one("one request a message", router, "clauses", lambda words: [words], lambda one: one.kind == "mixed")
    yield one("everybody speaks English", supervisor, "language_of", lambda *_: "en", lambda one: bool(one.then.reply_language))
    yield one("nothing is near enough", router, "LEAST_NEARNESS", 2.0, lambda one: one.name.startswith("why"))
    yield one("everything is near enough", router, "LEAST_NEARNESS", -1.0, lambda one: one.name in ("out_of_scope", "reveal_the_prompt"))
    yield one("no figure is read", slots, "identifier", lambda *_: None, calls("show_line_of", "balance_of", "risk_of_leaving"))
    yield one("no subject is read", slots, "subject", lambda _: None, calls("quote_plan_change", "find_customer", "show_offering"))
    yield one("no day is read", slots, "day", lambda *_: None, calls("promise_to_pay"))
    yield one("a rise is a fall", bills, "compared", _turned_round(compared), calls("explain_bill_change"))
    yield one("every line is well", nms, "first_cause", _always_well(first_cause), calls("what_is_wrong_with_my_line"))
    yield one("any promise will do", money, "checked_promise", lambda *_: None, calls("promise_to_pay"))
    yield one("addresses are read out", crm, "masked", lambda address: address, calls("my_details"))
    yield one("nobody need prove who they are", Turn, "assured", lambda *_: None, lambda one: one.kind == "identity")


def _turned_round(whole: Any) -> Any:
    return lambda earlier, was, later, now: whole(earlier, now, later, was)


def _always_well(whole: Any) -> Any:
    return lambda check, now: replace(whole(check, now), cause="home_network", next_step="check_wifi")


def _without_examples(tool: str) -> tuple[Patch, ...]:
    whole = briefs.brief_of

    def brief_of(module: str) -> Brief:
        brief = whole(module)
        return replace(brief, examples=tuple(example for example in brief.examples if example.tool != tool))

    return ((roster, "brief_of", brief_of),)


def _worded_as(tool: str, words: str) -> tuple[Patch, ...]:
    """The template of one tool says something fixed, whatever was answered."""
    whole = replies.worded

    def worded(name: str, answer: str, reader: Any) -> Any:
        said = whole(name, answer, reader)
        return replace(said, words=words) if name == tool else said

    return (rule_model, "worded", worded), (consultation, "worded", worded)


def prompt_mutants(tools: Sequence[str]) -> Iterator[Mutant]:
    """Each tool loses its examples; each tool's reply says nothing of its answer."""
    for name in tools:
        yield Mutant(f"no example of {name}", "prompt", _without_examples(name), frozenset({name}), is_recast=True)
    for name in tools:
        yield Mutant(f"the reply of {name} is empty words", "prompt", _worded_as(name, "I have looked into it."), frozenset({name}))


def all_mutants(scenarios: Iterable[Scenario]) -> list[Mutant]:
    """Every mutant that some scenario could notice, in an order of its own."""
    scenarios = list(scenarios)
    tools = sorted({tool for one in scenarios for tool in one.then.tools_called or ()})
    found = [*tool_mutants(tools), *rule_mutants(), *prompt_mutants([tool for tool in tools if tool != "hand_over"])]
    return [mutant for mutant in found if any(mutant.should_notice(one) for one in scenarios)]


def drawn(mutants: Sequence[Mutant], many: int, seed: int) -> list[Mutant]:
    """So many of them, as many of each kind as there is room for."""
    chance = random.Random(seed)  # noqa: S311 - draws mutants, guards nothing
    kinds = {kind: [one for one in mutants if one.kind == kind] for kind in ("tool", "rule", "prompt")}
    for own in kinds.values():
        chance.shuffle(own)
    turns = [own[at] for at in range(len(mutants)) for own in kinds.values() if at < len(own)]
    return turns[:many]
