"""The room of what nobody can say became of it: effects outside whose fate is unknown, and work that was given up."""

from typing import Annotated, Any, Final, Literal

import psycopg
from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from atlas.errors import NotFound
from atlas.jobs import parked, retry_parked
from atlas.principal import Role, executor, in_session
from console.room import Me, OwnForm, Room, RowId
from console.sign_in import sentence
from forge.doubts import in_doubt, settle

CONSOLE: Final = executor("console")
# Who lets work begin anew that failed again and again.
MAY_RETRY: Final = frozenset({Role.NOC_LEAD, Role.OPERATIONS_DIRECTOR})
Reference = Annotated[str, Form(max_length=24, pattern=r"^[NESnes]-[0-9]{1,18}$")]
Note = Annotated[str, Form(min_length=3, max_length=500)]


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])

    @routes.get("/doubts")
    async def waiting(me: Me = Depends(room.staff)) -> Response:
        """What waits for somebody to find out."""
        return await doubts_page(room, me)

    @routes.get("/doubts/list")
    async def region(me: Me = Depends(room.staff)) -> Response:
        return room.region("doubts_list.html", token=room.form_token(me), **await waiting_facts(room, me))

    @routes.post("/doubts/settle")
    async def settled(
        reference: Reference, happened: Annotated[Literal["yes", "no"], Form()], note: Note, me: Me = Depends(room.fresh_form)
    ) -> Response:
        """It happened, or it did not and is done again from the beginning."""
        try:
            async with room.forge.atlas.transaction(in_session(me.principal, me.token.fingerprint)) as conn:
                await settle(conn, reference, happened=happened == "yes", note=note)
        except psycopg.errors.InsufficientPrivilege as refusal:
            return await doubts_page(
                room, me, 403, problem=(refusal.diag.message_primary or "this is not yours to settle").capitalize() + "."
            )
        except NotFound as error:
            return await doubts_page(room, me, 409, problem=sentence(error))
        return await doubts_page(room, me, done=f"{reference.upper()} is settled.")

    @routes.post("/doubts/jobs/{job_id}/retry")
    async def again(job_id: RowId, me: Me = Depends(OwnForm(room, MAY_RETRY))) -> Response:
        """Lets work that was given up begin anew."""
        async with room.forge.atlas.transaction(CONSOLE) as conn:
            if not await retry_parked(conn, job_id):
                raise NotFound("parked job", job_id)
        return await doubts_page(room, me, done=f"Job {job_id} begins anew.")

    return routes


async def doubts_page(room: Room, me: Me, status: int = 200, *, problem: str = "", done: str = "") -> Response:
    return await room.page("doubts.html", me, "doubts", status, problem=problem, done=done, **await waiting_facts(room, me))


async def waiting_facts(room: Room, me: Me) -> dict[str, Any]:
    async with room.forge.atlas.transaction(me.principal) as conn:
        doubts = await in_doubt(conn)
    async with room.forge.atlas.transaction(CONSOLE) as conn:
        jobs = await parked(conn)
    return {"doubts": doubts, "jobs": jobs, "may_retry": me.holds(MAY_RETRY)}
