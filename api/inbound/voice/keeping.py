"""What Atlas keeps of a call: who rang, what was said, and how far it came. Words go into the inbox like those of every other channel."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from api.inbound.chat import take_down
from api.inbound.inbox import defer_answer
from api.inbound.senders import Sender, sender_at
from api.inbound.voice.speech import SPOKEN_AS
from atlas.connection import Atlas
from atlas.crm.reads import customer as customer_of
from atlas.crm.reads import customers_at
from atlas.errors import InvalidField, NotFound
from atlas.helpdesk import reads, writes
from atlas.helpdesk.records import Message, PhoneCall
from atlas.helpdesk.rules import code_key, pin_mac
from atlas.identity import ConversationId, CustomerId
from atlas.itsm.reads import incidents_at_lines
from atlas.principal import Principal, executor, intake, staff
from atlas.statements import Connection

PROVIDER = "twilio"
DOOR = intake("voice")
DESK = executor("voice")


@dataclass(frozen=True)
class Rang:
    """A call as it begins. `is_cut_off`: a fault that is known holds a line of the one customer who has this number."""

    call: PhoneCall
    is_cut_off: bool


async def keep_call(atlas: Atlas, provider_id: str, address: str, now: datetime) -> Rang:
    """A number that several customers have is nobody's, as in every channel."""
    async with atlas.transaction(DOOR) as conn:
        owners = await _owners(conn, address)
        owner = owners[0] if len(owners) == 1 else None
        language = "en" if owner is None else (await customer_of(conn, owner)).language
        await writes.begin_call(conn, provider_id, address, owner, language if language in SPOKEN_AS else "en")
        call = await reads.phone_call(conn, provider_id)
    return Rang(call, owner is not None and await _is_cut_off(atlas, owner, now))


async def _is_cut_off(atlas: Atlas, owner: CustomerId, now: datetime) -> bool:
    async with atlas.transaction(DESK) as conn:
        return any(one.is_outage and one.restored_at is None for one in await incidents_at_lines(conn, owner, now))


async def _owners(conn: Connection, address: str) -> list[CustomerId]:
    try:
        return await customers_at(conn, address)
    except InvalidField:
        # A withheld number is no number: somebody calls all the same.
        return []


async def call_of(atlas: Atlas, provider_id: str) -> PhoneCall:
    """Raises NotFound."""
    async with atlas.transaction(DOOR) as conn:
        return await reads.phone_call(conn, provider_id)


async def connected(atlas: Atlas, provider_id: str, session_id: str) -> PhoneCall | None:
    """The call that this socket is of; None where it has another one, never rang, or is over."""
    async with atlas.transaction(DOOR) as conn:
        if not await writes.connect_call(conn, provider_id, session_id):
            return None
        return await reads.phone_call(conn, provider_id)


async def try_pin(atlas: Atlas, call: PhoneCall, words: str) -> bool | None:
    """Whether these digits are the engineer's PIN; None where it is no engineer who calls, who is known already, or no digits."""
    digits = re.sub(r"[\s,.-]", "", words)
    if call.staff_id is None or call.staff_known_at is not None or not re.fullmatch(r"\d{6}", digits, re.ASCII):
        return None
    async with atlas.transaction(DOOR) as conn:
        return await writes.try_pin(conn, call.provider_id, pin_mac(code_key(atlas.secret), call.staff_id, digits))


async def keep_words(atlas: Atlas, call: PhoneCall, turn: int, words: str, language: str, at: datetime) -> PhoneCall:
    """The caller's words, once for each turn, with the job that answers them; the call as it stands after them."""
    reference = f"{call.provider_id}:{turn}"
    async with atlas.transaction(DOOR) as conn:
        inbox_id = await writes.take_in(conn, PROVIDER, reference, "message")
        if inbox_id is not None:
            who = Sender(engineer_of(call)) if call.staff_known_at else await sender_at(conn, "voice", call.address, words, at)
            kept = await take_down(conn, atlas.secret, who.principal, "voice", call.address, words, at, reference=reference)
            await writes.file_message(conn, inbox_id, kept.inbound, kept.code_mac, is_choice=who.is_choice)
            await writes.take_turn(conn, call.call_id, kept.inbound, language)
            await defer_answer(conn, kept.inbound.conversation_id)
        return await reads.phone_call(conn, call.provider_id)


def engineer_of(call: PhoneCall) -> Principal:
    """The engineer whose PIN was right in this call."""
    if call.staff_id is None:
        raise NotFound("engineer of call", call.call_id)
    return staff(call.staff_id, "engineer", frozenset())


@dataclass(frozen=True)
class Said:
    """What was written for the caller since, and who has the conversation now."""

    messages: tuple[Message, ...]
    owner: str


async def said_since(atlas: Atlas, call: PhoneCall) -> Said:
    """Nothing, by the agents, before the caller spoke."""
    conversation_id = call.conversation_id
    if conversation_id is None:
        return Said((), "agents")
    async with atlas.transaction(DOOR) as conn:
        return await _said(conn, conversation_id, lambda: reads.replies_after(conn, conversation_id, call.spoken_up_to))


async def said_to(atlas: Atlas, call: PhoneCall, turn: int) -> Said:
    """What this turn was answered with, spoken already or not: for whoever asks for the answer again."""
    if call.conversation_id is None:
        return Said((), "agents")
    async with atlas.transaction(DOOR) as conn:
        return await _said(conn, call.conversation_id, lambda: reads.replies_to(conn, f"{call.provider_id}:{turn}"))


async def _said(conn: Connection, conversation_id: ConversationId, replies: Callable[[], Awaitable[list[Message]]]) -> Said:
    """Whoever is put through has heard the answer that fetched somebody: what came between the two questions is asked for again."""
    messages = await replies()
    owner = await reads.conversation_owner(conn, conversation_id)
    return Said(tuple(messages or await replies()), owner)


async def keep_spoken(atlas: Atlas, call: PhoneCall, message_id: int) -> PhoneCall:
    async with atlas.transaction(DOOR) as conn:
        await writes.mark_spoken(conn, call.call_id, message_id)
        return await reads.phone_call(conn, call.provider_id)


async def keep_interrupted(atlas: Atlas, call: PhoneCall) -> None:
    async with atlas.transaction(DOOR) as conn:
        await writes.mark_interrupted(conn, call.call_id)


async def keep_transferred(atlas: Atlas, call: PhoneCall) -> None:
    async with atlas.transaction(DOOR) as conn:
        await writes.mark_transferred(conn, call.call_id)


async def keep_ended(atlas: Atlas, provider_id: str) -> bool:
    """False where it was over before."""
    async with atlas.transaction(DOOR) as conn:
        return await writes.end_call(conn, provider_id)


async def because_of(atlas: Atlas, call: PhoneCall) -> str:
    """Why the agents fetched a person: what is whispered to whoever picks up."""
    if call.conversation_id is None:
        return ""
    async with atlas.transaction(DESK) as conn:
        return await reads.handed_over_because(conn, call.conversation_id)
