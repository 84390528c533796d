"""What a member of staff types in the console, kept and answered the way everybody's words are."""

from datetime import datetime
from typing import Final
from uuid import UUID

from api.inbound.chat import take_down
from api.inbound.inbox import defer_answer
from atlas.connection import Atlas
from atlas.helpdesk.rules import check_typed
from atlas.helpdesk.writes import file_message, take_in
from atlas.principal import Principal, intake

CHANNEL: Final = "console"


async def keep_typed(atlas: Atlas, principal: Principal, key: UUID, words: str, at: datetime) -> bool:
    """Stores the words with the job that answers them; False where the same form was sent before. Raises InvalidField."""
    said = check_typed(words)
    async with atlas.transaction(intake(CHANNEL)) as conn:
        inbox_id = await take_in(conn, CHANNEL, str(key), "message")
        if inbox_id is None:
            return False
        kept = await take_down(conn, atlas.secret, principal, CHANNEL, None, said, at)
        await file_message(conn, inbox_id, kept.inbound, kept.code_mac)
        await defer_answer(conn, kept.inbound.conversation_id)
    return True
