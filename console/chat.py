"""Staff chat: the agents with staff's tools, and beside each answer the rows of Atlas it spoke of, as they stand now.

A question goes into the inbox like everybody's; this room shows what is being done about it and what was said, as it is committed.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from atlas.actions.reads import actions_named
from atlas.actions.records import ActionRecord
from atlas.billing.reads.bills import invoices_named
from atlas.billing.records.bills import InvoiceNamed
from atlas.crm.reads import customers_glanced
from atlas.crm.records import CustomerGlanced
from atlas.errors import NotFound
from atlas.helpdesk import reads
from atlas.helpdesk.records import Message
from atlas.identity import ActionId, CustomerId, IncidentId, InvoiceId
from atlas.itsm.reads import incidents_named
from atlas.itsm.records import IncidentNamed
from atlas.statements import Connection
from console.room import Me, Room, RowId
from console.words import step_taken
from forge.sign_in.sessions import signed_in

MOST_SHOWN: Final = 40
# A proxy ends a stream it hears nothing on.
HEARTBEAT_S: Final = 15
# Looked again this often although nothing was announced: how long a stream outlives its session, too.
LOOK_EVERY_S: Final = 10.0
Words = Annotated[str, Form()]
Number = Annotated[int, Query(ge=0, le=2**62)]


@dataclass(frozen=True)
class Cards:
    """The rows that some answers spoke of, as they stand now, each by its number."""

    incident: dict[int, IncidentNamed]
    customer: dict[int, CustomerGlanced]
    invoice: dict[int, InvoiceNamed]
    action: dict[int, ActionRecord]

    def beside(self, message: Message) -> list[dict[str, Any]]:
        """What is shown with one message, in its order; what is gone, or not theirs to see, is left out."""
        drawn = []
        for one in _shown(message):
            row = getattr(self, one["kind"], {}).get(one["number"])
            if row is not None:
                drawn.append({"kind": one["kind"], "row": row})
        return drawn


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])

    @routes.get("/chat")
    async def page(before: Number = 0, me: Me = Depends(room.staff)) -> Response:
        """What this colleague and the agents said to one another, the newest last; `before` a message, for what is older."""
        return await room.page("chat.html", me, "chat", **await talk(room, me, before))

    @routes.post("/chat", responses={204: {"description": "heard; the answer comes on the stream"}})
    async def typed(request: Request, key: Annotated[UUID, Form()], words: Words = "", me: Me = Depends(room.form)) -> Response:
        """`key` is the form's own: sent twice, it is one question."""
        await room.hear(me.principal, key, words)
        return Response(status_code=204) if "x-form-token" in request.headers else RedirectResponse("/chat", status_code=303)

    @routes.get("/chat/live", include_in_schema=False)
    async def live(request: Request, after: Number = 0, me: Me = Depends(room.staff)) -> Response:
        """What is said from `after` on, and what is being done until then. A browser that comes again says what it has."""
        seen = request.headers.get("last-event-id", "")
        return EventSourceResponse(said_on(room, me, int(seen) if seen.isdecimal() else after), ping=HEARTBEAT_S)

    @routes.get("/chat/cards/{message_id}")
    async def cards(message_id: RowId, me: Me = Depends(room.staff)) -> Response:
        """The cards of one answer that this colleague was given."""
        async with room.forge.atlas.transaction(me.principal) as conn:
            found = await reads.messages_of_staff(conn, me.signed_in.staff_id, message_id - 1, message_id + 1)
            if not found:
                raise NotFound("message", message_id)
            beside = (await cards_of(conn, found)).beside(found[0])
        return room.region("chat_cards.html", cards=beside)

    return routes


async def talk(room: Room, me: Me, before: int) -> dict[str, Any]:
    """The page, in one transaction."""
    async with room.forge.atlas.transaction(me.principal) as conn:
        said = await reads.messages_of_staff(conn, me.signed_in.staff_id, before=before or 2**62, most=MOST_SHOWN)
        shown = await cards_of(conn, said)
    return {
        "said": [(one, shown.beside(one)) for one in said],
        "has_earlier": len(said) == MOST_SHOWN,
        "is_earlier": bool(before),
        "last": said[-1].message_id if said else 0,
        "key": uuid4(),
    }


async def said_on(room: Room, me: Me, after: int) -> AsyncIterator[ServerSentEvent]:
    """`said` carries one message as it is drawn, under its number; `step` what is being done, or nothing once nothing is."""
    loop = asyncio.get_running_loop()
    checked_at, step = loop.time(), ""
    yield ServerSentEvent(event="step", data="")
    async for topics in room.changes.stream(LOOK_EVERY_S):
        if loop.time() - checked_at >= LOOK_EVERY_S:
            checked_at = loop.time()
            if await signed_in(room.forge.atlas, me.token) is None:
                return
        if topics and not topics & {"helpdesk.message", "helpdesk.inbox", "everything"}:
            continue
        async with room.forge.atlas.transaction(me.principal) as conn:
            said = await reads.messages_of_staff(conn, me.signed_in.staff_id, after)
            shown = await cards_of(conn, said)
            waits = await reads.being_done_for_staff(conn, me.signed_in.staff_id)
        for one in said:
            after = one.message_id
            drawn = bytes(room.region("chat_said.html", one=one, cards=shown.beside(one)).body).decode()
            yield ServerSentEvent(event="said", data=drawn, id=str(after))
        now = step_taken(waits[-1].step or "supervisor") if waits else ""
        if now != step:
            step = now
            yield ServerSentEvent(event="step", data=step)


async def cards_of(conn: Connection, said: Sequence[Message]) -> Cards:
    """A statement a kind, however many messages."""
    asked: dict[str, set[int]] = {"incident": set(), "customer": set(), "invoice": set(), "action": set()}
    for one in (shown for message in said for shown in _shown(message)):
        if one["kind"] in asked:
            asked[one["kind"]].add(one["number"])
    incidents = await incidents_named(conn, [IncidentId(one) for one in asked["incident"]])
    customers = await customers_glanced(conn, [CustomerId(one) for one in asked["customer"]])
    invoices = await invoices_named(conn, [InvoiceId(one) for one in asked["invoice"]])
    actions = await actions_named(conn, [ActionId(one) for one in asked["action"]])
    return Cards(
        {one.incident_id: one for one in incidents},
        {one.customer_id: one for one in customers},
        {one.invoice_id: one for one in invoices},
        {one.id: one for one in actions},
    )


def _shown(message: Message) -> Iterable[dict[str, Any]]:
    found: list[dict[str, Any]] = message.trace.get("cards", []) if message.is_from_us else []
    return found
