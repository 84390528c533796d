"""The one way in: record what is asked, let governance judge it, and carry it out at once where it may be."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
from psycopg.errors import DeadlockDetected, SerializationFailure
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from atlas.actions import reads, writes
from atlas.actions.records import ActionRecord, ActionState, Judgement
from atlas.actions.rules import reference
from atlas.actions.writes import Request
from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.identity import ActionId, CorrelationId
from atlas.jobs import defer
from atlas.principal import NotPermittedHere, Principal, Zone, executor
from atlas.statements import Connection
from atlas.tracing import root_of, spanned
from forge.action import Action
from forge.matrix_in_force import read_in_force
from forge.register import ActionUnreadable, Register, digest, encoded, written_facts
from forge.verdicts import VerdictsDiffer, agreed
from governance.facts import Facts
from governance.rows import Matrix

EXECUTOR: Final = executor("forge")

# PostgreSQL's classes of error: connection, transaction rollback, resources, operator's intervention, system.
TROUBLE: Final = ("08", "40", "53", "57", "58")

# What the gate says where it holds another matrix than the one we judge by.
ANOTHER_MATRIX: Final = "the gate holds another matrix"


@dataclass
class MatrixInForce:
    """The escalation matrix of this moment; the operator's edit takes its place as a whole, or not at all."""

    current: Matrix


@dataclass(frozen=True)
class Forge:
    """What Forge works with. `now` is the clock; `timezone` is the operator's, in which quiet hours are meant."""

    atlas: Atlas
    register: Register
    matrix: MatrixInForce
    now: Callable[[], datetime]
    timezone: ZoneInfo

    def __post_init__(self) -> None:
        self.register.agree_with(self.matrix.current)

    def put_in_force(self, matrix: Matrix) -> None:
        """Judges by this matrix from now on. Raises MatrixAndRegisterDisagree, and then keeps the one before."""
        self.register.agree_with(matrix)
        self.matrix.current = matrix


@dataclass(frozen=True)
class Proposed:
    """What became of a proposal. `reference` is how people name it; `outcome` is there once it was carried out.

    `is_new`: nobody had asked for it before. `failure_kind`: by which error it failed just now, for whoever words it.
    """

    action_id: ActionId
    reference: str
    state: ActionState
    verdict_reason: str
    approver_roles: tuple[str, ...]
    outcome: dict[str, Any] | None
    failure: str | None = None
    is_new: bool = False
    failure_kind: str = ""


# How the gate begins the reason of what it refused for a switch.
SWITCHED_OFF: Final = "switched off: "

Afterwards = Callable[[Connection, Proposed], Awaitable[None]]


@dataclass(frozen=True)
class Asking:
    """One request on its way to the table: what is asked, by whom, why, and the facts that will be judged."""

    action: Action
    facts: Facts
    reason: str
    evidence: Sequence[Any]
    correlation_id: CorrelationId
    operation_key: str
    supersedes_id: ActionId | None = None

    @cached_property
    def arguments(self) -> str:
        return encoded(self.action)

    @cached_property
    def digest(self) -> bytes:
        return digest(self.action, self.facts, self.arguments)

    @property
    def request(self) -> Request:
        return Request(
            action=self.action.name,
            arguments=self.arguments,
            facts=written_facts(self.action, self.facts),
            digest=self.digest,
            operation_key=self.operation_key,
            proposed_for=self.action.for_customer,
            reason=self.reason,
            evidence=json.dumps(list(self.evidence), default=str),
            correlation_id=self.correlation_id,
            incident_id=self.action.incident_id,
            supersedes_id=self.supersedes_id,
            rests_on=json.dumps(self.action.rests_on),
        )


@spanned("propose", lambda _, __, action, *, correlation_id, **___: (root_of(correlation_id), {"bedrock.action": action.name}))
async def propose(
    forge: Forge,
    principal: Principal,
    action: Action,
    *,
    reason: str,
    correlation_id: CorrelationId,
    evidence: Sequence[Any] = (),
    tries: int = 1,
    then: Afterwards | None = None,
    operation_key: str | None = None,
) -> Proposed:
    """Asks for `action` as `principal`; what became of it. The same operation asked again answers what became of the first, but for one
    to which nobody said no: what lapsed, where a person asks, and what was switched off, once it no longer is.

    Allowed: it is done when this returns, or failed with nothing kept. Critical: it waits for a person, and other work goes on.
    `operation_key`: another name for the operation than its own, where several are steps of something larger.
    `tries`: how often an operation that failed may be asked for again under its own name. `then` runs in the very transaction that
    carried it out (for parts of the system only).
    """
    if not is_theirs_to_ask(action, principal.reference):
        raise NotPermittedHere(f"{principal.reference} asks for nothing on behalf of another customer")
    facts = facts_of(forge, action, principal.reference)
    asking = Asking(action, facts, reason, evidence, correlation_id, operation_key or action.operation_key)
    proposed = await _proposed(forge, principal, asking, then)
    for attempt in range(2, tries + 1):
        if proposed.state is not ActionState.FAILED or proposed.is_new:
            break
        again = replace(asking, operation_key=f"{asking.operation_key}/try-{attempt}", supersedes_id=proposed.action_id)
        proposed = await _proposed(forge, principal, again, then)
    while not proposed.is_new and await _may_be_asked_anew(forge, principal, proposed):
        again = replace(asking, operation_key=f"{asking.operation_key}/after-{proposed.action_id}")
        proposed = await _proposed(forge, principal, again, then)
    return proposed


