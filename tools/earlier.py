"""What was said earlier in a conversation, for a turn that has no checkpoint to go on from."""

from uuid import UUID

from atlas.connection import Atlas
from atlas.helpdesk.reads import conversation_of_thread, messages
from atlas.helpdesk.records import Message
from atlas.principal import Principal


async def answered_messages(atlas: Atlas, principal: Principal, thread: UUID, most: int) -> list[Message]:
    """The conversation's last messages up to our own last one, oldest first; of `principal`'s conversations only."""
    async with atlas.transaction(principal) as conn:
        found = await conversation_of_thread(conn, thread)
        written = await messages(conn, found.conversation_id, most) if found else []
    while written and not written[-1].is_from_us:
        written.pop()
    return written
