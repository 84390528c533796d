"""Changes to what is said. Inbound words are facts; notices, replies and promises need a claimed action."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from atlas.helpdesk.records import CodeTried, Conversation, Inbound, Media, NoticeDraft, RulingToTell
from atlas.helpdesk.rules import MOST_CODES_A_DAY, MOST_TRIES, SAME_CASE, TooManyCodes, promised_news, storable
from atlas.identity import ConversationId, CustomerId, IncidentId, OrderId, StaffId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def queue_notices(conn: Connection, incident_id: IncidentId, purpose: str, drafts: Sequence[NoticeDraft]) -> int:
    """Leaves the notices for the outbox, one per customer, incident, purpose and relapse; how many were new."""
    return await SQL.run(
        conn,
        "queue_notices",
        incident_id=incident_id,
        purpose=purpose,
        customer_ids=[draft.customer_id for draft in drafts],
        channels=[draft.channel for draft in drafts],
        addresses=[draft.address for draft in drafts],
        languages=[draft.language for draft in drafts],
        words=[draft.words for draft in drafts],
        not_befores=[draft.not_before for draft in drafts],
    )


async def queue_order_notice(
    conn: Connection,
    order_id: OrderId,
    customer_id: CustomerId,
    purpose: str,
    to: tuple[str, str],
    language: str,
    words: str,
    at: datetime,
    about: str = "",
) -> bool:
    """Leaves a notice about an order for the outbox, once per order and purpose; False where it was left before. `to`: channel, address.

    `about`: what of the order it speaks of, where it has several of the kind, as a visit.
    """
    channel, address = to
    key = f"order:{order_id}:{purpose}" + (f":{about}" if about else "")
    noticed = {"key": key, "customer_id": customer_id, "purpose": purpose, "channel": channel, "address": address}
    return bool(await SQL.run(conn, "queue_order_notice", language=language, words=words, at=at, **noticed))


async def queue_bill_notices(conn: Connection, purpose: str, keys: Sequence[str], drafts: Sequence[NoticeDraft]) -> int:
    """Leaves notices that belong to no incident, one under each key; how many were new."""
    return await SQL.run(
        conn,
        "queue_bill_notices",
        purpose=purpose,
        keys=list(keys),
        customer_ids=[draft.customer_id for draft in drafts],
        channels=[draft.channel for draft in drafts],
        addresses=[draft.address for draft in drafts],
        languages=[draft.language for draft in drafts],
        words=[draft.words for draft in drafts],
        not_befores=[draft.not_before for draft in drafts],
    )


async def queue_reply(conn: Connection, conversation: Conversation, message_id: int, words: str, language: str, at: datetime) -> None:
    """Leaves a reply for the outbox, to the address the conversation came from; once per message answered."""
    await SQL.run(
        conn,
        "queue_reply",
        customer_id=conversation.customer_id,
        key=f"conversation:{conversation.conversation_id}:reply:{message_id}",
        channel=conversation.channel,
        address=conversation.address,
        language=language,
        words=words,
        at=at,
    )


async def record_inbound(
    conn: Connection,
    *,
    channel: str,
    address: str | None,
    customer_id: CustomerId | None,
    words: str,
    at: datetime,
    author: str,
    staff_id: StaffId | None = None,
    provider_reference: str | None = None,
) -> Inbound:
    """Keeps what somebody wrote, in the conversation they had within the last day, on whatever channel, or in a new one.

    `provider_reference` is the sender's own id for it: the same again finds the first.
    """
    # Two messages of one person at once would else begin two conversations.
    correspondent = f"customer:{customer_id}" if customer_id else f"staff:{staff_id}" if staff_id else f"{channel}:{address}"
    await SQL.value(conn, "lock_correspondent", correspondent=correspondent)
    if provider_reference and (known := await SQL.first(conn, Inbound, "message_of_provider", provider_reference=provider_reference)):
        return known
    whose = {"customer_id": customer_id, "staff_id": staff_id, "channel": channel, "address": address, "at": at}
    conversation_id = await SQL.value(conn, "resumed_conversation", same_case=SAME_CASE, **whose)
    return await SQL.one(
        conn,
        Inbound,
        "record_inbound",
        conversation_id=conversation_id or await SQL.value(conn, "open_conversation", **whose),
        customer_id=customer_id,
        at=at,
        author=author,
        words=storable(words),
        channel=channel,
        address=address,
        provider_reference=provider_reference,
    )


async def take_in(
    conn: Connection,
    provider: str,
    provider_id: str,
    kind: str,
    *,
    profile_name: str = "",
    media: Sequence[Media] = (),
    carrier_error: str = "",
    subject: str = "",
) -> int | None:
    """The new row of the inbox; None where the provider had delivered this before, and nothing is to be done.

    `kind` is `message`, or `status:` with what the carrier says; a status begins in quarantine until `merge_delivery` knows its message.
    """
    made = await SQL.value(
        conn,
        "take_in",
        provider=provider,
        provider_id=provider_id,
        kind=kind,
        state="received" if kind == "message" else "quarantined",
        profile_name=storable(profile_name),
        media=json.dumps([asdict(one) for one in media]),
        carrier_error=carrier_error,
        subject=storable(subject),
    )
    return None if made is None else int(made)


async def note_robot(conn: Connection, provider: str, provider_id: str, why: str) -> bool:
    """Notes a message that no person wrote, without its words: nobody answers it. False where it was noted before."""
    return bool(await SQL.run(conn, "note_robot", provider=provider, provider_id=provider_id, why=why))


async def leave_unanswered(conn: Connection, inbox_id: int) -> None:
    """Ends the wait of a message that is kept, and gets no answer of ours."""
    await SQL.run(conn, "leave_unanswered", inbox_id=inbox_id)


async def file_message(conn: Connection, inbox_id: int, inbound: Inbound, code_mac: bytes | None, *, is_choice: bool = False) -> None:
    """Says of a row of the inbox which message of which conversation it became. `is_choice`: it says which of several customers wrote."""
    await SQL.run(
        conn,
        "file_message",
        inbox_id=inbox_id,
        conversation_id=inbound.conversation_id,
        message_id=inbound.message_id,
        code_mac=code_mac,
        is_choice=is_choice,
    )


async def merge_delivery(conn: Connection, provider: str, provider_id: str) -> bool:
    """Puts the most that is known of a message onto its notice; False where no notice has this reference yet."""
    return bool(await SQL.value(conn, "merge_delivery", provider=provider, provider_id=provider_id))


async def begin_try(conn: Connection, inbox_ids: Sequence[int]) -> None:
    """Counts a try before it is made, so that one which kills its process counts too."""
    await SQL.run(conn, "begin_try", inbox_ids=list(inbox_ids))


async def note_step(conn: Connection, inbox_id: int, step: str) -> None:
    """Says what is being done about a message that waits, for whoever watches."""
    await SQL.run(conn, "note_step", inbox_id=inbox_id, step=step)


async def note_so_far(conn: Connection, inbox_id: int, words: str, agent: str) -> None:
    """Keeps what may be shown already of the answer to a message that waits; nothing where `agent` may not answer just now."""
    await SQL.run(conn, "note_so_far", inbox_id=inbox_id, words=storable(words), agent=agent)


async def note_failure(conn: Connection, inbox_ids: Sequence[int], error_kind: str) -> None:
    await SQL.run(conn, "note_failure", inbox_ids=list(inbox_ids), error_kind=error_kind)


async def park_exhausted(conn: Connection, conversation_id: ConversationId) -> int:
    """Sets aside what failed too often; how many."""
    return await SQL.run(conn, "park_exhausted", conversation_id=conversation_id, most=MOST_TRIES)


async def retry_parked(conn: Connection, inbox_id: int) -> ConversationId | None:
    """Lets a parked message be tried afresh; its conversation, None where none is parked under this number."""
    found = await SQL.value(conn, "retry_parked", inbox_id=inbox_id)
    return None if found is None else ConversationId(found)


async def mark_answered(conn: Connection, inbox_ids: Sequence[int], by: str) -> int:
    """Ends the wait of these messages; how many were still waiting."""
    return await SQL.run(conn, "mark_answered", inbox_ids=list(inbox_ids), by=by)


async def make_code(conn: Connection, conversation: Conversation, customer_id: CustomerId, sent_channel: str) -> int:
    """Begins the verification of the address a conversation comes from; the code's id. Needs a claimed action. Raises TooManyCodes."""
    made = await SQL.value(
        conn,
        "make_code",
        customer_id=customer_id,
        conversation_id=conversation.conversation_id,
        channel=conversation.channel,
        address=conversation.address,
        sent_channel=sent_channel,
        most=MOST_CODES_A_DAY,
    )
    if made is None:
        raise TooManyCodes(customer_id)
    return int(made)


