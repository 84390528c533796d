"""A turn with the rule model: supervisor, agent, tool, grounded reply, kept in PostgreSQL; beside a bare graph of as many round trips."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from statistics import median, quantiles
from typing import Any, Final, TypedDict
from uuid import UUID, uuid4

import psycopg
from langgraph.graph import END, START, StateGraph

from agents.supervisor import Reply, answer
from api.bootstrap import configure_logging
from atlas.principal import Principal, executor, in_conversation
from evals.bench import Conditions, Row
from evals.demo.quiet import logs_kept_in
from evals.run import principal_of
from evals.scenario import Speaker
from evals.stage import Scene, Stage, scene, stage
from evals.world.happened import conversation_opened

ASKS: Final = ("How much do I owe?", "What box is in my house?", "Which plans do you have?", "When is my visit?")
WARMING: Final = 12
TURNS: Final = 200
AT_ONCE: Final = 16
TURNS_EACH: Final = 12
# A turn writes the conversation once and asks Atlas as often as this: budget, tool, checkpoint read, checkpoint write, prune.
ROUND_TRIPS: Final = 5
FLOOR_IS: Final = "bare LangGraph graph, as many nodes and round trips"


class Bare(TypedDict, total=False):
    words: str


async def run(conditions: Conditions) -> Sequence[Row]:
    """One after another, then sixteen conversations at once; every turn must be answered."""
    return await in_quiet(conditions, "turn", measured)


async def in_quiet(conditions: Conditions, name: str, measure: Callable[[], Awaitable[Sequence[Row]]]) -> Sequence[Row]:
    """The figures; what is logged meanwhile goes to a file of its own."""
    configure_logging("console")
    with logs_kept_in(conditions.home / f"{name}.log"):
        return await measure()


@asynccontextmanager
async def maya_in(one: Stage) -> AsyncIterator[tuple[Scene, Principal]]:
    """A copy of the world in which Maya, who is surely known, may ask as much as she likes."""
    async with scene(one) as here:
        unbounded(here)
        yield here, await principal_of(here, Speaker(customer="maya", verified=True))


async def measured() -> Sequence[Row]:
    async with stage() as one, maya_in(one) as (here, maya):
        ours = await timed(TURNS, await _asking(here, maya))
        floor = await timed(TURNS, _bare(here))
        began = time.perf_counter()
        answered = await _at_once(here, maya)
        rate = answered / (time.perf_counter() - began)
    return [
        Row("turn", "a turn", "ms", 1000 * median(ours), 1000 * p99(ours), 1000 * median(floor), FLOOR_IS, "p50 ≤ 40, p99 ≤ 150"),
        Row("turn", f"turns at {AT_ONCE} at once", "turns/s", rate, None, None, "", "≥ 60"),
        Row("turn", f"turns lost at {AT_ONCE} at once", "turns", AT_ONCE * TURNS_EACH - answered, None, None, "", "0"),
    ]


def p99(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=100)[98]


async def timed(times: int, one: Callable[[int], Awaitable[object]]) -> list[float]:
    """Seconds of each, after some that are not counted."""
    for at in range(WARMING):
        await one(at)
    found: list[float] = []
    for at in range(times):
        began = time.perf_counter()
        await one(at)
        found.append(time.perf_counter() - began)
    return found


def unbounded(here: Scene) -> None:
    """Lifts what a conversation and a day may cost, in this copy: what is measured is a turn, not the refusal of one."""
    with psycopg.connect(here.url, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("UPDATE actions.budget SET most = 1000000000")


async def asked(here: Scene, who: Principal, thread: UUID, words: str) -> Reply:
    return await answer(here.supervisor, in_conversation(who, thread), thread, words, datetime.now(UTC))


def is_answered(reply: Reply) -> bool:
    """Whether a tool was called and none failed: a refusal is quick, and no answer."""
    return bool(reply.tools) and not any(use["failed"] for one in reply.trace["answers"] for use in one["tools"])


async def _asking(here: Scene, who: Principal) -> Callable[[int], Awaitable[object]]:
    thread = await conversation_opened(here.atlas, who, "chat", ASKS[0])
    return lambda at: asked(here, who, thread, ASKS[at % len(ASKS)])


async def _at_once(here: Scene, who: Principal) -> int:
    """How many turns were answered: a conversation each, all of them together."""

    async def conversation() -> int:
        thread = uuid4()
        said = [await asked(here, who, thread, ASKS[at % len(ASKS)]) for at in range(TURNS_EACH)]
        return sum(is_answered(reply) for reply in said)

    return sum(await asyncio.gather(*(conversation() for _ in range(AT_ONCE))))


def _bare(here: Scene) -> Callable[[int], Awaitable[object]]:
    """As many nodes as a turn passes, which do nothing, and one that asks PostgreSQL as often as a turn does."""
    keeper = executor("evals")

    async def passed(state: Bare) -> dict[str, Any]:
        return {"words": state["words"]}

    async def asks(state: Bare) -> dict[str, Any]:
        for _ in range(ROUND_TRIPS):
            async with here.atlas.transaction(keeper) as conn:
                await conn.execute("SELECT 1")
        return {"words": state["words"]}

    graph = StateGraph(Bare)
    names = ("route", "agent", "model", "tool", "model_again", "check")
    for name in names:
        graph.add_node(name, asks if name == "tool" else passed)
    for before, after in zip((START, *names), (*names, END), strict=True):
        graph.add_edge(before, after)
    made = graph.compile()
    return lambda at: made.ainvoke({"words": str(at)})
