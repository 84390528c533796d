"""The room of the glass: every cable, what each of its strands is spliced to, and who goes dark where it is cut."""

from collections.abc import Sequence
from itertools import groupby
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from fastapi import Path as InPath
from fastapi.responses import Response

from atlas.cmdb import reads
from atlas.cmdb.records.fibre import LineLit
from atlas.cmdb.rules import strands_meant
from atlas.errors import InvalidField
from console.room import Me, Room
from console.sign_in import sentence

# A page that is read, not a list to be exported: whoever looks for one of more says a part of its name.
MOST_CABLES: Final = 200
MOST_LINES: Final = 100
LONGEST_FIND: Final = 100
Cable = Annotated[str, InPath(pattern=r"^[^\x00-\x1f/]+$", max_length=100)]


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])

    @routes.get("/glass")
    async def cables(me: Me = Depends(room.staff), find: str = Query("", max_length=LONGEST_FIND, pattern=r"^[^\x00]*$")) -> Response:
        """Every cable, or those with `find` in their name, in that of an end or of the conduit that they lie in."""
        async with room.forge.atlas.transaction(me.principal) as conn:
            found = await reads.cables_in_use(conn, find.strip(), MOST_CABLES + 1)
        facts: dict[str, Any] = {"cables": found[:MOST_CABLES], "are_more": len(found) > MOST_CABLES, "find": find.strip()}
        return await room.page("glass.html", me, "glass", **facts)

    @routes.get("/glass/{cable}")
    async def one(
        cable: Cable, me: Me = Depends(room.staff), cut: str = Query("", max_length=LONGEST_FIND, pattern=r"^[^\x00]*$")
    ) -> Response:
        """One cable by tube and strand. With `cut` (`all`, `1-12`, `15`, a colour of a tube): who goes dark. Changes nothing."""
        async with room.forge.atlas.transaction(me.principal) as conn:
            found, strands = await reads.cable_named(conn, cable), await reads.strands_of_cable(conn, cable)
            problem, lit = "", None
            try:
                meant = strands_meant("" if cut == "all" else cut, found) if cut else []
                lit = await reads.lines_lit(conn, cable, meant) if meant else None
            except InvalidField as error:
                problem = sentence(error)
        tubes = [(tube, list(inside)) for tube, inside in groupby(strands, key=lambda strand: (strand.tube, strand.tube_colour))]
        facts = {"cable": found, "tubes": tubes, "cut": cut, "dark": None if lit is None else dark(lit)}
        return await room.page("glass_cable.html", me, "glass", 422 if problem else 200, problem=problem, **facts)

    return routes


def dark(lit: Sequence[LineLit]) -> dict[str, Any]:
    """Each line once, by the first strand that its light comes through; and how many of their customers are to be thought of first."""
    lines = list({one.subscriber_id: one for one in sorted(lit, key=lambda one: -one.strand)}.values())
    whose = {one.customer_id: one for one in lines}.values()
    return {
        "lines": sorted(lines, key=lambda one: (one.strand, one.splitter, one.leg or 0))[:MOST_LINES],
        "count": len(lines),
        "customers": len(whose),
        "vulnerable": sum(one.is_vulnerable for one in whose),
        "emergency": sum(one.has_emergency_line for one in whose),
        "businesses": sum(one.is_business for one in whose),
    }
