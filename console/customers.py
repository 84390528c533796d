"""The room of one customer: what they have, what they owe, what passed between us, and whether their line is down now."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from atlas.billing.reads.bills import bill_of_month, months_billed
from atlas.crm.reads import customer_page, customers_like
from atlas.crm.records import Contact, CustomerPage, Purpose
from atlas.identity import CustomerId
from console.room import Me, Room, RowId

Search = Annotated[str, Query(max_length=100)]


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

    return routes


async def facts_of(room: Room, me: Me, customer_id: CustomerId) -> dict[str, Any]:
    """Everything on the page, in one transaction. Raises NotFound."""
    now = room.forge.now()
    async with room.forge.atlas.transaction(me.principal) as conn:
        page = await customer_page(conn, customer_id, now)
        months = await months_billed(conn, customer_id, most=6)
        bills = [await bill_of_month(conn, customer_id, month) for month in months]
    return {
        "page": page,
        "customer": page.customer,
        "bills": [bill for bill in bills if bill is not None],
        "opted_out": {contact.id for contact in page.contacts if is_opted_out(page, contact)},
    }


def is_opted_out(page: CustomerPage, contact: Contact) -> bool:
    return any(not word.is_given and word.channel is contact.channel and word.purpose is Purpose.SERVICE for word in page.consents)
