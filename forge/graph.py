"""The graph of an action that waits for a person: gate, await_approval, carry_out, close. Its row is the authority, this is a bookmark."""

import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Interrupt, interrupt
from psycopg import AsyncConnection
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg.rows import DictRow
from psycopg_pool import AsyncConnectionPool

from atlas.actions import reads
from atlas.actions.records import ActionState
from atlas.connection import Atlas, zone_url
from atlas.identity import ActionId
from atlas.principal import Zone
from forge.carry_out import RULED
from forge.carry_out import carry_out as carry_out_action
from forge.propose import EXECUTOR, Forge
from forge.sealed_checkpoints import SealedSaver, SealedSerializer, ThreadNames, pool_options
from forge.untraced import keep_to_ourselves

WAITING: Final = ActionState.WAITING.value


class Bookmarks(AsyncConnectionPool[AsyncConnection[DictRow]]):
    """The connections over which checkpoints are kept, with what seals them and names their threads."""

    def __init__(self, url: str, secret: bytes, **options: Any) -> None:
        super().__init__(url, **options)
        self.serde = SealedSerializer(secret)
        self.threads = ThreadNames(secret)


class ActionThread(TypedDict, total=False):
    """Plain types only: what a checkpoint holds is read back as written."""

    action_id: int
    state: str


@asynccontextmanager
async def open_bookmarks(atlas: Atlas, most: int = 4) -> AsyncGenerator[Bookmarks, None]:
    """The pool over which every graph keeps its checkpoints, as the executor, in their own schema."""
    keep_to_ourselves()
    url = zone_url(atlas.url, Zone.EXECUTOR, atlas.secret)
    async with Bookmarks(url, atlas.secret, **pool_options(most)) as pool:
        await pool.wait(timeout=10)
        yield pool


def saver(bookmarks: Bookmarks) -> SealedSaver:
    """A saver for one request: one alone would serialise everything behind its lock."""
    return SealedSaver(bookmarks, serde=bookmarks.serde)


async def gate(state: ActionThread, runtime: Runtime[Forge]) -> ActionThread:
    return {"state": await _state_of(runtime.context, state["action_id"])}


async def await_approval(state: ActionThread) -> ActionThread:
    # On resume LangGraph runs a node again from its first line: do nothing here but ask.
    return {"state": interrupt({"action_id": state["action_id"]})}


async def carry_out(state: ActionThread, runtime: Runtime[Forge]) -> ActionThread:
    proposed = await carry_out_action(runtime.context, ActionId(state["action_id"]))
    return {"state": proposed.state.value}


async def close(state: ActionThread, runtime: Runtime[Forge]) -> ActionThread:
    return {"state": await _state_of(runtime.context, state["action_id"])}


def after_gate(state: ActionThread) -> str:
    if state["state"] == WAITING:
        return "await_approval"
    return "carry_out" if state["state"] in (ActionState.ALLOWED, ActionState.APPROVED) else "close"


def _built() -> StateGraph[ActionThread, Forge, ActionThread, ActionThread]:
    graph = StateGraph(ActionThread, context_schema=Forge)
    graph.add_node("gate", gate)
    graph.add_node("await_approval", await_approval)
    graph.add_node("carry_out", carry_out)
    graph.add_node("close", close)
    graph.add_edge(START, "gate")
    graph.add_conditional_edges("gate", after_gate, ["await_approval", "carry_out", "close"])
    # Whatever the resumed interrupt was told, the row is asked again.
    graph.add_edge("await_approval", "gate")
    graph.add_edge("carry_out", "close")
    graph.add_edge("close", END)
    return graph


GRAPH: Final = _built()


def thread_of(bookmarks: Bookmarks, action_id: ActionId) -> RunnableConfig:
    return {"configurable": {"thread_id": bookmarks.threads.of("action", action_id)}, "recursion_limit": 12}


async def advance(forge: Forge, bookmarks: Bookmarks, action_id: ActionId) -> ActionState:
    """Takes the action's graph to where its row stands: starts it, wakes it once somebody ruled, or leaves it asleep.

    Safe to repeat, and after a kill at any line: job `forge.carry_out` does nothing else.
    """
    graph = GRAPH.compile(checkpointer=saver(bookmarks))
    thread = thread_of(bookmarks, action_id)
    where = await graph.aget_state(thread)
    # Numbers stand in the clear in LangGraph's tables: one that names another action is no bookmark of this one.
    if where.values.get("action_id") != action_id:
        await _run(graph, forge, thread, {"action_id": action_id})
    elif not where.interrupts:
        await _run(graph, forge, thread, None)
    elif (state := await _state_of(forge, action_id)) != WAITING:
        await _run(graph, forge, thread, Command(resume={asked.id: state for asked in where.interrupts}))
    state = await _state_of(forge, action_id)
    if state in RULED:
        # A bookmark that leads nowhere is no reason to leave an approved action undone.
        state = (await carry_out_action(forge, action_id)).state
    await prune(bookmarks, bookmarks.threads.of("action", action_id), is_over=state != WAITING)
    return ActionState(state)


async def prune(bookmarks: Bookmarks, thread_id: str, *, is_over: bool) -> None:
    """Keeps a thread's last bookmark only, and none once it is over: what became of it is in Atlas."""
    # Whoever else works on the thread at this moment prunes it after us.
    with contextlib.suppress(SerializationFailure, DeadlockDetected):
        await saver(bookmarks).aprune([thread_id], strategy="delete" if is_over else "keep_latest")


async def pending_interrupts(bookmarks: Bookmarks, action_id: ActionId) -> tuple[Interrupt, ...]:
    """What the action's graph waits for; empty where it does not wait."""
    return (await GRAPH.compile(checkpointer=saver(bookmarks)).aget_state(thread_of(bookmarks, action_id))).interrupts


async def _run(
    graph: CompiledStateGraph[ActionThread, Forge, ActionThread, ActionThread], forge: Forge, thread: RunnableConfig, given: Any
) -> None:
    await graph.ainvoke(given, thread, context=forge, durability="sync")


async def _state_of(forge: Forge, action_id: int) -> str:
    async with forge.atlas.transaction(EXECUTOR) as conn:
        return (await reads.action(conn, ActionId(action_id))).state.value
