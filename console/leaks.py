"""The room of leaks: where billing, provisioning, sessions and inventory do not agree, what it costs, and the order that puts it right.

Beside them stands the money that waits for somebody, who owes money and cannot be told so, and what we owe to those who left.
"""

import uuid
from typing import Any, Final

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from atlas.billing.reads.dunning import owing_and_unreachable
from atlas.billing.reads.leaks import leak, leak_totals, leaks
from atlas.billing.reads.leavers import owed_to_leavers
from atlas.billing.reads.money_in import money_parked, refunds_not_made
from atlas.billing.rules.amounts import total
from atlas.errors import AtlasError
from atlas.identity import CorrelationId
from atlas.principal import Role
from console.room import Me, OwnForm, Room, RowId
from console.sign_in import sentence
from forge.leaks import correction
from forge.propose import propose
from governance.dunning import operators_ladder

# Who asks for a correction; what becomes of it is the matrix's to say.
MAY_ASK = frozenset({Role.BILLING_LEAD, Role.CARE_LEAD, Role.NOC_LEAD, Role.OPERATIONS_DIRECTOR})
# So many of those who cannot be told are listed; how many there are is said.
MOST_LISTED: Final = 50


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])

    @routes.get("/leaks")
    async def standing(me: Me = Depends(room.staff)) -> Response:
        """What does not agree, the dearest first; and money without an owner."""
        return await leaks_page(room, me)

    @routes.get("/leaks/list")
    async def region(me: Me = Depends(room.staff)) -> Response:
        return room.region("leaks_list.html", token=room.form_token(me), **await leak_facts(room, me))

    @routes.post("/leaks/{leak_id}/fix")
    async def fix(leak_id: RowId, me: Me = Depends(OwnForm(room, MAY_ASK))) -> Response:
        """Asks for the order that puts it right."""
        try:
            async with room.forge.atlas.transaction(me.principal) as conn:
                found = await leak(conn, leak_id)
                order = await correction(conn, found, room.forge.now())
            reason = f"leak {leak_id}: {found.kind.value.replace('_', ' ')}"
            asked = await propose(room.forge, me.principal, order, reason=reason, correlation_id=CorrelationId(uuid.uuid4()))
        except AtlasError as error:
            return await leaks_page(room, me, 409, problem=sentence(error))
        return await leaks_page(room, me, done=f"{asked.reference} is {asked.state.value}.")

    return routes


async def leaks_page(room: Room, me: Me, status: int = 200, *, problem: str = "", done: str = "") -> Response:
    facts = await leak_facts(room, me) | await untold_facts(room, me) | await leaver_facts(room, me)
    return await room.page("leaks.html", me, "leaks", status, problem=problem, done=done, **facts)


async def leak_facts(room: Room, me: Me) -> dict[str, Any]:
    async with room.forge.atlas.transaction(me.principal) as conn:
        return {
            "totals": await leak_totals(conn),
            "leaks": await leaks(conn),
            "parked": await money_parked(conn),
            "not_given": await refunds_not_made(conn),
            "may_ask": me.holds(MAY_ASK),
        }


async def untold_facts(room: Room, me: Me) -> dict[str, Any]:
    # Not of the region that is fetched again: every overdue debt is looked at for it.
    async with room.forge.atlas.transaction(me.principal) as conn:
        untold = await owing_and_unreachable(conn, operators_ladder(), room.forge.now())
    return {"untold": untold[:MOST_LISTED], "untold_count": len(untold), "untold_owed": total(one.owed for one in untold)}


async def leaver_facts(room: Room, me: Me) -> dict[str, Any]:
    async with room.forge.atlas.transaction(me.principal) as conn:
        found = await owed_to_leavers(conn, room.forge.now().date())
    return {"leavers": found[:MOST_LISTED], "leaver_count": len(found), "owed_to_them": total(one.owed + one.statement for one in found)}
