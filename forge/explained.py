"""Why an action is what it is: who asked, by which rule, on what evidence, with whose approval, and everything that came of it."""

from dataclasses import dataclass
from typing import Any

from atlas.actions import reads
from atlas.actions.records import ActionRecord, AuditEntry, RulingRecord
from atlas.identity import ActionId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)

# Of a storm's incident one table has thousands of rows: enough is shown to understand, and the number of the rest is said.
MOST_ROWS = 200


@dataclass(frozen=True)
class Effect:
    """A row that an action wrote, in a table that takes rows from actions only."""

    place: str
    content: dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """A message of an action's, and how far it came."""

    notice_id: int
    purpose: str
    channel: str
    language: str
    state: str
    delivery: str | None
    failure: str | None
    words: str


@dataclass(frozen=True)
class Outside:
    """Something that was asked of the world outside."""

    errand_id: int
    port: str
    operation: str
    state: str
    attempts: int
    answer: Any


@dataclass(frozen=True)
class Said:
    """What a model said in the turn that led to it: which model, by which brief, with which tools."""

    module: str
    model: str
    prompt_version: str
    tools: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """An action whole. `spoken_by`: the models behind the conversation in which it was asked for; empty where nobody spoke."""

    action: ActionRecord
    rulings: tuple[RulingRecord, ...]
    effects: tuple[Effect, ...]
    messages: tuple[Sent, ...]
    outside: tuple[Outside, ...]
    spoken_by: tuple[Said, ...]
    trail: tuple[AuditEntry, ...]

    @property
    def written(self) -> dict[str, int]:
        """How many rows were written, by table; at most MOST_ROWS of one are counted."""
        places = [one.place for one in self.effects]
        return {place: places.count(place) for place in dict.fromkeys(places)}


async def explained(conn: Connection, action_id: ActionId) -> Explanation:
    """Everything about one action; erased words are missing and said to be. Raises NotFound. `conn`: a transaction of the executor's."""
    action = await reads.action(conn, action_id)
    traces = await SQL.column(conn, "traces", correlation_id=action.correlation_id)
    return Explanation(
        action,
        tuple(await reads.rulings(conn, [action_id])),
        tuple(await SQL.all(conn, Effect, "effects", action_id=action_id, most=MOST_ROWS)),
        tuple(await SQL.all(conn, Sent, "messages", action_id=action_id, most=MOST_ROWS)),
        tuple(await SQL.all(conn, Outside, "outside", action_id=action_id)),
        tuple(said for trace in traces for said in said_in(trace)),
        tuple(await reads.audit_of_action(conn, action_id)),
    )


def said_in(trace: dict[str, Any]) -> list[Said]:
    """The answers that a reply's trace is made of."""
    return [
        Said(
            str(answer.get("module", "")),
            str(answer.get("model", "")),
            str(answer.get("prompt", "")),
            tuple(str(tool.get("name", "")) for tool in answer.get("tools", ())),
        )
        for answer in trace.get("answers", ())
    ]
