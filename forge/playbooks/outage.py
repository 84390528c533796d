"""The playbook of an incident: tickets, diagnostics, notices, a crew and credits side by side; then it sleeps until something changes.

Every branch asks Atlas what is owed at this moment, so that it may be played again after a crash at any line: the graph is a bookmark.
"""

from typing import Annotated, Any, Final, TypedDict

import psycopg
import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Send, interrupt

from atlas.actions.reads import actions_of_incident
from atlas.actions.records import ActionRecord
from atlas.actions.rules import is_over
from atlas.errors import AtlasError
from atlas.identity import CorrelationId, IncidentId
from atlas.itsm.reads import incident as incident_of
from atlas.itsm.records import Incident, IncidentState
from atlas.principal import executor
from atlas.statements import Connection
from forge.action import Action
from forge.carry_out import nudge_playbook
from forge.graph import Bookmarks, prune, saver
from forge.playbooks.branches import BRANCHES, called_for
from forge.propose import Forge, Proposed, propose

log = structlog.get_logger()

PLAYBOOK: Final = executor("playbook")
# Somebody else's change between our look and our action fails it; what is owed is then measured anew.
TRIES: Final = 3


# Branches at a time, in the order in which they are called for: all at once, those that people wait for are ready no sooner than the rest.
AT_ONCE: Final = 2
# Enough to see what the last two rounds came to.
REMEMBERED: Final = 24


def newest(before: list[str], after: list[str]) -> list[str]:
    return [*before, *after][-REMEMBERED:]


class Playing(TypedDict, total=False):
    """Plain types only. `became` says what each branch came to, newest last."""

    incident_id: int
    branch: str
    state: str
    became: Annotated[list[str], newest]


async def look(state: Playing, runtime: Runtime[Forge]) -> Command[str]:
    """Sends out every branch that the incident calls for, side by side; or ends, once it is closed."""
    incident_id = state["incident_id"]
    incident = await _incident(runtime.context, incident_id)
    sent = [Send("branch", {"incident_id": incident_id, "branch": name}) for name in called_for(incident)]
    return Command(update={"state": incident.state.value}, goto=sent or END)


async def branch(state: Playing, runtime: Runtime[Forge]) -> Playing:
    """One branch. Whatever fails in it stays in it: the others go on, and it is tried again at the next change."""
    name = state["branch"]
    try:
        proposed = await _branch(runtime.context, IncidentId(state["incident_id"]), name)
    except (AtlasError, psycopg.Error, TimeoutError) as error:
        log.warning("branch_failed", incident_id=state["incident_id"], branch=name, error=type(error).__name__)
        return {"became": [f"{name}: failed"]}
    return {"became": [f"{name}: {proposed.reference} {proposed.state.value}"] if proposed else []}


async def await_change(state: Playing) -> Playing:
    # On resume LangGraph runs a node again from its first line: do nothing here but ask.
    interrupt({"incident_id": state["incident_id"]})
    return {}


async def joined(state: Playing, runtime: Runtime[Forge]) -> Playing:
    """Closes the incident once everything that it called for is done: the last step, after all others of this round."""
    incident = await _incident(runtime.context, state["incident_id"])
    if incident.state is not IncidentState.RESOLVED:
        return {"state": incident.state.value}
    ended = await branch({"incident_id": state["incident_id"], "branch": "closing"}, runtime)
    return {**ended, "state": (await _incident(runtime.context, state["incident_id"])).state.value}


def after_joined(state: Playing) -> str:
    return END if state["state"] == IncidentState.CLOSED else "await_change"


def _built() -> StateGraph[Playing, Forge, Playing, Playing]:
    graph = StateGraph(Playing, context_schema=Forge)
    graph.add_node("look", look, destinations=("branch", END))
    graph.add_node("branch", branch)
    graph.add_node("joined", joined, defer=True)
    graph.add_node("await_change", await_change)
    graph.add_edge(START, "look")
    graph.add_edge("branch", "joined")
    graph.add_conditional_edges("joined", after_joined, ["await_change", END])
    graph.add_edge("await_change", "look")
    return graph


GRAPH: Final = _built()


async def play(forge: Forge, bookmarks: Bookmarks, incident_id: IncidentId) -> IncidentState:
    """Plays an incident's playbook until it sleeps or ends: starts it, wakes it, or goes on where a killed process left it.

    Job `forge.playbook` does nothing else, after every change of the incident and after every ruling on one of its actions.
    """
    graph = GRAPH.compile(checkpointer=saver(bookmarks))
    name = bookmarks.threads.of("incident", incident_id)
    thread: RunnableConfig = {"configurable": {"thread_id": name}, "recursion_limit": 50, "max_concurrency": AT_ONCE}
    start: Any = {"incident_id": incident_id}
    where = await graph.aget_state(thread)
    given: Any = Command(resume={asked.id: "look again" for asked in where.interrupts}) if where.interrupts else None
    await graph.ainvoke(given if where.values.get("incident_id") == incident_id else start, thread, context=forge, durability="sync")
    incident = await _incident(forge, incident_id)
    if incident.state is not IncidentState.CLOSED and not (await graph.aget_state(thread)).interrupts:
        # A bookmark that leads nowhere: what is owed is asked of Atlas anyway, so the playbook begins again.
        await graph.ainvoke(start, thread, context=forge, durability="sync")
        incident = await _incident(forge, incident_id)
    await prune(bookmarks, name, is_over=incident.state is IncidentState.CLOSED)
    return incident.state


async def _branch(forge: Forge, incident_id: IncidentId, name: str) -> Proposed | None:
    """Proposes what the branch owes; None where that is nothing, or where such a request already waits for somebody."""
    async with forge.atlas.transaction(PLAYBOOK) as conn:
        action = await BRANCHES[name](conn, incident_id, forge.now())
        if action is None or any(_is_such_a_request(one, action) for one in await actions_of_incident(conn, incident_id)):
            return None
        incident = await incident_of(conn, incident_id)
    reason, thread = f"incident {incident_id}: {incident.cause}", CorrelationId(incident.correlation_id)

    async def then(conn: Connection, _: Proposed) -> None:
        # Towards the end nothing outside changes any more: what was done is itself the change that may let it close.
        if incident.state is IncidentState.RESOLVED and name != "closing":
            await nudge_playbook(conn, incident_id)

    return await propose(
        forge, PLAYBOOK, action, reason=reason, evidence=_evidence(incident), correlation_id=thread, tries=TRIES, then=then
    )


def _is_such_a_request(asked: ActionRecord, action: Action) -> bool:
    """The same order for the same incident, perhaps of another size: when somebody rules on it, its facts are taken again anyway."""
    order, _, _ = action.operation_key.rpartition(":")
    return not is_over(asked.state) and asked.operation_key.startswith(f"{order}:")


def _evidence(incident: Incident) -> tuple[Any, ...]:
    """What it rests on, as an approver reads it: the likeliest causes, and how much is behind the incident."""
    size = {"devices": incident.devices, "subscribers": incident.subscribers, "vulnerable": incident.vulnerable, "areas": incident.areas}
    likely = [
        {"cause": one.get("cause"), "confidence": one.get("confidence"), "element": one.get("element")} for one in incident.hypotheses[:3]
    ]
    return ({"incident": incident.incident_id, "root": incident.root_name, **size}, *likely)


async def _incident(forge: Forge, incident_id: int) -> Incident:
    async with forge.atlas.transaction(PLAYBOOK) as conn:
        return await incident_of(conn, IncidentId(incident_id))