async def _may_be_asked_anew(forge: Forge, principal: Principal, proposed: Proposed) -> bool:
    """Nobody said no to it: it lapsed, and a person asks again; or it was refused by a switch that is released by now.

    A part of the system that asks again and again does not nag. While a switch is on, whoever asks is told of the one refusal.
    """
    if proposed.state is ActionState.EXPIRED:
        return principal.zone is not Zone.EXECUTOR
    if proposed.state is not ActionState.REFUSED or not proposed.verdict_reason.startswith(SWITCHED_OFF):
        return False
    async with forge.atlas.transaction(EXECUTOR) as conn:
        return not await reads.is_stopped(conn, proposed.action_id)


async def _proposed(forge: Forge, principal: Principal, asking: Asking, then: Afterwards | None) -> Proposed:
    if principal.zone is Zone.EXECUTOR:
        return await _in_one_transaction(forge, principal, asking, then)
    async with forge.atlas.transaction(principal) as conn:
        asked = await writes.propose(conn, asking.request)
    return await settle(forge, asked.action_id)


# The whole transaction again, and only where PostgreSQL says that two of them crossed.
CROSSED: Final = retry(
    retry=retry_if_exception_type((SerializationFailure, DeadlockDetected)),
    stop=stop_after_attempt(5),
    wait=wait_random_exponential(multiplier=0.01, max=0.3),
    reraise=True,
)


async def _in_one_transaction(forge: Forge, principal: Principal, asking: Asking, then: Afterwards | None) -> Proposed:
    try:
        return await _recorded_and_done(forge, principal, asking, then)
    except VerdictsDiffer as error:
        async with forge.atlas.transaction(principal) as conn:
            asked = await writes.propose(conn, asking.request)
            return await _refused(forge, conn, asked.action_id, error)


@CROSSED
async def _recorded_and_done(forge: Forge, principal: Principal, asking: Asking, then: Afterwards | None) -> Proposed:
    async with on_matrix_in_force(forge), forge.atlas.transaction(principal) as conn:
        asked = await writes.ask(conn, asking.request, forge.matrix.current.digest)
        if asked.is_new:
            proposed = await concluded(forge, conn, asked.action_id, asking.action, asking.facts, asked)
            if then is not None and proposed.state is ActionState.DONE:
                await then(conn, proposed)
            return replace(proposed, is_new=True)
    return await settle(forge, asked.action_id)


@asynccontextmanager
async def on_matrix_in_force(forge: Forge) -> AsyncIterator[None]:
    """Where the gate turns out to hold another matrix than ours, reads that one before the transaction is tried again."""
    try:
        yield
    except SerializationFailure as error:
        if error.diag.message_primary == ANOTHER_MATRIX:
            async with forge.atlas.transaction(EXECUTOR) as conn:
                held = await read_in_force(conn)
            if held is not None:
                forge.put_in_force(held)
        raise


async def settle(forge: Forge, action_id: ActionId) -> Proposed:
    """Brings an action as far as it goes without a person: judges what was only recorded, carries out what was only allowed."""
    try:
        return await _settled(forge, action_id)
    except VerdictsDiffer as error:
        async with forge.atlas.transaction(EXECUTOR) as conn:
            return await _refused(forge, conn, action_id, error)


@CROSSED
async def _settled(forge: Forge, action_id: ActionId) -> Proposed:
    async with on_matrix_in_force(forge), forge.atlas.transaction(EXECUTOR) as conn:
        row = await reads.action_held(conn, await reads.newest_of(conn, action_id))
        if row.state is not ActionState.PROPOSED:
            return as_proposed(row)
        try:
            action = forge.register.decoded(row.name, row.arguments)
        except ActionUnreadable as error:
            return await given_up(conn, row, str(error))
        # Whoever wrote the row may have written anything: what it touches is measured here, never believed.
        try:
            action = await action.refreshed(conn, forge.now())
        except AtlasError as error:
            return await given_up(conn, row, str(error))
        facts = facts_of(forge, action, row.proposer)
        if wrong := _not_as_asked(row, action, facts):
            return await given_up(conn, row, wrong)
        judged = await writes.judge(conn, row.id, forge.matrix.current.digest, take=True)
        return await concluded(forge, conn, row.id, action, facts, judged)


