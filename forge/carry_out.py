"""Carries out what a person approved: unmoved, in time, under today's matrix, once. What lapsed or moved is said so and not done."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
import structlog
from psycopg.errors import InsufficientPrivilege, ObjectNotInPrerequisiteState

from atlas.actions import reads, writes
from atlas.actions.records import ActionRecord, ActionState
from atlas.actions.rules import reference
from atlas.errors import AtlasError
from atlas.identity import ActionId, IncidentId
from atlas.jobs import defer
from atlas.statements import Connection
from forge.action import Action
from forge.propose import (
    CROSSED,
    EXECUTOR,
    Asking,
    Forge,
    Proposed,
    as_proposed,
    carried_out,
    concluded,
    defer_carrying_out,
    facts_of,
    given_up,
    on_matrix_in_force,
    settle,
)
from forge.register import FACTS, digest, read_facts, written_facts
from forge.verdicts import VerdictsDiffer, agreed
from governance.decide import Answer, Verdict
from governance.facts import Facts

log = structlog.get_logger()

RULED: Final = frozenset({ActionState.ALLOWED, ActionState.APPROVED})
# Nobody who is alive leaves an action between two of its own transactions for so long.
ABANDONED: Final = timedelta(seconds=10)
EXCEPT_FROM_WHAT_MOVED: Final = frozenset({"in_quiet_hours", "proposed_by"})


@dataclass(frozen=True)
class Again:
    """An action as it is now: its facts taken again, and what of the old ones moved."""

    action: Action
    facts: Facts
    moved: str


async def carry_out(forge: Forge, action_id: ActionId) -> Proposed:
    """Carries out an approved action, or says why not. Safe to call at any time and from anywhere: the row decides."""
    try:
        return await _carried_out(forge, action_id)
    except ObjectNotInPrerequisiteState:
        # The gate's own clock says that its time is over.
        await expire_overdue(forge)
        async with forge.atlas.transaction(EXECUTOR) as conn:
            return as_proposed(await reads.action(conn, action_id))
    except InsufficientPrivilege as error:
        # The gate bars it: an approver lost the role since, or a limit was lowered.
        async with forge.atlas.transaction(EXECUTOR) as conn:
            return await given_up(conn, await reads.action_held(conn, action_id), error.diag.message_primary or "the gate bars it")
    except VerdictsDiffer as error:
        async with forge.atlas.transaction(EXECUTOR) as conn:
            return await given_up(conn, await reads.action_held(conn, action_id), str(error))


@CROSSED
async def _carried_out(forge: Forge, action_id: ActionId) -> Proposed:
    async with on_matrix_in_force(forge), forge.atlas.transaction(EXECUTOR) as conn:
        row = await reads.action_held(conn, action_id)
        if row.state not in RULED:
            return as_proposed(row)
        answer = await _ruled_and_done(forge, conn, row)
        await nudge_playbook(conn, row.incident_id)
        return answer


async def _ruled_and_done(forge: Forge, conn: Connection, row: ActionRecord) -> Proposed:
    try:
        action = _as_judged(forge, row)
    except AtlasError as error:
        return await given_up(conn, row, str(error))
    again = await _taken_again(forge, conn, row, action)
    if again.moved:
        return await _proposed_anew(forge, conn, row, again, again.moved)
    judged = await writes.judged_again(conn, row.id, written_facts(again.action, again.facts), forge.matrix.current.digest)
    if judged.has_moved:
        return await _proposed_anew(forge, conn, row, again, "a row that it rests on was changed while it waited")
    verdict = agreed(again.facts, forge.matrix.current, judged)
    if verdict.answer is Answer.REFUSED:
        return await given_up(conn, row, f"the escalation matrix now refuses it ({verdict.rule}): {verdict.reason}")
    if _asks_more(verdict, row):
        return await _proposed_anew(forge, conn, row, again, f"the escalation matrix now asks for other approvals ({verdict.rule})")
    await writes.claim(conn, row.id, row.digest)
    return await carried_out(conn, as_proposed(row), again.action, forge.now())


def _as_judged(forge: Forge, row: ActionRecord) -> Action:
    """The stored action, if its row still says what was judged. Raises AtlasError where a hand was laid on it."""
    action = forge.register.decoded(row.name, row.arguments)
    if digest(action, read_facts(row.facts)) != row.digest:
        raise AtlasError("its arguments are not those that were judged and approved")
    return action


async def _taken_again(forge: Forge, conn: Connection, row: ActionRecord, action: Action) -> Again:
    fresh = await action.refreshed(conn, forge.now())
    facts = facts_of(forge, fresh, row.proposer)
    if digest(fresh, facts) == row.digest:
        return Again(fresh, facts, "")
    return Again(fresh, facts, what_moved(read_facts(row.facts), facts))


def what_moved(before: Facts, now: Facts) -> str:
    """What an approver saw and what is true now, as in "customers 312 → 290"; never empty."""
    was, became = FACTS.dump_python(before, mode="json"), FACTS.dump_python(now, mode="json")
    moved = [f"{name} {was[name]} → {became[name]}" for name in was if was[name] != became[name] and name not in EXCEPT_FROM_WHAT_MOVED]
    return "the facts moved while it waited: " + (", ".join(moved) or "the same numbers, but of others")


def _asks_more(verdict: Verdict, row: ActionRecord) -> bool:
    if verdict.answer.is_alone:
        return False
    return verdict.how_many > row.approvals_needed or not set(verdict.approvers) <= set(row.approver_roles)


async def _proposed_anew(forge: Forge, conn: Connection, row: ActionRecord, again: Again, why: str) -> Proposed:
    """The old request is superseded and a new one stands in its place, in the name of the same proposer, and says why."""
    await writes.withdraw(conn, row.id, ActionState.SUPERSEDED, why)
    evidence: list[Any] = [*row.evidence, {"proposed_anew_because": why, "instead_of": reference(row.id)}]
    key = f"{again.action.operation_key}/after-{row.id}"
    asking = Asking(again.action, again.facts, row.reason, evidence, row.correlation_id, key, supersedes_id=row.id)
    asked = await writes.ask(conn, asking.request, forge.matrix.current.digest)
    if not asked.is_new:
        return as_proposed(await reads.action(conn, asked.action_id))
    return await concluded(forge, conn, asked.action_id, again.action, again.facts, asked)


async def expire_overdue(forge: Forge) -> list[ActionId]:
    """Ends the requests that nobody ruled on in time, and the approvals that were not carried out in time; which ones."""
    async with forge.atlas.transaction(EXECUTOR) as conn:
        overdue = await reads.lapsed(conn)
        for row in overdue:
            why = "nobody ruled on it in time" if row.state is ActionState.WAITING else "it was not carried out in time"
            await writes.withdraw(conn, row.id, ActionState.EXPIRED, why)
            await defer_carrying_out(conn, row.id)
            await nudge_playbook(conn, row.incident_id)
    return [row.id for row in overdue]


async def nudge_playbook(conn: Connection, incident_id: IncidentId | None, not_before: datetime | None = None) -> None:
    """The incident's playbook looks again at what is owed; a burst of nudges is one look."""
    if incident_id is not None:
        lock = f"playbook:{incident_id}"
        queueing = None if not_before else lock
        await defer(conn, "forge.playbook", lock=lock, queueing_lock=queueing, at=not_before, incident_id=incident_id)


async def settle_abandoned(forge: Forge, older_than: timedelta = ABANDONED) -> list[ActionId]:
    """Finishes what a killed process left between two transactions: recorded and not judged, or approved and not carried out."""
    async with forge.atlas.transaction(EXECUTOR) as conn:
        abandoned = await reads.unsettled(conn, older_than)
    for action_id in abandoned:
        try:
            await settle(forge, action_id)
            await carry_out(forge, action_id)
        except (AtlasError, psycopg.Error) as error:
            log.warning("action_not_settled", action_id=action_id, error=type(error).__name__)
    return abandoned
