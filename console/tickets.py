"""The room of one ticket: its clock, for what it stood still, and the orders that stop it and let it run."""

import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from atlas.errors import AtlasError
from atlas.itsm.reads import clock_of
from atlas.itsm.rules import LONGEST_NOTE, LONGEST_PAUSE, reading
from atlas.principal import Role
from console.room import Me, OwnForm, Room, RowId
from console.sign_in import sentence
from forge.actions.itsm.clocks import ForTicket, PauseClock, ResumeClock

# Who works tickets; what becomes of what they ask for is the matrix's to say.
MAY_STOP: Final = frozenset(
    {Role.CUSTOMER_CARE, Role.CARE_LEAD, Role.NOC_ENGINEER, Role.NOC_LEAD, Role.FIELD_LEAD, Role.OPERATIONS_DIRECTOR}
)
Reason = Annotated[str, Form(max_length=20)]
Note = Annotated[str, Form(max_length=LONGEST_NOTE)]


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])

    @routes.get("/tickets/{ticket_id}")
    async def one(ticket_id: RowId, me: Me = Depends(room.staff)) -> Response:
        """Since when its clock runs, what elapsed, what was paused, what is left."""
        return await ticket_page(room, me, ticket_id)

    @routes.post("/tickets/{ticket_id}/pause")
    async def pause(ticket_id: RowId, reason: Reason, note: Note, me: Me = Depends(OwnForm(room, MAY_STOP))) -> Response:
        """Its clock stands still while it waits for somebody."""
        return await asked(room, me, PauseClock(ticket_id, f"console:{uuid.uuid4()}", reason, note))

    @routes.post("/tickets/{ticket_id}/resume")
    async def resume(ticket_id: RowId, note: Note, me: Me = Depends(OwnForm(room, MAY_STOP))) -> Response:
        """What it waited for is there."""
        return await asked(room, me, ResumeClock(ticket_id, f"console:{uuid.uuid4()}", note))

    return routes


async def asked(room: Room, me: Me, action: ForTicket) -> Response:
    try:
        done = await room.proposed(me, action, f"ticket {action.ticket}")
    except AtlasError as error:
        return await ticket_page(room, me, action.ticket, 409, problem=sentence(error))
    return await ticket_page(room, me, action.ticket, done=done)


async def ticket_page(room: Room, me: Me, ticket_id: int, status: int = 200, *, problem: str = "", done: str = "") -> Response:
    """Raises NotFound."""
    async with room.forge.atlas.transaction(me.principal) as conn:
        clock, pauses = await clock_of(conn, ticket_id)
    facts: dict[str, Any] = {"ticket": clock, "pauses": pauses, "reading": reading(clock, pauses, room.forge.now())}
    standing = next((one for one in pauses if one.resumed_at is None), None)
    may = {"may_stop": me.holds(MAY_STOP), "reasons": LONGEST_PAUSE, "longest_note": LONGEST_NOTE}
    return await room.page("ticket.html", me, "incidents", status, problem=problem, done=done, standing=standing, **may, **facts)
