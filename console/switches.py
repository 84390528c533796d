"""The room where something is stopped at once, and by few let run again."""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from atlas.modules import MODULES
from console.room import Me, Room
from console.sign_in import sentence
from forge.switches import MAY_RELEASE, Switch, SwitchRefused, release, stop, switches

CHANNELS: Final = ("sms", "whatsapp", "voice", "email", "chat")
Scope = Annotated[Literal["action", "agent", "channel"], Form()]
Name = Annotated[str, Form(min_length=1, max_length=100, pattern=r"^(\*|[a-z][a-z0-9_+]*)$")]
Reason = Annotated[str, Form(min_length=3, max_length=500)]


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])

    @routes.get("/switches")
    async def standing(me: Me = Depends(room.staff)) -> Response:
        """What is stopped, and what can be."""
        return await switches_page(room, me)

    @routes.get("/switches/list")
    async def region(me: Me = Depends(room.staff)) -> Response:
        return room.region("switches_list.html", token=room.form_token(me), **await standing_facts(room, me))

    @routes.post("/switches/stop")
    async def stopped(scope: Scope, name: Name, reason: Reason, me: Me = Depends(room.form)) -> Response:
        """Stops it, everywhere, within a second."""
        await stop(room.forge.atlas, me.principal, scope, name, reason)
        return await switches_page(room, me, done=f"Stopped: {said(scope, name)}.")

    @routes.post("/switches/release")
    async def released(scope: Scope, name: Name, reason: Reason, me: Me = Depends(room.form)) -> Response:
        """Lets it run again."""
        try:
            await release(room.forge.atlas, me.principal, scope, name, reason)
        except SwitchRefused as error:
            return await switches_page(room, me, 403, problem=sentence(error))
        return await switches_page(room, me, done=f"Running again: {said(scope, name)}.")

    return routes


async def switches_page(room: Room, me: Me, status: int = 200, *, problem: str = "", done: str = "") -> Response:
    known = {"action": sorted(room.forge.matrix.current.actions), "agent": list(MODULES), "channel": list(CHANNELS)}
    facts = await standing_facts(room, me)
    return await room.page("switches.html", me, "switches", status, problem=problem, done=done, known=known, **facts)


async def standing_facts(room: Room, me: Me) -> dict[str, Any]:
    async with room.forge.atlas.transaction(me.principal) as conn:
        found = await switches(conn)
    return {"stopped": _which(found, is_on=True), "released": _which(found, is_on=False), "may_release": me.holds(MAY_RELEASE)}


def _which(found: Iterable[Switch], *, is_on: bool) -> list[Switch]:
    return [one for one in found if one.is_on is is_on]


def said(scope: str, name: str) -> str:
    return f"every {scope}" if name == "*" else f"the {scope} {name.replace('_', ' ')}"
