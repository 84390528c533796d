"""The conversation graph: route, consult one module or several at once, check, reply. Nothing here decides what is allowed."""

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Send
from opentelemetry.trace import SpanContext

from agents.budgets import Purse
from agents.cards import cards_of
from agents.checkpoints import Checkpoints
from agents.commands import Certain
from agents.consultation import RULES, Consultants
from agents.conversation import KEPT_MESSAGES, Answer, Asked, ConversationState, Errand, Proposer, Said, TurnContext, Watcher
from agents.dispatch import Dispatcher
from agents.grounding import facts_of, ungrounded
from agents.language import language_of
from agents.lookout import Flag, flags_of
from agents.model_router import ModelRouter
from agents.open_questions import asked_at
from agents.patience import with_acknowledgement
from agents.replies import HAND_OVER, together
from agents.router import Router
from agents.summary import Summariser
from agents.untrusted import readable, without_codes
from agents.veiled import take_in_known
from atlas.connection import Atlas
from atlas.identity import CorrelationId
from atlas.money import DEFAULT_CURRENCY
from atlas.principal import Principal, Zone
from atlas.tracing import root_of, spanned
from tools.earlier import answered_messages

log = structlog.get_logger()

State = ConversationState
Graph = CompiledStateGraph[State, TurnContext, State, State]

# Route, modules, check, a second try of each, check, a person, check: more steps than this is a loop.
MOST_STEPS: Final = 12
# At most; and never more than half a pool: a tool call holds one connection and its proposal one more.
TOOL_CALLS_AT_ONCE: Final = 4


