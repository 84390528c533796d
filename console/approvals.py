"""The room where people rule: who, how many, how much, why, what each customer would see, and until when."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from atlas.actions.reads import lately_ruled
from atlas.identity import ActionId
from atlas.principal import in_session
from console.proving import proof_asked
from console.room import Me, Room, RowId
from console.sign_in import Code, Password, sentence, too_often
from console.words import spoken
from forge.approvals import Card, RulingRefused, approve, reject, waiting_for
from forge.sign_in.limits import TriedTooOften
from forge.sign_in.passwords import SignInRefused
from forge.sign_in.sessions import Token, signed_in
from forge.sign_in.steps import prove_again
from governance.approvers import Why


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
    routes = APIRouter(tags=["console"])

    @routes.get("/approvals")
    async def queue(me: Me = Depends(room.staff)) -> Response:
        """What waits for a person."""
        return await queue_page(room, me)

    @routes.get("/approvals/list")
    async def list_region(me: Me = Depends(room.staff)) -> Response:
        return room.region("approvals_list.html", token=room.form_token(me), **await queue_facts(room, me))

    @routes.get("/approvals/count")
    async def count_region(me: Me = Depends(room.staff)) -> Response:
        return room.region("count.html", waiting_count=await room.waiting_count(me))

    @routes.post("/approvals/{action_id}")
    async def ruled(
        request: Request,
        action_id: RowId,
        digest: Annotated[str, Form(max_length=128)],
        answer: Annotated[Literal["approve", "reject"], Form()],
        note: Annotated[str, Form(max_length=500)] = "",
        password: Password = "",
        code: Code = "",
        me: Me = Depends(room.form),
    ) -> Response:
        """A ruling on exactly what was shown; where money or service is at stake, who they are is asked first and the ruling goes on."""
        return await ruled_on(room, request, me, Ruling(ActionId(action_id), digest, answer, note), password, code)

    return routes


@dataclass(frozen=True)
class Ruling:
    """What a person answered, on a card with this digest."""

    action_id: ActionId
    digest: str
    answer: Literal["approve", "reject"]
    note: str


async def ruled_on(room: Room, request: Request, me: Me, ruling: Ruling, password: str, code: str) -> Response:
    token: Token | None = None
    try:
        if password:
            me, token = await proved(room, request, me, password, code)
        shown = await answered(room, me, ruling)
    except SignInRefused as error:
        shown = await proof_for(room, me, ruling, 401, sentence(error))
    except TriedTooOften as error:
        shown = too_often(await proof_for(room, me, ruling, 429, sentence(error)), error)
    if token is not None:
        room.keep_session(request, shown, token)
    return shown


async def proved(room: Room, request: Request, me: Me, password: str, code: str) -> tuple[Me, Token]:
    """The same person, fresh, and the session's new token. Raises SignInRefused and TriedTooOften."""
    atlas = room.forge.atlas
    token = await prove_again(atlas, me.token, me.signed_in, password, code, room.forge.now(), room.caller(request))
    known = await signed_in(atlas, token)
    return (replace(me, signed_in=known, token=token) if known else me), token


async def answered(room: Room, me: Me, ruling: Ruling) -> Response:
    """What became of it; or who they are is asked again, and the ruling waits in that form."""
    try:
        done = await rule(room, me, ruling)
    except RulingRefused as error:
        if error.why is Why.SIGN_IN_TOO_OLD:
            return await proof_for(room, me, ruling)
        return await queue_page(room, me, 409, problem=sentence(error))
    return await queue_page(room, me, done=done)


async def proof_for(room: Room, me: Me, ruling: Ruling, status: int = 200, problem: str = "") -> Response:
    carried = {"digest": ruling.digest, "answer": ruling.answer, "note": ruling.note}
    verb = "Approving" if ruling.answer == "approve" else "Rejecting"
    about = f"{verb} A-{ruling.action_id}: money or service is at stake."
    return await proof_asked(room, me, f"/approvals/{ruling.action_id}", carried, status, problem=problem, about=about)


async def rule(room: Room, me: Me, ruling: Ruling) -> str:
    """Rules as this person; what became of it, as a sentence. Raises RulingRefused."""
    give = approve if ruling.answer == "approve" else reject
    principal = in_session(me.principal, me.token.fingerprint)
    outcome = await give(room.forge, principal, ruling.action_id, digest_seen=ruling.digest, note=ruling.note)
    return (
        f"{outcome.reference} is {outcome.state.value}."
        if outcome.state != "waiting"
        else f"{outcome.reference} waits for a second person."
    )


async def queue_page(room: Room, me: Me, status: int = 200, *, problem: str = "", done: str = "") -> Response:
    return await room.page("approvals.html", me, "approvals", status, problem=problem, done=done, **await queue_facts(room, me))


async def queue_facts(room: Room, me: Me) -> dict[str, Any]:
    async with room.forge.atlas.transaction(me.principal) as conn:
        cards = await waiting_for(room.forge, conn)
        ruled = await lately_ruled(conn)
    return {"requests": [drawn(card, me) for card in cards], "ruled": ruled}


def drawn(card: Card, me: Me) -> Drawn:
    """The card for this person: theirs to rule on, or why not."""
    weighs = bool(card.facts.money) or card.facts.is_disconnection
    return Drawn(card, headline(card), tiles(card), weighs and not me.is_fresh, why_not(card, me))


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
