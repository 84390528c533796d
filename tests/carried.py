"""Carries an action out as Forge does once it is allowed: propose, judge, claim, carry out, finish, in one transaction."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from psycopg import AsyncConnection

from atlas.actions import writes
from atlas.actions.records import ActionState
from atlas.connection import Atlas
from atlas.identity import ActionId, CorrelationId, StaffId
from atlas.principal import executor, in_session, staff
from atlas.statements import Connection
from forge.action import Action
from forge.register import digest, encoded, written_facts
from governance.facts import Facts
from tests import given

TESTS: Final = executor("tests")
APPROVER: Final = "approver"


async def out(atlas: Atlas, action: Action, now: datetime, correlation_id: UUID | None = None) -> dict[str, Any]:
    """The outcome; raises whatever the action raises, and then nothing is kept. The same order given twice is two orders here.

    What disconnects somebody is approved in between: the gate lets nothing of the kind go alone.
    """
    facts = replace(action.facts(), proposed_by=TESTS.reference)
    seal = digest(action, facts)
    async with await AsyncConnection.connect(atlas.url, autocommit=True) as owner:
        matrix = await given.wide_matrix(owner, action.name, approver=APPROVER if facts.is_disconnection else None)
    async with atlas.transaction(TESTS) as conn:
        asked = await writes.ask(conn, _request(action, facts, correlation_id), matrix)
        if asked.state is ActionState.ALLOWED:
            return await _done(conn, action, now)
        assert asked.state is ActionState.WAITING, asked.reason
    await _approved(atlas, asked.action_id, seal)
    async with atlas.transaction(TESTS) as conn:
        await writes.claim(conn, asked.action_id, seal)
        return await _done(conn, action, now)


def _request(action: Action, facts: Facts, correlation_id: UUID | None) -> writes.Request:
    return writes.Request(
        action=action.name,
        arguments=encoded(action),
        facts=written_facts(action, facts),
        digest=digest(action, facts),
        operation_key=uuid4().hex,
        proposed_for=action.for_customer,
        reason="a test",
        evidence="[]",
        correlation_id=CorrelationId(correlation_id or uuid4()),
        incident_id=action.incident_id,
    )


async def _approved(atlas: Atlas, action_id: ActionId, seal: bytes) -> None:
    async with await AsyncConnection.connect(atlas.url, autocommit=True) as owner:
        approver = await given.member(owner, f"Approver {action_id}", APPROVER)
        fingerprint = await given.session(owner, approver)
    async with atlas.transaction(in_session(staff(StaffId(approver), "Approver", frozenset()), fingerprint)) as conn:
        await writes.rule(conn, action_id, is_approval=True, digest_seen=seal, note="")


async def _done(conn: Connection, action: Action, now: datetime) -> dict[str, Any]:
    outcome = await action.carry_out(conn, now)
    await writes.finish(conn, ActionState.DONE, outcome)
    return outcome