def _not_as_asked(row: ActionRecord, action: Action, facts: Facts) -> str | None:
    """What is wrong with a row that somebody at another door wrote: its facts are taken from its arguments again, and must be the same."""
    if not is_theirs_to_ask(action, row.proposer):
        return "it is for somebody else than whoever asked"
    if digest(action, facts) != row.digest or json.loads(written_facts(action, facts)) != json.loads(row.facts):
        return "its facts moved before it was judged"
    return None


def is_theirs_to_ask(action: Action, proposer: str) -> bool:
    """Whoever comes by the customers' door asks for themselves alone, and a stranger for nobody."""
    if not proposer.startswith("customer:"):
        return True
    named = {*action.touched_customers, *(() if action.for_customer is None else (action.for_customer,))}
    return all(proposer == f"customer:{customer}" for customer in named)


async def given_up(conn: Connection, row: ActionRecord, why: str) -> Proposed:
    """Ends an action that cannot be done as it stands, and says why."""
    await writes.withdraw(conn, row.id, ActionState.FAILED, why)
    return replace(as_proposed(row), state=ActionState.FAILED, failure=why)


async def _refused(forge: Forge, conn: Connection, action_id: ActionId, error: VerdictsDiffer) -> Proposed:
    await writes.refuse(conn, action_id, rule="verdicts-differ", reason=str(error), matrix_digest=forge.matrix.current.digest)
    return as_proposed(await reads.action(conn, action_id))


async def concluded(forge: Forge, conn: Connection, action_id: ActionId, action: Action, facts: Facts, judged: Judgement) -> Proposed:
    """What follows from the verdict. Allowed, and by now taken: carried out in this very transaction. Critical: left waiting, with a job
    that starts its graph. Raises VerdictsDiffer, and then nothing is kept.
    """
    verdict = agreed(facts, forge.matrix.current, judged)
    state = judged.state or ActionState.REFUSED
    answer = Proposed(action_id, reference(action_id), state, verdict.reason, tuple(verdict.approvers), None)
    if state is ActionState.WAITING:
        await defer_carrying_out(conn, action_id)
    if state is not ActionState.ALLOWED:
        return answer
    return await carried_out(conn, answer, action, forge.now())


async def carried_out(conn: Connection, answer: Proposed, action: Action, now: datetime) -> Proposed:
    """Carries out and finishes what this transaction has taken. What fails on the way is undone to the last row, and the reason is kept."""
    try:
        async with conn.transaction():
            outcome = await action.carry_out(conn, now)
    except Exception as error:  # Forge is the door behind which actions run: whatever they raise is their failure, and stays with them
        if _is_the_databases_trouble(error):
            raise
        failure = _said(error)
        await writes.finish(conn, ActionState.FAILED, {}, failure)
        return replace(answer, state=ActionState.FAILED, failure=failure, failure_kind=type(error).__name__)
    await writes.finish(conn, ActionState.DONE, outcome)
    return replace(answer, state=ActionState.DONE, outcome=outcome)


async def defer_carrying_out(conn: Connection, action_id: ActionId) -> None:
    """Leaves the job that takes the action's graph to where its row stands."""
    await defer(conn, "forge.carry_out", lock=f"action:{action_id}", action_id=action_id)


def facts_of(forge: Forge, action: Action, proposer: str) -> Facts:
    """What the action says of itself, with what only Forge knows: who asks, whether they gain by it, and the hour."""
    gains = action.for_customer is not None and proposer == f"customer:{action.for_customer}"
    facts = action.facts()
    local = forge.now().astimezone(forge.timezone).time()
    return replace(
        facts,
        proposed_by=proposer,
        benefits_proposer=facts.benefits_proposer or gains,
        in_quiet_hours=forge.matrix.current.quiet_hours.cover(local),
    )


def as_proposed(row: ActionRecord) -> Proposed:
    return Proposed(row.id, reference(row.id), row.state, row.verdict_reason or "", row.approver_roles, row.outcome, row.failure)


def _is_the_databases_trouble(error: Exception) -> bool:
    """Crossed, cut off, shut down or out of room: it says nothing of the action, and the whole transaction is tried again."""
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate is None or error.sqlstate[:2] in TROUBLE)


def _said(error: Exception) -> str:
    """AtlasErrors are safe to show; of anything else only its kind and, from PostgreSQL, the first line without values."""
    if isinstance(error, AtlasError):
        return str(error)
    if isinstance(error, psycopg.Error):
        return f"{type(error).__name__}: {error.diag.message_primary or 'refused by the database'}"
    return type(error).__name__
