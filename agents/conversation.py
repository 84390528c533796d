"""What a conversation carries from turn to turn (plain types only: it is checkpointed), and what one turn carries (never checkpointed)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final, NotRequired, Protocol, TypedDict
from zoneinfo import ZoneInfo

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.channels import UntrackedValue

from agents.budgets import Purse
from agents.veil import Veil
from atlas.connection import Atlas
from atlas.identity import CorrelationId
from atlas.money import DEFAULT_CURRENCY
from atlas.principal import Principal
from forge.action import Action
from forge.propose import Proposed

KEPT_MESSAGES: Final = 20
# What an earlier turn's tool answered is only of use to the next turn or two, and it is the heaviest thing kept.
KEPT_ANSWERS: Final = 2


class Watcher(Protocol):
    """For whoever waits and watches."""

    async def __call__(self, step: str) -> None:
        """The step that is being taken, as module or module.tool."""

    async def so_far(self, words: str) -> None:
        """All that may be read already of the answer, in place of what was said so before; empty: nothing of it."""


# What a sentence means: the model's name, and its vector.
Meaning = Callable[[str], Awaitable[tuple[str, Sequence[float]]]]
Proposer = Callable[[Principal, Action, str, CorrelationId], Awaitable[Proposed]]


@dataclass(frozen=True)
class TurnContext:
    """Who asks and with what. Set by the door, handed to every node and tool as the run's typed context, never part of the state."""

    principal: Principal
    now: datetime
    timezone: ZoneInfo
    correlation_id: CorrelationId
    atlas: Atlas
    propose: Proposer
    # Each tool call leases its own connection, and a proposal one more: without a bound, calls could hold what their proposals wait for.
    tool_calls: asyncio.Semaphore
    purse: Purse
    language: str = "en"
    currency: str = DEFAULT_CURRENCY
    veil: Veil = field(default_factory=Veil)
    watcher: Watcher | None = None
    meaning: Meaning | None = None
    # An engineer at work calls: what they say is one of a few orders, and nothing else is heard.
    is_hands_free: bool = False

    async def step(self, name: str) -> None:
        if self.watcher is not None:
            await self.watcher(name)

    @property
    def is_staff(self) -> bool:
        return self.principal.staff_id is not None

    @property
    def audience(self) -> str:
        """staff, customer or stranger."""
        if self.is_staff:
            return "staff"
        return "stranger" if self.principal.customer_id is None else "customer"


class ToolUse(TypedDict):
    """One tool call of a turn: `answer` is JSON as the model saw it."""

    name: str
    arguments: dict[str, Any]
    answer: str
    is_error: bool
    proposal: str


class Asked(TypedDict):
    """What we asked last, so that a yes, a number or "the second one" is understood without any model. `at`: when, as ISO text."""

    module: str
    tool: str
    arguments: dict[str, Any]
    missing: str
    options: list[dict[str, Any]]
    words: str
    at: NotRequired[str]


class Said(TypedDict):
    """One message of the conversation."""

    by_us: bool
    words: str
    modules: list[str]
    tools: list[ToolUse]


class Answer(TypedDict):
    """What one module says in this turn."""

    module: str
    words: str
    tools: list[ToolUse]
    asked: Asked | None
    model: str
    prompt_version: str
    is_retry: bool


def kept(before: list[Said], latest: list[Said]) -> list[Said]:
    """The last messages of both; the tools' answers only of the very last turns."""
    both = [*before, *latest][-KEPT_MESSAGES:]
    ours = [at for at, said in enumerate(both) if said["by_us"]][-KEPT_ANSWERS:]
    return [said if at in ours or not said["tools"] else Said(**{**said, "tools": []}) for at, said in enumerate(both)]


def gathered(before: list[Answer] | None, latest: list[Answer] | None) -> list[Answer]:
    """Answers of modules consulted in parallel, in the order they came; None starts anew; a second try replaces the first."""
    if latest is None:
        return []
    again = {answer["module"] for answer in latest}
    return [*(answer for answer in before or () if answer["module"] not in again), *latest]


class ConversationState(TypedDict, total=False):
    """The supervisor's state."""

    # Of one turn only: never written down.
    words: Annotated[str, UntrackedValue]
    route: Annotated[dict[str, Any], UntrackedValue]
    reply: Annotated[dict[str, Any], UntrackedValue]
    answers: Annotated[list[Answer] | None, gathered]
    # Kept from turn to turn.
    language: str
    said: Annotated[list[Said], kept]
    asked: Asked | None


class Errand(TypedDict):
    """What one module is asked in this turn: its part of the words, and what was said before."""

    module: str
    words: str
    language: str
    said: list[Said]
    ungrounded: list[str]
    # Nobody else is consulted: what is said here is the reply, and may be read as it is made.
    is_alone: NotRequired[bool]


def spoken(errand: Errand) -> list[AnyMessage]:
    """An errand as chat messages."""
    earlier: list[AnyMessage] = [
        AIMessage(said["words"] or "…") if said["by_us"] else HumanMessage(said["words"] or "…") for said in errand["said"]
    ]
    return [*earlier, HumanMessage(errand["words"])]
