"""The room of privacy: who asked for what about whom, what became of it, and for how long anything is kept, with the last night's proof."""

import json
import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from atlas.errors import AtlasError
from atlas.identity import CorrelationId, CustomerId
from atlas.principal import Role
from atlas.privacy.reads import copies_taken, erasures, holds, kept, must_be_customer, wishes
from console.room import SEES_PRIVACY, Me, OwnForm, Room, StaffOnly
from console.sign_in import sentence
from forge.action import Action
from forge.actions.crm.customers import EraseCustomer, HoldCustomerRecords
from forge.privacy import copy_for
from forge.propose import propose

# Who takes a person's wish down; another approves it. A copy leaves the house whole: only those who answer for it hand one out.
MAY_ASK: Final = frozenset({Role.CUSTOMER_CARE, Role.CARE_LEAD, Role.OPERATIONS_DIRECTOR})
MAY_COPY: Final = frozenset({Role.CARE_LEAD, Role.OPERATIONS_DIRECTOR})

Whose = Annotated[int, Form(ge=1, le=2**63 - 1)]
Source = Annotated[str, Form(min_length=3, max_length=100)]
Reason = Annotated[str, Form(min_length=3, max_length=500)]


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])
    looking = StaffOnly(room, SEES_PRIVACY)

    @routes.get("/privacy")
    async def standing(me: Me = Depends(looking)) -> Response:
        """What was asked about people, and what is kept of them."""
        return await privacy_page(room, me)

    @routes.get("/privacy/list")
    async def region(me: Me = Depends(looking)) -> Response:
        return room.region("privacy_list.html", **await privacy_facts(room, me))

    @routes.post("/privacy/copy", responses={200: {"content": {"application/json": {}}}})
    async def copied(customer: Whose, me: Me = Depends(OwnForm(room, MAY_COPY, must_be_fresh=True))) -> Response:
        """Everything that we have of one person, as a file; that it was taken is on the trail."""
        try:
            content = await copy_for(room.forge.atlas, CustomerId(customer), me.principal.reference)
        except AtlasError as error:
            return await privacy_page(room, me, 404, problem=sentence(error))
        written = json.dumps(content, default=str, indent=2, ensure_ascii=False)
        named = {"Content-Disposition": f'attachment; filename="customer-{customer}.json"'}
        return Response(written, media_type="application/json", headers=named)

    @routes.post("/privacy/erase")
    async def forgotten(customer: Whose, source: Source, me: Me = Depends(OwnForm(room, MAY_ASK, must_be_fresh=True))) -> Response:
        """Asks that a person is forgotten."""
        return await _asked(room, me, EraseCustomer(CustomerId(customer), source), customer, "the customer wishes to be forgotten")

    @routes.post("/privacy/hold")
    async def held(
        customer: Whose,
        source: Source,
        reason: Reason,
        is_held: Annotated[bool, Form()],
        me: Me = Depends(OwnForm(room, MAY_ASK, must_be_fresh=True)),
    ) -> Response:
        """Asks that a person's records are kept as they are, or go their way again."""
        return await _asked(room, me, HoldCustomerRecords(CustomerId(customer), is_held, reason, source), customer, reason)

    return routes


async def _asked(room: Room, me: Me, action: Action, customer: int, reason: str) -> Response:
    try:
        async with room.forge.atlas.transaction(me.principal) as conn:
            await must_be_customer(conn, CustomerId(customer))
        asked = await propose(room.forge, me.principal, action, reason=reason, correlation_id=CorrelationId(uuid.uuid4()))
    except AtlasError as error:
        return await privacy_page(room, me, 409, problem=sentence(error))
    waits = f", for {' or '.join(asked.approver_roles).replace('_', ' ')} to rule on" if asked.approver_roles else ""
    return await privacy_page(room, me, done=f"{asked.reference} is {asked.state.value}{waits}.")


async def privacy_page(room: Room, me: Me, status: int = 200, *, problem: str = "", done: str = "") -> Response:
    facts = {"may_ask": me.holds(MAY_ASK), "may_copy": me.holds(MAY_COPY), **await privacy_facts(room, me)}
    return await room.page("privacy.html", me, "privacy", status, problem=problem, done=done, **facts)


async def privacy_facts(room: Room, me: Me) -> dict[str, Any]:
    async with room.forge.atlas.transaction(me.principal) as conn:
        done = await erasures(conn)
        return {
            "wishes": await wishes(conn),
            "became": {one.action_id: one for one in done},
            "copies": await copies_taken(conn),
            "holds": await holds(conn),
            "kept": await kept(conn),
        }
