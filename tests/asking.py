"""Asks a tool as a principal: a turn in a real transaction, and what the tool proposed in it."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

from atlas.actions.records import ActionState
from atlas.connection import Atlas
from atlas.identity import ActionId, CorrelationId
from atlas.principal import Assurance, Principal
from forge.action import Action
from forge.propose import Proposed
from tests.given import NOW
from tools.turn import Turn


@asynccontextmanager
async def asking(
    atlas: Atlas, principal: Principal, now: datetime = NOW, level: Assurance = Assurance.VERIFIED
) -> AsyncIterator[tuple[Turn, list[Action]]]:
    """A turn as `principal`, and the list of what its tools propose; proposals are answered as if they waited for a person.

    A customer is known as surely as `level` says.
    """
    proposed: list[Action] = []
    if principal.customer_id is not None:
        principal = replace(principal, assurance=level)

    async def propose(action: Action, reason: str) -> Proposed:
        proposed.append(action)
        return Proposed(ActionId(len(proposed)), f"A-{len(proposed)}", ActionState.WAITING, reason, (), None)

    async with atlas.transaction(principal) as conn:
        yield Turn(principal, now, conn, CorrelationId(uuid.uuid4()), propose), proposed
