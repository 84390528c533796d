"""What is said from a browser on the operator's site, and who it is from: nobody, until a code that went out came back there."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from api.bootstrap import House
from api.inbound.chat import TakenDown, take_down
from api.inbound.inbox import defer_answer
from atlas.crm.reads import customers_at
from atlas.crm.rules import address_forms, contact_address
from atlas.errors import AtlasError, InvalidField
from atlas.helpdesk import reads, writes
from atlas.helpdesk.records import Message
from atlas.helpdesk.rules import check_typed, code_key, code_mac, code_of
from atlas.identity import CorrelationId, CustomerId
from atlas.principal import customer, executor, intake, stranger
from atlas.statements import Connection
from forge.actions.helpdesk.codes import SendSignInCode
from forge.propose import propose

CHANNEL: Final = "chat"
PROVIDER: Final = "web"
DESK: Final = executor("widget")
# A person types no more; a program that does costs us a model.
MOST_AN_HOUR: Final = 60
# Longer than a transaction takes that writes a message: until then a lower number may still come after a higher one.
OVERTAKEN: Final = timedelta(seconds=30)
SECRET_OCTETS: Final = 18
SIGNED_OCTETS: Final = 16


class TooMuchSaid(AtlasError):
    """More was said from one browser than a person says in an hour."""


@dataclass(frozen=True)
class Visitor:
    """One browser, by the name that Atlas knows it by; the token that proves it is kept there alone."""

    name: str


def new_token(secret: bytes) -> str:
    """What a browser shows from now on; only we make them."""
    body = secrets.token_urlsafe(SECRET_OCTETS)
    return f"{body}.{_signature(secret, body)}"


def visitor_of(secret: bytes, token: str) -> Visitor | None:
    body, _, signature = token.partition(".")
    if not body or not hmac.compare_digest(signature.encode(), _signature(secret, body).encode()):
        return None
    return Visitor(f"{PROVIDER}:{hashlib.sha256(token.encode()).hexdigest()[:32]}")


def _signature(secret: bytes, body: str) -> str:
    key = hmac.new(secret, b"widget visitors", hashlib.sha256).digest()
    return hmac.new(key, body.encode(), hashlib.sha256).hexdigest()[: 2 * SIGNED_OCTETS]


async def keep_said(house: House, visitor: Visitor, key: UUID, words: str) -> int | None:
    """Stores the words with the job that answers them; the message's id, None where the same was sent before.

    Raises InvalidField, TooMuchSaid.
    """
    said = check_typed(words)
    async with house.atlas.transaction(intake(CHANNEL)) as conn:
        known = await reads.visitor(conn, visitor.name)
        kept = await _kept(house, conn, visitor, key, said, known)
        if kept is None:
            return None
        inbox_id, taken = kept
        if known is not None:
            await writes.verify_visit(conn, taken.inbound.conversation_id, visitor.name)
        await writes.file_message(conn, inbox_id, taken.inbound, taken.code_mac)
        await defer_answer(conn, taken.inbound.conversation_id)
    return taken.inbound.message_id


async def _kept(
    house: House, conn: Connection, visitor: Visitor, key: UUID, words: str, known: CustomerId | None
) -> tuple[int, TakenDown] | None:
    reference = f"{visitor.name}:{key}"
    inbox_id = await writes.take_in(conn, PROVIDER, reference, "message")
    if inbox_id is None:
        return None
    who = stranger() if known is None else customer(known)
    taken = await take_down(conn, house.atlas.secret, who, CHANNEL, visitor.name, words, house.forge.now(), reference=reference)
    if await reads.letters_since(conn, taken.inbound.conversation_id, CHANNEL, visitor.name) > MOST_AN_HOUR:
        raise TooMuchSaid("too much was said from this browser within an hour; please call, or come again later")
    return inbox_id, taken


async def ask_for_code(house: House, visitor: Visitor, key: UUID, address: str, words: str) -> None:
    """Sends six digits to the address where it is one customer's. Whether it is, nobody who asks learns. Raises TooMuchSaid.

    `words` are kept as what the visitor said: a code belongs to a conversation.
    """
    async with house.atlas.transaction(intake(CHANNEL)) as conn:
        kept = await _kept(house, conn, visitor, key, words, None)
        if kept is None:
            return
        inbox_id, taken = kept
        await writes.file_message(conn, inbox_id, taken.inbound, None)
        await writes.leave_unanswered(conn, inbox_id)
    found = await _contact(house, address)
    if found is None:
        return
    owner, contact = found
    inbound = taken.inbound
    sending = SendSignInCode(inbound.conversation_id, owner, contact, inbound.message_id)
    reason = "somebody signs in at the chat of our site"
    await propose(house.forge, DESK, sending, reason=reason, correlation_id=CorrelationId(inbound.thread))


async def _contact(house: House, address: str) -> tuple[CustomerId, int] | None:
    """The one customer at this address, and which of their contacts it is. An address that several share is nobody's."""
    try:
        forms = address_forms(contact_address(address, "GB"))
    except InvalidField:
        return None
    async with house.atlas.transaction(DESK) as conn:
        owners = await customers_at(conn, forms[0])
        contact = await reads.sign_in_contact(conn, owners[0], forms) if len(owners) == 1 else None
    return (owners[0], contact) if contact is not None else None


async def is_right(house: House, visitor: Visitor, digits: str) -> bool:
    """Whether these are the digits that are awaited from this browser; then it is the customer's. One try is counted."""
    key = code_key(house.atlas.secret)
    async with house.atlas.transaction(DESK) as conn:
        conversation_id = await reads.code_of_visitor(conn, visitor.name)
        tried = await writes.try_code(conn, conversation_id, CHANNEL, visitor.name) if conversation_id is not None else None
        if tried is None:
            return False
        shown = code_mac(key, CHANNEL, visitor.name, digits)
        if not hmac.compare_digest(shown, code_mac(key, CHANNEL, visitor.name, code_of(key, tried.seed))):
            return False
        await writes.confirm_code(conn, tried.code_id)
    return True


@dataclass(frozen=True)
class Heard:
    """What a browser is shown: the messages that are new to it, and what stands besides.

    `so_far` is what may be read already of the answer that is being made; `waits`: one is.
    """

    messages: list[Message]
    is_signed_in: bool
    waits: bool
    so_far: str


async def heard_by(house: House, visitor: Visitor, after: int) -> Heard:
    """What is so new that it may have been overtaken comes again, whatever `after` is: each message is known by its number."""
    async with house.atlas.transaction(intake(CHANNEL)) as conn:
        # In this order: an answer that is committed in between is read as a message, and its beginning is not read beside it.
        being_done = await reads.being_done_for_visitor(conn, visitor.name)
        said = await reads.said_to_visitor(conn, visitor.name, after, OVERTAKEN)
        is_signed_in = await reads.visitor(conn, visitor.name) is not None
    answered = max((one.message_id for one in said if one.is_from_us), default=0)
    waiting = [one for one in being_done if one.message_id > answered]
    return Heard(said, is_signed_in, bool(waiting), next((one.so_far for one in reversed(waiting) if one.so_far), ""))
