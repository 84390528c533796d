"""Carries an action out as Forge would once it was allowed, without asking governance; and asks a tool as a principal."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from atlas.actions.records import ActionState
from atlas.connection import Atlas
from atlas.identity import ActionId, CorrelationId
from atlas.principal import Principal, executor
from forge.action import Action
from forge.propose import Proposed
from forge.register import digest, encoded
from tests.given import NOW, Owner, row
from tools.turn import Turn


async def carried_out(atlas: Atlas, owner: Owner, action: Action, now: datetime = NOW) -> dict[str, Any]:
    """The outcome. Refuses, keeping nothing, where the action does."""
    seal = digest(action, action.facts())
    allowed = await _allowed(owner, action, seal)
    async with atlas.transaction(executor("test")) as conn:
        await conn.execute("SELECT actions.claim(%s, %s)", (allowed, seal))
        outcome = await action.carry_out(conn, now)
        await conn.execute("SELECT actions.finish('done', '{}', NULL)")
    return outcome


async def _allowed(owner: Owner, action: Action, seal: bytes) -> int:
    made = await row(
        owner,
        "actions.action",
        name=action.name,
        arguments={"text": encoded(action)},
        facts={},
        digest=seal,
        operation_key=uuid.uuid4().hex,
        proposer="system:test",
        reason="a test",
        correlation_id=uuid.uuid4(),
        state="allowed",
    )
    await owner.execute("UPDATE actions.action SET execute_by = now() + interval '1 hour' WHERE id = %s", (made,))
    return made


@asynccontextmanager
async def asking(atlas: Atlas, principal: Principal, now: datetime = NOW) -> AsyncIterator[tuple[Turn, list[Action]]]:
    """A turn as `principal`, and the list of what its tools propose."""
    proposed: list[Action] = []

    async def propose(action: Action, reason: str) -> Proposed:
        proposed.append(action)
        return Proposed(ActionId(len(proposed)), f"A-{len(proposed)}", ActionState.WAITING, reason, (), None)

    async with atlas.transaction(principal) as conn:
        yield Turn(principal, now, conn, CorrelationId(uuid.uuid4()), propose), proposed
