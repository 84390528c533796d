"""The room of orders: what is under way, what will be late, what waits to be mended; and of one order its steps and its whole story."""

import uuid
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from atlas.errors import AtlasError
from atlas.identity import OrderId
from atlas.oms.reads import case_of, fallout_queue, in_jeopardy, orders_under_way, steps_of, story_of
from atlas.oms.rules import checked_reason
from atlas.principal import Role
from console.room import Me, OwnForm, Room, RowId
from console.sign_in import sentence
from forge.actions.oms.orders import ForOrder, GiveUpOrder, MendOrder

# Who lets an order go on, or gives it up; what becomes of it is the matrix's to say.
MAY_MEND = frozenset({Role.CARE_LEAD, Role.NOC_LEAD, Role.OPERATIONS_DIRECTOR})


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])

    @routes.get("/orders")
    async def standing(me: Me = Depends(room.staff)) -> Response:
        """What waits to be mended first, then what will be late, then all that is under way."""
        return await room.page("orders.html", me, "orders", **await list_facts(room, me))

    @routes.get("/orders/list")
    async def region(me: Me = Depends(room.staff)) -> Response:
        return room.region("orders_list.html", **await list_facts(room, me))

    @routes.get("/orders/{order_id}")
    async def one(order_id: RowId, me: Me = Depends(room.staff)) -> Response:
        return await order_page(room, me, order_id)

    @routes.post("/orders/{order_id}/resume")
    async def resume(order_id: RowId, request: Request, me: Me = Depends(OwnForm(room, MAY_MEND))) -> Response:
        """Lets it go on from the step that failed, with another box where one is named."""
        form = await request.form()
        note, serial = str(form.get("note", "")), str(form.get("serial", "")).strip() or None
        return await asked(room, me, order_id, lambda whose, turn: MendOrder(whose, OrderId(order_id), turn, checked_reason(note), serial))

    @routes.post("/orders/{order_id}/give-up")
    async def give_up(order_id: RowId, request: Request, me: Me = Depends(OwnForm(room, MAY_MEND))) -> Response:
        """Takes back all that was done for it."""
        note = str((await request.form()).get("note", ""))
        return await asked(room, me, order_id, lambda whose, turn: GiveUpOrder(whose, OrderId(order_id), turn, checked_reason(note)))

    return routes


async def asked(room: Room, me: Me, order_id: int, made: Any) -> Response:
    """Proposes what `made` makes of the order's customer, and shows the page as it is then."""
    try:
        async with room.forge.atlas.transaction(me.principal) as conn:
            case = await case_of(conn, OrderId(order_id))
        action: ForOrder = made(case.customer_id, f"console:{uuid.uuid4()}")
        done = await room.proposed(me, action, f"order {order_id}")
    except AtlasError as error:
        return await order_page(room, me, order_id, 409, problem=sentence(error))
    return await order_page(room, me, order_id, done=done)


async def list_facts(room: Room, me: Me) -> dict[str, Any]:
    async with room.forge.atlas.transaction(me.principal) as conn:
        return {"fallen": await fallout_queue(conn), "late": await in_jeopardy(conn), "orders": await orders_under_way(conn)}


async def order_page(room: Room, me: Me, order_id: int, status: int = 200, *, problem: str = "", done: str = "") -> Response:
    async with room.forge.atlas.transaction(me.principal) as conn:
        facts = {
            "case": await case_of(conn, OrderId(order_id)),
            "steps": await steps_of(conn, OrderId(order_id)),
            "story": await story_of(conn, OrderId(order_id)),
        }
    return await room.page("order.html", me, "orders", status, problem=problem, done=done, may_mend=me.holds(MAY_MEND), **facts)