async def queue_code(conn: Connection, code_id: int, customer_id: CustomerId, to: tuple[str, str], language: str, words: str) -> None:
    """Leaves the notice that carries a code for the outbox, to a channel and address; its words hold no digits yet."""
    channel, address = to
    await SQL.run(
        conn,
        "queue_code",
        customer_id=customer_id,
        key=f"code:{code_id}",
        channel=channel,
        address=address,
        language=language,
        words=words,
    )


async def verify_visit(conn: Connection, conversation_id: ConversationId, visitor: str) -> None:
    """Whoever writes from this browser is verified in their conversation for the hour after the code that was right there."""
    await SQL.value(conn, "verify_visit", conversation_id=conversation_id, visitor=visitor)


async def try_code(conn: Connection, conversation_id: ConversationId, channel: str, address: str) -> CodeTried | None:
    """Counts one try of the newest code of this address; None where it is used, too old, or tried too often."""
    return await SQL.first(conn, CodeTried, "try_code", conversation_id=conversation_id, channel=channel, address=address)


async def confirm_code(conn: Connection, code_id: int) -> None:
    """The code was right: its address is verified in its conversation for an hour."""
    await SQL.run(conn, "confirm_code", code_id=code_id)


async def record_reply(conn: Connection, conversation_id: ConversationId, words: str, *, author: str, trace: Any, at: datetime) -> int:
    """Writes our own message into the thread; its id. Needs a claimed action."""
    written = await SQL.value(
        conn, "record_reply", conversation_id=conversation_id, words=words, author=author, trace=json.dumps(trace), at=at
    )
    return int(written)


