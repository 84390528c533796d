"""Actions, for programs that account for what was done: /api/v1/actions."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from api.rest.answers import NOT_THERE, PROBLEMS
from api.rest.guard import TokenOnly
from atlas.actions import reads
from atlas.actions.records import ActionRecord
from atlas.actions.rules import reference
from atlas.connection import Atlas
from atlas.identity import ActionId
from atlas.principal import Principal
from console.room import RowId
from forge.api_tokens import Keyring, Scope

MOST = 200


class ActionShown(BaseModel):
    """What was asked, by whom, by which rule it went, and what became of it; not whom it concerned."""

    id: int
    reference: str
    name: str
    state: str
    proposer: str
    proposed_at: datetime
    rule: str
    incident_id: int | None
    correlation_id: str

    @classmethod
    def of(cls, action: ActionRecord) -> "ActionShown":
        return cls(
            id=action.id,
            reference=reference(action.id),
            name=action.name,
            state=action.state.value,
            # A customer's number is theirs: a program learns that a customer asked, not which.
            proposer="customer" if action.proposer.startswith("customer:") else action.proposer,
            proposed_at=action.proposed_at,
            rule=action.rule or "",
            incident_id=action.incident_id,
            correlation_id=str(action.correlation_id),
        )


def router(atlas: Atlas, keys: Keyring) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["actions"], responses=PROBLEMS)
    reader = TokenOnly(keys, Scope.ACTIONS_READ)

    @routes.get("/actions")
    async def actions(most: Annotated[int, Query(ge=1, le=MOST)] = 50, me: Principal = Depends(reader)) -> list[ActionShown]:
        """The newest actions, whatever became of them."""
        async with atlas.transaction(me) as conn:
            return [ActionShown.of(one) for one in await reads.newest_actions(conn, most)]

    @routes.get("/actions/{action_id}", responses=NOT_THERE)
    async def action(action_id: RowId, me: Principal = Depends(reader)) -> ActionShown:
        """One action."""
        async with atlas.transaction(me) as conn:
            return ActionShown.of(await reads.action(conn, ActionId(action_id)))

    return routes
