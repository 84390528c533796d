"""The room of the catalogue: what is sold and had, what is wrong with it, what another price would do, and the orders that change it."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as InPath
from fastapi.responses import Response

from atlas.catalogue import reads
from atlas.catalogue.records import SimulatedChange
from atlas.catalogue.rules.offers import checked_on_sale
from atlas.catalogue.rules.pricing import checked_amount
from atlas.errors import AtlasError, InvalidField
from atlas.principal import Role
from atlas.statements import Connection
from console.room import Me, OwnForm, Room
from console.sign_in import sentence
from forge.action import Action
from forge.actions.catalogue import ChangePrice, RetireOffering

# Who asks for a change of what is sold; what becomes of it is the matrix's to say.
MAY_ASK: Final = frozenset({Role.BILLING_LEAD, Role.CARE_LEAD, Role.OPERATIONS_DIRECTOR})
ON_SALE: Final = ("active", "launched")
# Whatever an operator calls an offering, in one line: a control character is no part of a name, and PostgreSQL refuses some.
Code = Annotated[str, InPath(pattern=r"^[^\x00-\x1f/]+$", max_length=80)]
LONGEST_AMOUNT: Final = 20
LONGEST_DAY: Final = 10


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])

    @routes.get("/catalogue")
    async def standing(me: Me = Depends(room.staff)) -> Response:
        """Everything there is in the catalogue, what is wrong with it, and what goes with what."""
        return await room.page("catalogue.html", me, "catalogue", **await shelf_facts(room, me))

    @routes.get("/catalogue/{code}")
    async def one(
        code: Code,
        me: Me = Depends(room.staff),
        monthly: str = Query("", max_length=LONGEST_AMOUNT),
        day: str = Query("", max_length=LONGEST_DAY),
    ) -> Response:
        """One offering whole; with `monthly`, what moving everybody who has it to that price would do from `day` on. Changes nothing."""
        return await offering_page(room, me, code, monthly=monthly.strip(), day=day)

    @routes.post("/catalogue/{code}/price")
    async def price(code: Code, request: Request, me: Me = Depends(OwnForm(room, MAY_ASK))) -> Response:
        """Asks to sell it at another price from a day on; whoever has it keeps theirs."""
        form = await request.form()
        monthly, day = str(form.get("monthly", "")), str(form.get("day", ""))

        async def made(conn: Connection) -> Action:
            offering = await reads.offering(conn, code)
            wanted_on = day_of(room, day)
            amount = checked_amount(monthly, room.installation.currency, room.installation.currency, "monthly")
            label = await reads.recurring_label(conn, offering.id, wanted_on)
            return await ChangePrice.of(conn, offering.code, label, amount, wanted_on, room.forge.now())

        return await asked(room, me, code, made)

    @routes.post("/catalogue/{code}/retire")
    async def retire(code: Code, me: Me = Depends(OwnForm(room, MAY_ASK))) -> Response:
        """Asks to take it off sale; whoever has it keeps it."""

        async def made(conn: Connection) -> Action:
            offering = await reads.offering(conn, code)
            checked_on_sale(offering.code, offering.lifecycle_status)
            return RetireOffering(offering.id, offering.code, (await reads.use_of_offering(conn, offering.id)).customers)

        return await asked(room, me, code, made)

    return routes


def day_of(room: Room, written: str) -> date:
    """The day written, today where none is. Raises InvalidField."""
    if not written.strip():
        return room.forge.now().date()
    try:
        return date.fromisoformat(written.strip())
    except ValueError:
        raise InvalidField("day", f"{written[:LONGEST_DAY]!r} is no day; write it as 2026-03-31") from None


async def asked(room: Room, me: Me, code: str, made: Callable[[Connection], Awaitable[Action]]) -> Response:
    """Proposes what `made` makes of the offering as it is, and shows the page as it is then."""
    try:
        async with room.forge.atlas.transaction(me.principal) as conn:
            action = await made(conn)
        done = await room.proposed(me, action, f"offering {code}")
    except AtlasError as error:
        return await offering_page(room, me, code, 409, problem=sentence(error))
    return await offering_page(room, me, code, done=done)


async def shelf_facts(room: Room, me: Me) -> dict[str, Any]:
    today = room.forge.now().date()
    async with room.forge.atlas.transaction(me.principal) as conn:
        shelf = await reads.every_offering(conn, today)
        return {
            "shelf": shelf,
            "on_sale": sum(one.lifecycle_status in ON_SALE for one in shelf),
            "defects": await reads.defects(conn, today),
            "relations": await reads.relations_of(conn, [one.code for one in shelf]),
        }


async def offering_page(
    room: Room,
    me: Me,
    code: str,
    status: int = 200,
    *,
    monthly: str = "",
    day: str = "",
    problem: str = "",
    done: str = "",
) -> Response:
    """Raises NotFound. What is wrong with the price or the day asked about is said on the page itself."""
    facts = await offering_facts(room, me, code)
    simulated = None
    try:
        if monthly:
            simulated = await simulation(room, me, code, monthly, day)
    except AtlasError as error:
        status, problem = 422, sentence(error)
    asked_for = {"monthly": monthly, "day": day or room.forge.now().date().isoformat(), "simulated": simulated}
    return await room.page("offering.html", me, "catalogue", status, problem=problem, done=done, **asked_for, **facts)


async def simulation(room: Room, me: Me, code: str, monthly: str, day: str) -> SimulatedChange:
    """Raises InvalidField, NothingOnSale: there is no such price or day to ask about."""
    wanted_on = day_of(room, day)
    amount = checked_amount(monthly, room.installation.currency, room.installation.currency, "monthly")
    async with room.forge.atlas.transaction(me.principal) as conn:
        offering = await reads.offering(conn, code)
        label = await reads.recurring_label(conn, offering.id, wanted_on)
        return await reads.simulated(conn, offering.code, label, amount, wanted_on)


async def offering_facts(room: Room, me: Me, code: str) -> dict[str, Any]:
    today = room.forge.now().date()
    async with room.forge.atlas.transaction(me.principal) as conn:
        offering = await reads.offering(conn, code)
        versions = await reads.versions_of(conn, offering.id)
        return {
            "offering": offering,
            "versions": [(version, await reads.prices_of(conn, version.id)) for version in versions],
            "today": today,
            "use": await reads.use_of_offering(conn, offering.id),
            "relations": await reads.relations_of(conn, [offering.code]),
            "changes": await reads.allowed_changes(conn, offering.code),
            "defects": [one for one in await reads.defects(conn, today) if one.code == offering.code],
            "is_on_sale": offering.lifecycle_status in ON_SALE,
            "may_ask": me.holds(MAY_ASK),
        }
