"""The room of one issued bill: as a page, and as the very PDF that its customer has."""

from functools import cache

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from atlas.billing.reads.documents import paper
from console.room import TEMPLATES, Me, Room, RowId
from forge.invoices.documents import document
from forge.invoices.words import invoice_words


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])

    @routes.get("/bills/{bill_id}")
    async def page(bill_id: RowId, me: Me = Depends(room.staff)) -> Response:
        """The bill of this number, in its customer's language."""
        async with room.forge.atlas.transaction(me.principal) as conn:
            bill = await paper(conn, bill_id)
        words = invoice_words(bill.head.language, bill.head.currency)
        shown = (
            _templates()
            .get_template("bill.html")
            .render(bill=bill, words=words, operator=room.installation.operator, nonce=me.nonce, last_day=bill.head.last_day)
        )
        return HTMLResponse(shown)

    @routes.get("/bills/{bill_id}/pdf")
    async def pdf(bill_id: RowId, me: Me = Depends(room.staff)) -> Response:  # noqa: ARG001 - the guard
        """The same bytes every time."""
        made = await document(room.forge.atlas, bill_id, room.installation.operator)
        headers = {"Content-Disposition": f'inline; filename="invoice-{bill_id}.pdf"'}
        return Response(made, media_type="application/pdf", headers=headers)

    return routes


@cache
def _templates() -> Environment:
    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
