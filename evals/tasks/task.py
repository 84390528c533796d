"""The tasks as they lie outside the project (`../shared/data/agent-tasks-telecom`, its README says where from), read and typed."""

import json
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from atlas.errors import AtlasError

DATA: Final = Path(__file__).parents[3] / "shared" / "data" / "agent-tasks-telecom"
TITLE: Final = re.compile(r"\[(?P<kind>\w+)\](?P<faults>[^\[]+)\[PERSONA:(?P<persona>\w+)\]")
# What somebody who works here reads before they answer a call, in this order.
POLICY: Final = ("main_policy.md", "tech_support_manual.md")


class TasksMissing(AtlasError):
    """The tasks are not where they should be: nothing was played."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no {name} in shared/data/agent-tasks-telecom")


@dataclass(frozen=True)
class Call:
    """One function of the phone (`user`) or of the shop (`assistant`) with its arguments."""

    side: str
    function: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Person:
    """What the caller knows: why they call, what they can say of themselves, what they were told to do and to accept, and how they are."""

    reason: str
    known: str
    instructions: str
    manner: str


@dataclass(frozen=True)
class Assertion:
    """What must hold of the phone or the shop after the call."""

    call: Call
    holds: bool


@dataclass(frozen=True)
class Expected:
    """A call that the dataset expects. `compared`: the names of the arguments that count; None where all do."""

    call: Call
    compared: tuple[str, ...] | None

    def is_like(self, made: Call) -> bool:
        names = self.call.arguments if self.compared is None else self.compared
        same = (made.side, made.function) == (self.call.side, self.call.function)
        return same and all(made.arguments.get(name) == self.call.arguments[name] for name in names)


@dataclass(frozen=True)
class Criteria:
    """How the dataset judges. `counts_actions`: the expected calls are part of it; else they are only one way of many."""

    assertions: tuple[Assertion, ...]
    expected: tuple[Expected, ...]
    counts_actions: bool


@dataclass(frozen=True)
class Task:
    """One call. `criteria` are for the judge alone: neither the caller nor an agent is ever handed a Task."""

    title: str
    kind: str
    faults: tuple[str, ...]
    person: Person
    begins: tuple[Call, ...]
    criteria: Criteria


def tasks() -> list[Task]:
    """All, in the order of the file. Raises TasksMissing."""
    return [_task(row) for row in json.loads(text_of("tasks.json"))]


def text_of(name: str) -> str:
    """Raises TasksMissing."""
    path = DATA / name
    if not path.exists():
        raise TasksMissing(name)
    return path.read_text()


@cache
def table_of(name: str) -> dict[str, Any]:
    """A TOML file, read once: whoever changes it copies it before. Raises TasksMissing."""
    return tomllib.loads(text_of(name))


def _task(row: dict[str, Any]) -> Task:
    title = TITLE.fullmatch(row["id"])
    told = row["user_scenario"]["instructions"]
    judged = row["evaluation_criteria"]
    return Task(
        title=row["id"],
        kind=title["kind"] if title else "",
        faults=tuple(title["faults"].split("|")) if title else (),
        person=Person(told["reason_for_call"], told["known_info"], told["task_instructions"], row["user_scenario"]["persona"] or ""),
        begins=tuple(_call(one, "env_type", "func_name") for one in row["initial_state"]["initialization_actions"]),
        criteria=Criteria(
            tuple(Assertion(_call(one, "env_type", "func_name"), bool(one["assert_value"])) for one in judged["env_assertions"] or ()),
            tuple(Expected(_call(one, "requestor", "name"), _compared(one)) for one in judged["actions"] or ()),
            "ACTION" in judged["reward_basis"],
        ),
    )


def _call(row: dict[str, Any], side: str, function: str) -> Call:
    return Call(row[side], row[function], row["arguments"])


def _compared(row: dict[str, Any]) -> tuple[str, ...] | None:
    return None if row["compare_args"] is None else tuple(row["compare_args"])
