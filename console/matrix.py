"""The room where an edit of the escalation matrix is tried out: which decisions would change, before anybody saves it."""

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from atlas.principal import Role
from console.room import Me, OwnForm, Room, StaffOnly
from console.words import spoken
from governance.differences import Difference, differences
from governance.matrix import MatrixRefused, load
from governance.rows import Hours, Row

# Who answers for what is allowed, and who checks them.
READERS: Final = frozenset({Role.OPERATIONS_DIRECTOR, Role.AUDITOR, Role.NOC_LEAD, Role.BILLING_LEAD, Role.CARE_LEAD, Role.FIELD_LEAD})
LONGEST: Final = 120_000
# Every combination of boundary values is judged, a third of a second of a core: one at a time.
JUDGING: Final = asyncio.Semaphore(1)


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])

    @routes.get("/matrix")
    async def shown(me: Me = Depends(StaffOnly(room, READERS))) -> Response:
        """The matrix in force, and a place to try an edit of it."""
        return await matrix_page(room, me)

    @routes.post("/matrix/compare")
    async def compared(text: Annotated[str, Form(max_length=LONGEST)], me: Me = Depends(OwnForm(room, READERS))) -> Response:
        """Which decisions the edit would change; nothing is saved."""
        try:
            changed = await changes(room, text)
        except MatrixRefused as error:
            return await matrix_page(room, me, 422, text=text, problem=str(error))
        return await matrix_page(room, me, text=text, changed=changed)

    return routes


async def changes(room: Room, text: str) -> list[Difference]:
    """Raises MatrixRefused."""
    async with JUDGING:
        new = await asyncio.to_thread(load, text)
        return await asyncio.to_thread(differences, room.forge.matrix.current, new)


async def matrix_page(
    room: Room, me: Me, status: int = 200, *, text: str = "", problem: str = "", changed: list[Difference] | None = None
) -> Response:
    matrix = room.forge.matrix.current
    rows = [(row, conditions(row)) for row in matrix.rows]
    facts: dict[str, Any] = {
        "rows": rows,
        "allowances": matrix.allowances,
        "digest": matrix.digest[:12],
        "text": text or matrix.source,
        "problem": problem,
        "changed": changed,
    }
    return await room.page("matrix.html", me, "matrix", status, **facts)


def conditions(row: Row) -> list[str]:
    """What must hold for a row to cover an action, as short phrases; none: it covers all that reach it."""
    bounds = (
        ("money", row.money_up_to),
        ("each", row.money_each_up_to),
        ("customers", row.customers_up_to),
        ("devices", row.devices_up_to),
    )
    said = [f"{name} up to {most}" for name, most in (*bounds, ("crews", row.crews_up_to)) if most is not None]
    if row.device_tier_up_to is not None:
        said.append(f"up to {row.device_tier_up_to.name.lower()}")
    if row.least_confidence is not None:
        said.append(f"{row.least_confidence:.0%} sure at least")
    if row.hours is not Hours.ANY:
        said.append(f"{row.hours.value} hours")
    circumstances = ("incident_confirmed", "vulnerable", "emergency_line", "disputed")
    return said + [f"{'' if getattr(row, name) else 'not '}{spoken(name)}" for name in circumstances if getattr(row, name) is not None]