async def change_owner(conn: Connection, conversation_id: ConversationId, owner: str, because: str | None = None) -> bool:
    """Gives the conversation to agents, queue or staff:ID; False where it was theirs already."""
    return bool(await SQL.run(conn, "change_owner", conversation_id=conversation_id, owner=owner, because=because))


async def take_conversation(conn: Connection, conversation_id: ConversationId, from_whom: str) -> str | None:
    """Gives it to whoever proposed the claimed action; who that is, or None where somebody else than `from_whom` holds it."""
    owner: str | None = await SQL.value(conn, "take_conversation", conversation_id=conversation_id, from_whom=from_whom)
    return owner


async def hand_back(conn: Connection, conversation_id: ConversationId) -> str | None:
    """Gives it back to the agents; who held it, or None where it was not whoever proposed the claimed action."""
    held_by: str | None = await SQL.value(conn, "hand_back", conversation_id=conversation_id)
    return held_by


async def record_promise(conn: Connection, customer_id: CustomerId, promised: str, due_at: datetime) -> int:
    return int(await SQL.value(conn, "record_promise", customer_id=customer_id, promised=promised, due_at=due_at))


async def promise_news(conn: Connection, incident_id: IncidentId, due_at: datetime) -> int:
    """Keeps, for each who was just told of the incident, that they will hear from us again by `due_at`; how many."""
    return await SQL.run(conn, "promise_news", incident_id=incident_id, promised=promised_news(incident_id), due_at=due_at)


async def keep_promise_of_news(conn: Connection, incident_id: IncidentId, at: datetime) -> int:
    """Whoever was just told of the end of it has heard from us again; how many."""
    return await SQL.run(conn, "keep_promise_of_news", incident_id=incident_id, promised=promised_news(incident_id), at=at)


async def begin_call(conn: Connection, provider_id: str, address: str, customer_id: CustomerId | None, language: str) -> None:
    """A call rang; told of again, it is the same call."""
    await SQL.run(conn, "begin_call", provider_id=provider_id, address=address, customer_id=customer_id, language=language)


async def try_pin(conn: Connection, provider_id: str, mac: bytes) -> bool:
    """Whether this is the PIN of the engineer whose number the call comes from; then the call is theirs."""
    return bool(await SQL.value(conn, "try_pin", provider_id=provider_id, mac=mac))


async def connect_call(conn: Connection, provider_id: str, session_id: str) -> bool:
    """Gives the call its one socket; False where it has one, is over, or never rang."""
    return bool(await SQL.run(conn, "connect_call", provider_id=provider_id, session_id=session_id))


async def take_turn(conn: Connection, call_id: int, inbound: Inbound, language: str) -> None:
    """The caller spoke: what we say from now on answers this."""
    await SQL.run(
        conn, "take_turn", call_id=call_id, conversation_id=inbound.conversation_id, message_id=inbound.message_id, language=language
    )


async def mark_spoken(conn: Connection, call_id: int, message_id: int) -> None:
    await SQL.run(conn, "mark_spoken", call_id=call_id, message_id=message_id)


async def mark_interrupted(conn: Connection, call_id: int) -> None:
    await SQL.run(conn, "mark_interrupted", call_id=call_id)


async def mark_transferred(conn: Connection, call_id: int) -> None:
    await SQL.run(conn, "mark_transferred", call_id=call_id)


async def end_call(conn: Connection, provider_id: str) -> bool:
    """False where it was over before, or never rang."""
    return bool(await SQL.run(conn, "end_call", provider_id=provider_id))


async def queue_ruling(conn: Connection, one: RulingToTell, channel: str, template: str, words: str) -> bool:
    """Leaves for the outbox what became of a request, once for each; False where it was left before."""
    return bool(
        await SQL.run(
            conn,
            "queue_ruling",
            customer_id=one.customer_id,
            key=f"ruling:{one.action_id}",
            channel=channel,
            address=one.address,
            language=one.language,
            template=template,
            words=words,
        )
    )
