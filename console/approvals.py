"""The room where people rule: who, how many, how much, why, what each customer would see, and until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from atlas.actions.reads import lately_ruled
from atlas.identity import ActionId
from atlas.principal import in_session
from atlas.staff.rules import proved_ago
from console.room import Me, Room
from console.words import spoken
from forge.approvals import Card, RulingRefused, approve, reject, waiting_for
from forge.sign_in import SignInRefused, email_of, prove_again
from governance.approvers import FRESH_SIGN_IN


@dataclass(frozen=True)
class Tile:
    figure: str
    label: str


@dataclass(frozen=True)
class Drawn:
    """A waiting action as its card is drawn."""

    card: Card
    headline: str
    tiles: tuple[Tile, ...]
    needs_fresh_sign_in: bool
    why_not: str


def router(room: Room) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get("/approvals")
    async def queue(request: Request) -> Response:
        me = await room.me(request)
        return await room.page("approvals.html", me, "approvals", problem="", done="", **await queue_facts(room, me))

    @routes.get("/approvals/list")
    async def list_region(request: Request) -> Response:
        me = await room.me(request)
        return room.region("approvals_list.html", token=room.form_token(me.token), **await queue_facts(room, me))

    @routes.get("/approvals/count")
    async def count_region(request: Request) -> Response:
        return room.region("count.html", waiting_count=await room.waiting_count(await room.me(request)))

    @routes.post("/approvals/{action_id}")
    async def ruled(
        request: Request,
        action_id: int,
        token: Annotated[str, Form()],
        digest: Annotated[str, Form(max_length=128)],
        answer: Annotated[Literal["approve", "reject"], Form()],
        note: Annotated[str, Form(max_length=500)] = "",
        password: Annotated[str, Form(max_length=256)] = "",
    ) -> Response:
        me = await room.me(request)
        room.check_form(request, me, token)
        try:
            done = await rule(room, me, ActionId(action_id), digest, answer, note, password)
        except (RulingRefused, SignInRefused) as error:
            return await room.page("approvals.html", me, "approvals", 409, problem=str(error), done="", **await queue_facts(room, me))
        return await room.page("approvals.html", me, "approvals", problem="", done=done, **await queue_facts(room, me))

    return routes


async def rule(room: Room, me: Me, action_id: ActionId, digest: str, answer: str, note: str, password: str) -> str:
    """Rules as this person; what became of it, as a sentence. Raises RulingRefused or SignInRefused."""
    if password:
        await prove_again(room.forge.atlas, me.token, await email_of(room.forge.atlas, me.signed_in.staff_id), password)
    give = approve if answer == "approve" else reject
    outcome = await give(room.forge, in_session(me.principal, me.token.fingerprint), action_id, digest_seen=digest, note=note)
    return (
        f"{outcome.reference} is {outcome.state.value}."
        if outcome.state != "waiting"
        else f"{outcome.reference} waits for a second person."
    )


async def queue_facts(room: Room, me: Me) -> dict[str, Any]:
    async with room.forge.atlas.transaction(me.principal) as conn:
        cards = await waiting_for(room.forge, conn)
        ruled = await lately_ruled(conn)
    is_stale = proved_ago(me.signed_in) > FRESH_SIGN_IN
    return {"requests": [drawn(card, me, is_stale) for card in cards], "ruled": ruled}


def drawn(card: Card, me: Me, is_stale: bool) -> Drawn:
    """The card for this person: theirs to rule on, or why not."""
    weighs = bool(card.facts.money) or card.facts.is_disconnection
    return Drawn(card, headline(card), tiles(card), weighs and is_stale, why_not(card, me))


def headline(card: Card) -> str:
    name = spoken(card.name).capitalize()
    if card.facts.customers:
        return f"{name}: {card.facts.customers:,} customers"
    return f"{name}: {card.facts.devices} devices" if card.facts.devices else name


def tiles(card: Card) -> tuple[Tile, ...]:
    facts = card.facts
    shown: Sequence[tuple[bool, str, str]] = (
        (bool(facts.customers), f"{facts.customers:,}", "customers"),
        (bool(facts.money), str(facts.money), "in all"),
        (bool(facts.money) and facts.money_each is not None, str(facts.money_each), "at most to one customer"),
        (bool(facts.devices), f"{facts.devices:,}", "devices"),
        (facts.confidence < 1, f"{facts.confidence:.0%}", "confidence of the finding"),
        (facts.touches_vulnerable, "yes", "touches vulnerable people"),
        (facts.is_disconnection, "yes", "cuts a service"),
    )
    return tuple(Tile(figure, label) for is_shown, figure, label in shown if is_shown)


def why_not(card: Card, me: Me) -> str:
    held = {role.value for role in me.principal.roles}
    if not held & set(card.approver_roles):
        return f"Waits for {spoken(' or '.join(card.approver_roles))}; you hold {spoken(', '.join(sorted(held))) or 'no role'}."
    if card.proposer == me.principal.reference:
        return "You proposed this, so somebody else rules on it."
    if any(ruling.staff_id == me.principal.staff_id for ruling in card.rulings):
        return "You have ruled on this; it waits for somebody else."
    return ""
