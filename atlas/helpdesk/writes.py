"""Changes to what is said. Inbound words are facts; notices, replies and promises need a claimed action."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from atlas.helpdesk.records import Conversation, Inbound, NoticeDraft
from atlas.helpdesk.rules import SAME_CASE, promised_news, storable
from atlas.identity import ConversationId, CustomerId, IncidentId, StaffId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def queue_notices(conn: Connection, incident_id: IncidentId, purpose: str, drafts: Sequence[NoticeDraft]) -> int:
    """Leaves the notices for the outbox, one per customer, incident and purpose; how many were new."""
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
        provider_reference=provider_reference,
    )


async def record_reply(conn: Connection, conversation_id: ConversationId, words: str, *, author: str, trace: Any, at: datetime) -> int:
    """Writes our own message into the thread; its id. Needs a claimed action."""
    written = await SQL.value(
        conn, "record_reply", conversation_id=conversation_id, words=words, author=author, trace=json.dumps(trace), at=at
    )
    return int(written)


async def change_owner(conn: Connection, conversation_id: ConversationId, owner: str, because: str | None = None) -> bool:
    """Gives the conversation to agents, queue or staff:ID; False where it was theirs already."""
    return bool(await SQL.run(conn, "change_owner", conversation_id=conversation_id, owner=owner, because=because))


async def record_promise(conn: Connection, customer_id: CustomerId, promised: str, due_at: datetime) -> int:
    return int(await SQL.value(conn, "record_promise", customer_id=customer_id, promised=promised, due_at=due_at))


async def promise_news(conn: Connection, incident_id: IncidentId, due_at: datetime) -> int:
    """Keeps, for each who was just told of the incident, that they will hear from us again by `due_at`; how many."""
    return await SQL.run(conn, "promise_news", incident_id=incident_id, promised=promised_news(incident_id), due_at=due_at)


async def keep_promise_of_news(conn: Connection, incident_id: IncidentId, at: datetime) -> int:
    """Whoever was just told of the end of it has heard from us again; how many."""
    return await SQL.run(conn, "keep_promise_of_news", incident_id=incident_id, promised=promised_news(incident_id), at=at)
