"""The room of roles: who holds which now; lending one, giving it back, and taking one in an emergency."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from atlas.errors import NotFound
from atlas.identity import StaffId
from atlas.principal import Principal, Role, in_session
from atlas.staff.reads import members
from console.room import Me, Room, RowId
from console.sign_in import sentence
from forge.access import (
    LONGEST_EMERGENCY,
    LONGEST_LOAN,
    SHORTEST_REASON,
    AccessImpossible,
    AccessRefused,
    Holder,
    break_the_glass,
    give_back,
    holders,
    lend,
    mend_the_glass,
)

Wanted = Annotated[Role, Form()]
Reason = Annotated[str, Form(min_length=SHORTEST_REASON, max_length=500)]
Days = Annotated[int, Form(ge=1, le=LONGEST_LOAN.days)]
Minutes = Annotated[int, Form(ge=1, le=LONGEST_EMERGENCY.seconds // 60)]
Colleague = Annotated[int, Form(ge=1, le=2**63 - 1)]


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])
    atlas = room.forge.atlas

    @routes.get("/access")
    async def standing(me: Me = Depends(room.staff)) -> Response:
        """Who holds what now."""
        return await access_page(room, me)

    @routes.get("/access/list")
    async def region(me: Me = Depends(room.staff)) -> Response:
        return room.region("access_list.html", token=room.form_token(me), **await standing_facts(room, me))

    @routes.post("/access/lend")
    async def lent(role: Wanted, to: Colleague, days: Days, reason: Reason, me: Me = Depends(room.fresh_form)) -> Response:
        """Lends a role of one's own."""
        lasts = timedelta(days=days)
        return await _done(
            room, me, lambda who: lend(atlas, who, StaffId(to), role.value, lasts, reason), f"The role {_said(role)} is lent."
        )

    @routes.post("/access/loans/{number}/end")
    async def given_back(number: RowId, me: Me = Depends(room.fresh_form)) -> Response:
        """Ends a loan."""
        return await _done(room, me, lambda who: give_back(atlas, who, number), "The loan is over.")

    @routes.post("/access/break-glass")
    async def broken(role: Wanted, minutes: Minutes, reason: Reason, me: Me = Depends(room.fresh_form)) -> Response:
        """Takes a role in an emergency, and alarms those who hold it."""
        lasts, done = (
            timedelta(minutes=minutes),
            f"You have the role {_said(role)} for {minutes} minutes. Those who hold it have been told.",
        )
        return await _done(room, me, lambda who: break_the_glass(atlas, who, role.value, lasts, reason), done)

    @routes.post("/access/emergencies/{number}/end")
    async def mended(number: RowId, me: Me = Depends(room.fresh_form)) -> Response:
        """Ends an emergency before its time."""
        return await _done(room, me, lambda who: mend_the_glass(atlas, who, number), "The emergency is over.")

    return routes


async def _done(room: Room, me: Me, work: Callable[[Principal], Awaitable[object]], done: str) -> Response:
    """Does it by the very sign-in of this browser; the page says what became of it."""
    try:
        await work(in_session(me.principal, me.token.fingerprint))
    except AccessRefused as error:
        return await access_page(room, me, 403, problem=sentence(error))
    except AccessImpossible as error:
        return await access_page(room, me, 422, problem=sentence(error))
    except NotFound as error:
        return await access_page(room, me, 409, problem=sentence(error))
    return await access_page(room, me, done=done)


async def access_page(room: Room, me: Me, status: int = 200, *, problem: str = "", done: str = "") -> Response:
    facts = await standing_facts(room, me)
    return await room.page("access.html", me, "access", status, problem=problem, done=done, **facts)


async def standing_facts(room: Room, me: Me) -> dict[str, Any]:
    async with room.forge.atlas.transaction(me.principal) as conn:
        held, colleagues = await holders(conn), await members(conn)
    mine = me.signed_in.staff_id
    return {
        "mine": mine,
        "my_roles": sorted(one.role for one in held if one.staff_id == mine and one.by == "own" and one.role != Role.AUDITOR),
        "others_roles": sorted({one.role for one in held if one.role != Role.AUDITOR} - {one.role for one in held if one.staff_id == mine}),
        "colleagues": [one for one in colleagues if one.staff_id != mine],
        "by_role": [(role, list(who)) for role, who in groupby(held, key=_role)],
        "emergencies": [one for one in held if one.by == "emergency"],
        "is_director": me.holds(frozenset({Role.OPERATIONS_DIRECTOR})),
        "shortest": SHORTEST_REASON,
    }


def _role(one: Holder) -> str:
    return one.role


def _said(role: Role) -> str:
    return role.value.replace("_", " ")
