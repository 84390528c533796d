"""The shared inbox: every conversation over all channels, taken over and handed back, and how the agents came to what they said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from atlas.actions.records import ActionState
from atlas.errors import AtlasError
from atlas.helpdesk import reads
from atlas.helpdesk.records import Conversation, Message
from atlas.identity import ConversationId, CorrelationId
from console.room import Me, Room, RowId
from console.sign_in import sentence
from cortex.moods import moods_in
from cortex.waiting import GIVES_ORDERS, in_order, look_of
from forge.action import Action
from forge.actions.helpdesk.holding import HandBackConversation, TakeConversation
from forge.actions.helpdesk.saying import SendMessage
from forge.propose import propose

# What the agents settled longer ago is found by its customer.
LATELY: Final = timedelta(days=2)
MOST_MESSAGES: Final = 60
MOST_ASKED: Final = 3
Words = Annotated[str, Form(min_length=1, max_length=4000)]
After = Annotated[int, Form(ge=0, le=2**63 - 1)]


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])

    @routes.get("/inbox")
    async def waiting(me: Me = Depends(room.staff)) -> Response:
        """Who waits for a person first, then what colleagues hold, then what the agents do."""
        return await room.page("inbox.html", me, "inbox", **await listed(room, me))

    @routes.get("/inbox/list")
    async def region(me: Me = Depends(room.staff)) -> Response:
        return room.region("inbox_list.html", **await listed(room, me))

    @routes.get("/inbox/{conversation_id}")
    async def one(conversation_id: RowId, me: Me = Depends(room.staff)) -> Response:
        return await conversation_page(room, me, ConversationId(conversation_id))

    @routes.get("/inbox/{conversation_id}/page")
    async def one_region(conversation_id: RowId, me: Me = Depends(room.staff)) -> Response:
        facts = await conversation_facts(room, me, ConversationId(conversation_id))
        return room.region("conversation_page.html", token=room.form_token(me), me=me.signed_in, **facts)

    @routes.post("/inbox/{conversation_id}/take")
    async def taken(conversation_id: RowId, me: Me = Depends(room.form)) -> Response:
        """From now on whoever pressed has it, and the customer is told."""
        held = await _held(room, me, ConversationId(conversation_id))
        order = TakeConversation(held.conversation_id, held.customer_id, held.owner, held.last_message_id)
        return await _done(room, me, held, order, "took it over in the inbox")

    @routes.post("/inbox/{conversation_id}/reply")
    async def replied(conversation_id: RowId, words: Words, after: After, me: Me = Depends(room.form)) -> Response:
        """`after` is the message that was answered: pressed twice, it is one answer."""
        held = await _held(room, me, ConversationId(conversation_id))
        order = SendMessage(held.conversation_id, held.customer_id, after, words, f"staff:{me.signed_in.staff_id}")
        return await _done(room, me, held, order, "answers in person")

    @routes.post("/inbox/{conversation_id}/back")
    async def handed_back(conversation_id: RowId, me: Me = Depends(room.form)) -> Response:
        held = await _held(room, me, ConversationId(conversation_id))
        order = HandBackConversation(held.conversation_id, held.customer_id, held.last_message_id)
        return await _done(room, me, held, order, "gives it back to the agents")

    return routes


@dataclass(frozen=True)
class Summary:
    """What whoever takes over need not read up on: their last words, the newest first, and what the agents asked our tools, once each.

    `words`: a model's summary, where there was one in time; what it says was said in the conversation or by a tool.
    """

    asked: tuple[str, ...]
    looked_at: tuple[str, ...]
    failed: tuple[str, ...]
    was_corrected: bool
    words: str = ""


def summed_up(said: Sequence[Message]) -> Summary:
    """Pure: but for the summary that the agents kept with their last words, no model words it."""
    theirs = [one.words for one in reversed(said) if not one.is_from_us]
    answers = [answer for one in said if one.is_from_us for answer in one.trace.get("answers", ())]
    tools = [(str(tool["name"]), bool(tool.get("failed"))) for answer in answers for tool in answer.get("tools", ())]
    return Summary(
        tuple(theirs[:MOST_ASKED]),
        tuple(dict.fromkeys(name for name, has_failed in tools if not has_failed)),
        tuple(dict.fromkeys(name for name, has_failed in tools if has_failed)),
        any(answer.get("second_try") for answer in answers),
        next((str(one.trace.get("summary", "")) for one in reversed(said) if one.is_from_us and one.author.startswith("agents:")), ""),
    )


def looked(said: Sequence[Message]) -> tuple[str, ...]:
    """What is heard in what they wrote since the last colleague was here, and whether our agents were given orders."""
    ours = max((at for at, one in enumerate(said) if one.author.startswith("staff:")), default=-1)
    since = said[ours + 1 :]
    heard = [mood.name for mood in moods_in("\n".join(one.words for one in since if not one.is_from_us))]
    return (*heard, *([GIVES_ORDERS] if any("flags" in one.trace for one in since) else []))


async def listed(room: Room, me: Me) -> dict[str, Any]:
    async with room.forge.atlas.transaction(me.principal) as conn:
        found = await reads.inbox(conn, room.forge.now() - LATELY)
    waiting = in_order((one for one in found if one.owner == "queue"), room.forge.now())
    others = [one for one in found if one.owner != "queue"]
    reasons = {one.conversation_id: weight.reasons for one, weight in waiting} | {one.conversation_id: look_of(one) for one in others}
    # Whom the agents have is not waiting for us: whoever may need one of us comes first all the same.
    others.sort(key=lambda one: not reasons[one.conversation_id])
    return {"found": [*(one for one, _ in waiting), *others], "reasons": reasons, "mine": f"staff:{me.signed_in.staff_id}"}


async def _held(room: Room, me: Me, conversation_id: ConversationId) -> Conversation:
    """Raises NotFound."""
    async with room.forge.atlas.transaction(me.principal) as conn:
        return await reads.conversation(conn, conversation_id)


async def _done(room: Room, me: Me, held: Conversation, order: Action, reason: str) -> Response:
    """Asks Forge, in the name of whoever pressed; the page as it is then, with the reason where it was not done."""
    problem, status = "", 200
    try:
        made = await propose(room.forge, me.principal, order, reason=reason, correlation_id=CorrelationId(uuid4()))
        if made.state is not ActionState.DONE:
            problem, status = "This was not done: somebody else was faster, or the matrix does not allow it.", 409
    except AtlasError as error:
        problem, status = sentence(error), 409
    return await conversation_page(room, me, held.conversation_id, status, problem=problem)


async def conversation_page(room: Room, me: Me, conversation_id: ConversationId, status: int = 200, *, problem: str = "") -> Response:
    facts = await conversation_facts(room, me, conversation_id)
    return await room.page("conversation.html", me, "inbox", status, problem=problem, **facts)


async def conversation_facts(room: Room, me: Me, conversation_id: ConversationId) -> dict[str, Any]:
    """One transaction. Raises NotFound."""
    async with room.forge.atlas.transaction(me.principal) as conn:
        held = await reads.conversation(conn, conversation_id)
        said = await reads.messages(conn, conversation_id, MOST_MESSAGES)
        return {
            "held": held,
            "person": await reads.correspondent(conn, conversation_id),
            "said": said,
            "summary": summed_up(said),
            "look": looked(said),
            "mine": f"staff:{me.signed_in.staff_id}",
            "holder": await reads.short_name(conn, held.owner),
        }
