"""Changes to schema actions. Each that matters is a function of the database's own, which checks who asks and in which state."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from atlas.actions.records import ActionState, Asked, Errand, JudgedAgain, JudgedAsked, Judgement
from atlas.identity import ActionId, CorrelationId, CustomerId, IncidentId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


@dataclass(frozen=True)
class Request:
    """One request on its way to the table; `arguments`, `facts` and `rests_on` are JSON texts."""

    action: str
    arguments: str
    facts: str
    digest: bytes
    operation_key: str
    proposed_for: CustomerId | None
    reason: str
    evidence: str
    correlation_id: CorrelationId
    incident_id: IncidentId | None = None
    supersedes_id: ActionId | None = None
    rests_on: str = "[]"


async def propose(conn: Connection, request: Request) -> Asked:
    """Records what is asked, in the name of the proven principal; or finds the same operation asked before."""
    return await SQL.one(conn, Asked, "propose", **vars(request))


async def ask(conn: Connection, request: Request, matrix_digest: str) -> JudgedAsked:
    """Records it, judges it and, where it may be done alone, takes it for this transaction; or finds the same operation asked before.

    For parts of the system only. Raises SerializationFailure where the gate holds another matrix.
    """
    return await SQL.one(conn, JudgedAsked, "ask", **vars(request), matrix_digest=matrix_digest)


async def judge(conn: Connection, action_id: ActionId, matrix_digest: str, *, take: bool) -> Judgement:
    """Judges what was proposed; `take`: what may be done alone is this transaction's at once. Raises as `ask` does."""
    return await SQL.one(conn, Judgement, "judge", action_id=action_id, matrix_digest=matrix_digest, take=take)


async def judged_again(conn: Connection, action_id: ActionId, facts: str, matrix_digest: str) -> JudgedAgain:
    """What the matrix in force makes of it now, with these facts; nothing is written down. Raises as `ask` does."""
    return await SQL.one(conn, JudgedAgain, "judged_again", action_id=action_id, facts=facts, matrix_digest=matrix_digest)


async def refuse(conn: Connection, action_id: ActionId, *, rule: str, reason: str, matrix_digest: str) -> bool:
    """Refuses what was only proposed, for a reason of the executor's own; False where it was judged before."""
    return bool(await SQL.value(conn, "refuse", action_id=action_id, rule=rule, reason=reason, matrix_digest=matrix_digest))


async def rule(conn: Connection, action_id: ActionId, *, is_approval: bool, digest_seen: bytes, note: str) -> ActionState:
    """One person's ruling, as the signed-in member of staff; what became of the action. The database says which condition is unmet."""
    parameters = {"action_id": action_id, "is_approval": is_approval, "digest_seen": digest_seen, "note": note}
    return ActionState(await SQL.value(conn, "rule", **parameters))


async def claim(conn: Connection, action_id: ActionId, digest: bytes) -> None:
    """Takes the action for this very transaction: only now do the effect tables take rows."""
    await SQL.value(conn, "claim", action_id=action_id, digest=digest)


async def finish(conn: Connection, state: ActionState, outcome: Mapping[str, Any], failure: str | None = None) -> None:
    """Ends the action that this transaction has claimed, done or failed."""
    await SQL.value(conn, "finish", state=state, outcome=json.dumps(outcome, default=str), failure=failure)


async def withdraw(conn: Connection, action_id: ActionId, state: ActionState, why: str) -> bool:
    """Ends an action that will not be carried out as it stands; False where it is over or being carried out."""
    return bool(await SQL.value(conn, "withdraw", action_id=action_id, state=state, why=why))


async def queue_errands(conn: Connection, port: str, operation: str, wanted: Mapping[str, Mapping[str, Any]]) -> int:
    """Leaves one errand per key, each with its arguments; how many were new."""
    arguments = [json.dumps(one, default=str) for one in wanted.values()]
    return await SQL.run(conn, "queue_errands", port=port, operation=operation, arguments=arguments, keys=list(wanted))


async def lease_errands(conn: Connection, most: int, lease: timedelta) -> list[Errand]:
    """At most `most` errands that nobody works on, ours until the lease ends."""
    return await SQL.all(conn, Errand, "lease_errands", most=most, lease=lease)


async def finish_errand(conn: Connection, errand: Errand, state: str, answer: Mapping[str, Any]) -> bool:
    """Writes down the answer; False where somebody took the errand over after our lease ended."""
    answered = json.dumps(answer, default=str)
    return await SQL.run(conn, "finish_errand", errand_id=errand.id, attempts=errand.attempts, state=state, answer=answered) == 1


async def put_off_errand(conn: Connection, errand: Errand, after: timedelta, why: str) -> bool:
    """It surely was not done, and may be later: begins anew after this long. False where somebody took the errand over."""
    parameters = {"errand_id": errand.id, "attempts": errand.attempts, "after": after, "answer": json.dumps({"why": why})}
    return await SQL.run(conn, "put_off_errand", **parameters) == 1


async def call_off_errands(conn: Connection, action_id: ActionId) -> int:
    """Ends the action's errands that surely nobody has begun; how many."""
    return await SQL.run(conn, "call_off_errands", action_id=action_id)


async def resume_sequence(conn: Connection, sequence_id: int, within: timedelta) -> bool:
    """Takes a sequence that fell out up again at the step that failed; False where it does not wait for that."""
    return bool(await SQL.run(conn, "resume_sequence", sequence_id=sequence_id, within=within))


async def turn_sequence_back(conn: Connection, sequence_id: int, why: str) -> bool:
    """From here on what a sequence did is taken back; False where it has ended, or is being taken back already."""
    return bool(await SQL.run(conn, "turn_sequence_back", sequence_id=sequence_id, why=why))
