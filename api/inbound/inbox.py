"""The inbox as whoever answers it sees it: what waits in one conversation, what came of a try, and what is set aside."""

from collections.abc import Callable, Sequence
from typing import Final

from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.helpdesk.reads import conversations_waiting, question_before, set_aside, unanswered
from atlas.helpdesk.records import SetAside, Unanswered
from atlas.helpdesk.rules import code_key, code_mac, code_of
from atlas.helpdesk.writes import (
    begin_try,
    confirm_code,
    mark_answered,
    note_failure,
    note_so_far,
    note_step,
    park_exhausted,
    retry_parked,
    try_code,
)
from atlas.identity import ConversationId
from atlas.jobs import defer
from atlas.principal import executor
from atlas.statements import Connection

INBOX: Final = executor("inbox")


class AnsweredMeanwhile(AtlasError):
    """Somebody else answered one of these messages: this answer is not sent."""


async def taken_up(
    atlas: Atlas, conversation_id: ConversationId, choose: Callable[[Sequence[Unanswered]], Sequence[Unanswered]]
) -> Sequence[Unanswered]:
    """What `choose` takes of the messages that wait, with this try counted; what failed too often is parked first."""
    async with atlas.transaction(INBOX) as conn:
        await park_exhausted(conn, conversation_id)
        chosen = choose(await unanswered(conn, conversation_id))
        await begin_try(conn, [one.inbox_id for one in chosen])
    return chosen


async def ended(conn: Connection, messages: Sequence[Unanswered], by: str) -> None:
    """Ends the wait of these messages, in the very transaction that answers them. Raises AnsweredMeanwhile."""
    if await mark_answered(conn, [one.inbox_id for one in messages], by) != len(messages):
        raise AnsweredMeanwhile(f"a message of conversation {messages[0].conversation_id} was answered meanwhile")


async def ended_without_words(atlas: Atlas, messages: Sequence[Unanswered], by: str) -> None:
    """Ends the wait of messages that get no answer of ours: a person has them, or they were a command."""
    async with atlas.transaction(INBOX) as conn:
        await mark_answered(conn, [one.inbox_id for one in messages], by)


async def failed(atlas: Atlas, messages: Sequence[Unanswered], error_kind: str) -> None:
    async with atlas.transaction(INBOX) as conn:
        await note_failure(conn, [one.inbox_id for one in messages], error_kind)


async def stepped(atlas: Atlas, message: Unanswered, step: str) -> None:
    """Says what is being done about a message."""
    async with atlas.transaction(INBOX) as conn:
        await note_step(conn, message.inbox_id, step)


async def readable_so_far(atlas: Atlas, message: Unanswered, words: str, agent: str) -> None:
    """Lets whoever waits at the chat of our site read this much of the answer: all of it is grounded, and `agent` may send it."""
    async with atlas.transaction(INBOX) as conn:
        await note_so_far(conn, message.inbox_id, words, agent)


async def is_right(atlas: Atlas, message: Unanswered) -> bool:
    """Whether the digits of a message are the newest code for its address; then that address is verified. One try is counted."""
    key = code_key(atlas.secret)
    async with atlas.transaction(INBOX) as conn:
        tried = await try_code(conn, message.conversation_id, message.channel, message.address)
        if tried is None or code_mac(key, message.channel, message.address, code_of(key, tried.seed)) != message.code_mac:
            return False
        await confirm_code(conn, tried.code_id)
    return True


async def asked_before(atlas: Atlas, message: Unanswered) -> str:
    """What they asked last, before the code; empty where there is nothing."""
    async with atlas.transaction(INBOX) as conn:
        return await question_before(conn, message.conversation_id, message.message_id) or ""


async def defer_answer(conn: Connection, conversation_id: ConversationId) -> None:
    """Leaves the job that answers a conversation: one runs at a time, one waits at a time, so that a burst is folded."""
    lock = f"conversation:{conversation_id}"
    await defer(conn, "agents.answer", lock=lock, queueing_lock=lock, conversation_id=conversation_id)


async def nudge(atlas: Atlas) -> int:
    """Leaves a job for every conversation in which something waits longer than it should; how many."""
    async with atlas.transaction(INBOX) as conn:
        waiting = await conversations_waiting(conn)
        for conversation_id in waiting:
            await defer_answer(conn, conversation_id)
    return len(waiting)


async def retried(atlas: Atlas, inbox_id: int) -> bool:
    """Has a parked message tried afresh; False where none is parked under this number."""
    async with atlas.transaction(INBOX) as conn:
        conversation_id = await retry_parked(conn, inbox_id)
        if conversation_id is None:
            return False
        await defer_answer(conn, conversation_id)
    return True


async def kept_aside(atlas: Atlas) -> list[SetAside]:
    async with atlas.transaction(INBOX) as conn:
        return await set_aside(conn)
