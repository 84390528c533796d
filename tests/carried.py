"""Carries an action out as Forge does once it is allowed: propose, judge, claim, carry out, finish, in one transaction."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from atlas.actions import writes
from atlas.actions.records import ActionState
from atlas.connection import Atlas
from atlas.identity import CorrelationId
from atlas.principal import executor
from forge.action import Action
from forge.register import digest, encoded, written_facts


async def out(atlas: Atlas, action: Action, now: datetime, correlation_id: UUID | None = None) -> dict[str, Any]:
    """The outcome; raises whatever the action raises, and then nothing is kept. The same order given twice is two orders here."""
    facts = action.facts()
    async with atlas.transaction(executor("tests")) as conn:
        asked = await writes.propose(
            conn,
            name=action.name,
            arguments=encoded(action),
            facts=written_facts(action, facts),
            digest=digest(action, facts),
            operation_key=uuid4().hex,
            proposed_for=action.for_customer,
            reason="a test",
            evidence=(),
            correlation_id=CorrelationId(correlation_id or uuid4()),
            incident_id=action.incident_id,
        )
        await writes.judge(
            conn, asked.action_id, ActionState.ALLOWED, rule="test", reason="a test", matrix_digest="", execute_within=timedelta(hours=1)
        )
        await writes.claim(conn, asked.action_id, digest(action, facts))
        outcome = await action.carry_out(conn, now)
        await writes.finish(conn, ActionState.DONE, outcome)
    return outcome