def tool_calls_within(atlas: Atlas) -> asyncio.Semaphore:
    """Room for as many tool calls at once as this Atlas has connections for them and for their proposals."""
    smallest = min((atlas.pools[zone].max_size for zone in (Zone.CUSTOMER, Zone.STAFF) if zone in atlas.pools), default=2)
    return asyncio.Semaphore(max(1, min(TOOL_CALLS_AT_ONCE, smallest // 2)))


class Order(TypedDict):
    """What is certain, as the node that carries it out receives it."""

    module: str
    tool: str
    arguments: dict[str, Any]
    phrase: str
    language: str
    asked: Asked | None
    values: dict[str, str]


@dataclass(frozen=True)
class Reply:
    """What we say. `proposals` are references of actions asked of Forge; `trace` is route, tools, grounding, models, prompt versions."""

    words: str
    modules: tuple[str, ...]
    tools: tuple[str, ...]
    proposals: tuple[str, ...]
    language: str
    trace: dict[str, Any]


@dataclass(frozen=True)
class Supervisor:
    """Everything a turn needs, made once per process by `agents.start.supervisor`."""

    atlas: Atlas
    propose: Proposer
    router: Router
    consultants: Consultants
    checkpoints: Checkpoints
    timezone: ZoneInfo
    graph: Graph
    currency: str = DEFAULT_CURRENCY
    clock: Callable[[], float] = time.monotonic
    tool_calls: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tool_calls", tool_calls_within(self.atlas))


def _trace_of(
    supervisor: Supervisor,  # noqa: ARG001
    principal: Principal,  # noqa: ARG001
    thread: UUID,
    words: str,  # noqa: ARG001
    now: datetime,  # noqa: ARG001
    correlation_id: CorrelationId | None = None,
    watcher: Watcher | None = None,  # noqa: ARG001
    *,
    is_hands_free: bool = False,  # noqa: ARG001
) -> tuple[SpanContext, dict[str, str | int]]:
    return root_of(correlation_id or thread), {}


@spanned("turn", _trace_of)
async def answer(
    supervisor: Supervisor,
    principal: Principal,
    thread: UUID,
    words: str,
    now: datetime,
    correlation_id: CorrelationId | None = None,
    watcher: Watcher | None = None,
    *,
    is_hands_free: bool = False,
) -> Reply:
    """One turn of the conversation `thread`: what we say to `words`. Turns of one conversation follow one another, none is lost.

    All that a turn sets going carries `correlation_id`: the conversation's thread, unless another is given.
    """
    correlation_id = correlation_id or CorrelationId(thread)
    context = TurnContext(
        principal,
        now,
        supervisor.timezone,
        correlation_id,
        supervisor.atlas,
        supervisor.propose,
        supervisor.tool_calls,
        # A budget of a run is one turn's, whatever else goes by the same correlation id: a long conversation is not a loop.
        Purse(supervisor.atlas, principal, uuid.uuid4(), supervisor.clock),
        currency=supervisor.currency,
        watcher=watcher,
        meaning=supervisor.router.meaning,
        is_hands_free=is_hands_free,
    )
    config: RunnableConfig = {"configurable": {"thread_id": str(thread)}, "recursion_limit": MOST_STEPS}
    said = without_codes(readable(words))
    asked: State = {"words": said, "answers": None}
    async with supervisor.checkpoints.of(thread) as saver:
        if await saver.aget_tuple(config) is None:
            asked["said"] = await said_before(supervisor.atlas, principal, thread)
        graph = supervisor.graph.copy({"checkpointer": saver})
        state = await graph.ainvoke(asked, config, context=context, durability="exit")
    return Reply(**state["reply"])


async def said_before(atlas: Atlas, principal: Principal, thread: UUID) -> list[Said]:
    """What Atlas has of a conversation whose checkpoint expired or was refused, up to our last answer, as far as the caller may read it."""
    written = await answered_messages(atlas, principal, thread, KEPT_MESSAGES)
    return [Said(by_us=one.is_from_us, words=without_codes(readable(one.words)), modules=[], tools=[]) for one in written]


class Turns:
    """The graph's nodes."""

    def __init__(self, router: Router, consultants: Consultants, by_model: ModelRouter | None, summariser: Summariser | None) -> None:
        self._summariser = summariser
        self._dispatcher = Dispatcher(router, consultants, by_model)
        self._router = router
        self._consultants = consultants
        self._by_model = by_model

    @spanned("route", lambda self, state, runtime: (root_of(runtime.context.correlation_id), {}))  # noqa: ARG005
    async def route(self, state: State, runtime: Runtime[TurnContext]) -> Command[str]:
        """Picks who answers."""
        context = runtime.context
        if self._consultants.is_veiled or any(one is not None and one.is_veiled for one in (self._by_model, self._summariser)):
            # Here, where all of it is: a module may be asked a part in which nobody is named any more.
            await take_in_known(context, [state["words"], *(one["words"] for one in state.get("said", []))])
        language = language_of(state["words"], state.get("language", "en"))
        dispatch = await self._dispatcher.of(state, language, context)
        certainly = [Send("certain", _order(dispatch.sure, language))] if dispatch.sure else []
        is_alone = len(dispatch.errands) == 1 and not certainly
        consulted = [Send(module, _errand(state, module, words, language, is_alone=is_alone)) for module, words in dispatch.errands]
        return Command(update={"language": language, "route": dispatch.route}, goto=[*certainly, *consulted])

    @spanned("agent", lambda self, state, runtime: (root_of(runtime.context.correlation_id), {"bedrock.module": state["module"]}))  # noqa: ARG005
    async def consult(self, state: Errand, runtime: Runtime[TurnContext]) -> dict[str, Any]:
        await runtime.context.step(state["module"])
        return {"answers": [await self._consultants.consult(state, runtime.context)]}

    async def certain(self, state: Order, runtime: Runtime[TurnContext]) -> dict[str, Any]:
        """Says a phrase or calls one tool; no model is asked."""
        context = replace(runtime.context, language=state["language"])
        if state["phrase"]:
            return {"answers": [self._consultants.say(state["phrase"], context, state["asked"], **state["values"])]}
        sure = Certain(module=state["module"], tool=state["tool"], arguments=state["arguments"])
        return {"answers": [await self._consultants.carry_out(sure, context)]}

    async def check(self, state: State, runtime: Runtime[TurnContext]) -> Command[str]:
        """Every amount, date, id and promise must come from a tool: else the module tries once more, then a person is fetched.

        Waits for everybody who was asked, and replies where nobody is asked again: a step of a graph costs as much as a query.
        """
        context = runtime.context
        again: list[Send] = []
        for one in state["answers"] or ():
            if wrong := _ungrounded(one, state, context):
                log.warning("reply_ungrounded", module=one["module"], model=one["model"], is_retry=one["is_retry"], claims=len(wrong))
                again.append(_once_more(state, one, wrong))
        return Command(goto=again) if again else Command(update=await self._reply(state, context), goto=END)

    async def _reply(self, state: State, context: TurnContext) -> dict[str, Any]:
        """One answer of all that was said, and what the conversation keeps of it."""
        answers = state["answers"] or []
        uses = [use for one in answers for use in one["tools"]]
        is_handed_over = any(use["name"] == HAND_OVER and use["proposal"] for use in uses)
        words = together((one["words"] for one in answers), state["language"], is_handed_over=is_handed_over)
        before = state.get("said", [])
        if not context.is_staff:
            words = with_acknowledgement(words, state["words"], before, state["language"], is_handed_over=is_handed_over)
        is_compared = "nearest" in state["route"]
        flags = await flags_of(self._router, state["words"], state["language"], uses, is_compared=is_compared)
        summary = ""
        if is_handed_over and self._summariser is not None:
            summary = await self._summariser.summary(before, state["words"], uses, context)
        modules = [one["module"] for one in answers]
        ours = Said(by_us=True, words=words, modules=modules, tools=uses)
        theirs = Said(by_us=False, words=state["words"], modules=[], tools=[])
        return {
            "said": [theirs, ours],
            "asked": next((asked_at(one["asked"], context.now) for one in answers if one["asked"]), None),
            "answers": None,
            "reply": {
                "words": words,
                "modules": tuple(modules),
                "tools": tuple(use["name"] for use in uses),
                "proposals": tuple(use["proposal"] for use in uses if use["proposal"]),
                "language": state["language"],
                "trace": {
                    **_trace(state, answers, flags),
                    **({"summary": summary} if summary else {}),
                    **({"cards": cards_of(uses)} if context.is_staff else {}),
                },
            },
        }


def _ungrounded(one: Answer, state: State, context: TurnContext) -> list[str]:
    """What no tool said. Most answers rest on this turn's tools: only for the others is what earlier turns found read again."""
    if not one["prompt_version"]:
        return []
    found = [use["answer"] for use in one["tools"]]
    if not ungrounded(one["words"], facts_of(found, context.now, context.timezone)):
        return []
    earlier = [use["answer"] for said in state.get("said", []) for use in said["tools"]]
    return ungrounded(one["words"], facts_of([*earlier, *found], context.now, context.timezone))


def _trace(state: State, answers: list[Answer], flags: list[Flag]) -> dict[str, Any]:
    """Route, tools with their arguments, grounding, models and prompt versions: what a person needs to see why we said it."""
    return {
        **({"flags": flags} if flags else {}),
        "route": state["route"],
        "language": state["language"],
        "answers": [
            {
                "module": one["module"],
                "model": one["model"],
                "prompt": one["prompt_version"],
                "second_try": one["is_retry"] and bool(one["prompt_version"]),
                "tools": [{"name": use["name"], "arguments": use["arguments"], "failed": use["is_error"]} for use in one["tools"]],
            }
            for one in answers
        ],
    }


def _errand(state: State, module: str, words: str, language: str, wrong: tuple[str, ...] = (), *, is_alone: bool = False) -> Errand:
    said = state.get("said", [])
    return Errand(module=module, words=words, language=language, said=said, ungrounded=list(wrong), is_alone=is_alone)


def _order(sure: Certain, language: str) -> Order:
    return Order(
        module=sure.module,
        tool=sure.tool,
        arguments=sure.arguments,
        phrase=sure.phrase,
        language=language,
        asked=sure.asked,
        values=sure.values,
    )


def _once_more(state: State, one: Answer, wrong: list[str]) -> Send:
    if not one["is_retry"] and one["model"] != RULES:
        is_alone = len(state["answers"] or ()) == 1
        return Send(one["module"], _errand(state, one["module"], state["words"], state["language"], tuple(wrong), is_alone=is_alone))
    person = Certain(module=one["module"], tool=HAND_OVER, arguments={"reason": "an answer could not be grounded"})
    return Send("certain", _order(person, state["language"]))


def conversation_graph(
    router: Router, consultants: Consultants, by_model: ModelRouter | None = None, summariser: Summariser | None = None
) -> Graph:
    """Route, then one module or several at once, then all together to the check, which replies. `by_model`: asked before the sentences."""
    turns = Turns(router, consultants, by_model, summariser)
    graph = StateGraph(State, context_schema=TurnContext)
    modules = tuple(consultants.members)
    graph.add_node("route", turns.route, destinations=(*modules, "certain"))
    for module in modules:
        graph.add_node(module, turns.consult, input_schema=Errand)
    graph.add_node("certain", turns.certain, input_schema=Order)
    graph.add_node("check", turns.check, defer=True, destinations=(*modules, "certain", END))
    graph.add_edge(START, "route")
    for node in (*modules, "certain"):
        graph.add_edge(node, "check")
    return graph.compile()
