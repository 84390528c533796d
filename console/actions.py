"""The room where an action is explained: who asked, why, which rule, who ruled, what was done, link by link of the audit trail."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import ValidationError

from atlas.actions import reads
from atlas.actions.records import ActionRecord
from atlas.actions.rules import reference
from atlas.identity import ActionId
from console.room import Me, Room, RowId
from forge.register import read_facts
from governance.facts import Facts


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])

    @routes.get("/actions")
    async def newest(q: Annotated[str, Query(max_length=24)] = "", me: Me = Depends(room.staff)) -> Response:
        """The newest actions, or the one of a reference."""
        return await room.page("actions.html", me, "actions", q=q, **await listed(room, me, q))

    @routes.get("/actions/list")
    async def region(me: Me = Depends(room.staff)) -> Response:
        return room.region("actions_list.html", **await listed(room, me, ""))

    @routes.get("/actions/{action_id}")
    async def one(action_id: RowId, me: Me = Depends(room.staff)) -> Response:
        """Everything that is on record about one action."""
        return await room.page("action.html", me, "actions", **await explained(room, me, ActionId(action_id)))

    return routes


async def listed(room: Room, me: Me, asked: str) -> dict[str, Any]:
    digits = asked.strip().upper().removeprefix("A-")
    async with room.forge.atlas.transaction(me.principal) as conn:
        found = await reads.newest_actions(conn, 60)
        if digits.isdecimal() and 0 < int(digits) < 2**63:
            found = [one for one in found if one.id == int(digits)] or [await reads.action(conn, ActionId(int(digits)))]
    return {"found": [(reference(one.id), one) for one in found]}


async def explained(room: Room, me: Me, action_id: ActionId) -> dict[str, Any]:
    """One transaction, so that the page contradicts itself nowhere. Raises NotFound."""
    async with room.forge.atlas.transaction(me.principal) as conn:
        action = await reads.action(conn, action_id)
        return {
            "action": action,
            "reference": reference(action_id),
            "facts": facts_of(action),
            "rulings": await reads.rulings(conn, [action_id]),
            "errands": await reads.errands_of_action(conn, action_id),
            "trail": await reads.audit_of_action(conn, action_id),
            "siblings": [one for one in await reads.actions_by_correlation(conn, action.correlation_id) if one.id != action_id],
        }


def facts_of(action: ActionRecord) -> Facts | None:
    """What Forge measured; None where an older release wrote it in another way."""
    try:
        return read_facts(action.facts)
    except ValidationError:
        return None
