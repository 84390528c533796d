"""The room of one customer: what they have and owe, what passed between us, whether their line is down, and add-ons ordered for them."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import Response

from atlas.billing.reads.bills import bill_of_month, months_billed
from atlas.crm.reads import customer_page, customers_like
from atlas.crm.records import Contact, CustomerPage, Purpose
from atlas.errors import AtlasError
from atlas.identity import CustomerId, SubscriberId
from atlas.oms.reads import add_ons
from atlas.oms.records import AddOn
from atlas.principal import Role
from atlas.statements import Connection
from console.room import Me, OwnForm, Room, RowId
from console.sign_in import sentence
from forge.actions.oms.add_ons import ForAddOn, OrderAddOn, OrderEndOfAddOn, held_add_on, new_add_on

Search = Annotated[str, Query(max_length=100)]
Code = Annotated[str, Form(pattern=r"^[^\x00-\x1f]+$", max_length=80)]
Line = Annotated[int, Form(ge=1, le=2**63 - 1)]
# Who orders for a customer whom they speak with; what becomes of it is the matrix's to say.
MAY_ORDER: Final = frozenset({Role.CUSTOMER_CARE, Role.CARE_LEAD, Role.OPERATIONS_DIRECTOR})
Finding = Callable[[Connection, CustomerId, str, date, SubscriberId | None], Awaitable[AddOn]]


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])

    @routes.get("/customers")
    async def search(q: Search = "", me: Me = Depends(room.staff)) -> Response:
        async with room.forge.atlas.transaction(me.principal) as conn:
            found = await customers_like(conn, q) if q.strip() else []
        return await room.page("customers.html", me, "customers", q=q, found=found)

    @routes.get("/customers/{customer_id}")
    async def one(customer_id: RowId, me: Me = Depends(room.staff)) -> Response:
        return await room.page("customer.html", me, "customers", **await facts_of(room, me, CustomerId(customer_id)))

    @routes.get("/customers/{customer_id}/page")
    async def region(customer_id: RowId, me: Me = Depends(room.staff)) -> Response:
        return room.region("customer_page.html", **await facts_of(room, me, CustomerId(customer_id)))

    @routes.post("/customers/{customer_id}/add-ons")
    async def order(customer_id: RowId, add_on: Code, line: Line, me: Me = Depends(OwnForm(room, MAY_ORDER))) -> Response:
        """An add-on for one line of theirs, from today."""
        return await asked(room, me, (CustomerId(customer_id), SubscriberId(line)), add_on, (new_add_on, OrderAddOn.of))

    @routes.post("/customers/{customer_id}/add-ons/end")
    async def end(customer_id: RowId, add_on: Code, line: Line, me: Me = Depends(OwnForm(room, MAY_ORDER))) -> Response:
        """An add-on of one line ends today; the line stays."""
        return await asked(room, me, (CustomerId(customer_id), SubscriberId(line)), add_on, (held_add_on, OrderEndOfAddOn.of))

    return routes


async def asked(
    room: Room, me: Me, whose: tuple[CustomerId, SubscriberId], code: str, how: tuple[Finding, Callable[[AddOn, date], ForAddOn]]
) -> Response:
    """Proposes what is made of the add-on as it is, and shows the customer as they are then."""
    (customer, line), (found, made), today = whose, how, room.forge.now().date()
    status, problem, done = 200, "", ""
    try:
        async with room.forge.atlas.transaction(me.principal) as conn:
            action = made(await found(conn, customer, code, today, line), today)
        done = await room.proposed(me, action, f"{code} for line {line}")
    except AtlasError as error:
        status, problem = 409, sentence(error)
    facts = await facts_of(room, me, customer)
    return await room.page("customer.html", me, "customers", status, **{**facts, "problem": problem, "done": done})


async def facts_of(room: Room, me: Me, customer_id: CustomerId) -> dict[str, Any]:
    """Everything on the page, in one transaction. Raises NotFound."""
    now = room.forge.now()
    async with room.forge.atlas.transaction(me.principal) as conn:
        page = await customer_page(conn, customer_id, now)
        months = await months_billed(conn, customer_id, most=6)
        bills = [await bill_of_month(conn, customer_id, month) for month in months]
        extras = await add_ons(conn, customer_id, now.date())
    return {
        "extras": extras,
        "may_order": me.holds(MAY_ORDER),
        "token": room.form_token(me),
        "problem": "",
        "done": "",
        "page": page,
        "customer": page.customer,
        "bills": [bill for bill in bills if bill is not None],
        "opted_out": {contact.id for contact in page.contacts if is_opted_out(page, contact)},
    }


def is_opted_out(page: CustomerPage, contact: Contact) -> bool:
    return any(not word.is_given and word.channel is contact.channel and word.purpose is Purpose.SERVICE for word in page.consents)
