"""Keeps letters, each once, in one transaction with the job that answers them. What a program wrote is noted and answered by nobody."""

from datetime import datetime
from typing import Final

from api.inbound.chat import take_down
from api.inbound.inbox import defer_answer
from api.inbound.mail.parsing import PROVIDER, Letter, Returned
from api.inbound.senders import Sender, sender_at
from atlas.connection import Atlas
from atlas.helpdesk.reads import letters_since
from atlas.helpdesk.writes import file_message, leave_unanswered, merge_delivery, note_robot, take_in
from atlas.principal import intake, stranger

# Whoever gets more answers than this within the hour is a program that says it is none: that is where a loop would end.
MOST_AN_HOUR: Final = 20
CHANNEL: Final = "email"


async def keep_letter(atlas: Atlas, said: Letter | Returned, at: datetime) -> bool:
    """False where it was kept before."""
    if isinstance(said, Returned):
        return await _keep_returned(atlas, said)
    async with atlas.transaction(intake(PROVIDER)) as conn:
        if said.robot:
            return await note_robot(conn, PROVIDER, said.provider_id, said.robot)
        inbox_id = await take_in(
            conn, PROVIDER, said.provider_id, "message", profile_name=said.name, media=said.media, subject=said.subject
        )
        if inbox_id is None:
            return False
        # Anybody can write an address into a letter: without our own server's word that it is theirs, it is nobody's.
        who = await sender_at(conn, CHANNEL, said.address, said.words, at) if said.is_proven else Sender(stranger())
        reference = f"{PROVIDER}:{said.provider_id}"
        kept = await take_down(conn, atlas.secret, who.principal, CHANNEL, said.address, said.words, at, reference=reference)
        await file_message(conn, inbox_id, kept.inbound, kept.code_mac, is_choice=who.is_choice)
        if await letters_since(conn, kept.inbound.conversation_id, CHANNEL, said.address) > MOST_AN_HOUR:
            await leave_unanswered(conn, inbox_id)
        else:
            await defer_answer(conn, kept.inbound.conversation_id)
    return True


async def _keep_returned(atlas: Atlas, returned: Returned) -> bool:
    async with atlas.transaction(intake(PROVIDER)) as conn:
        if await take_in(conn, PROVIDER, returned.reference, "status:undelivered", carrier_error=returned.status) is None:
            return False
        await merge_delivery(conn, PROVIDER, returned.reference)
    return True


async def keep_unreadable(atlas: Atlas, provider_id: str, why: str) -> bool:
    """What cannot be read as a letter stays in the mailbox; here is why nobody answered it."""
    async with atlas.transaction(intake(PROVIDER)) as conn:
        return await note_robot(conn, PROVIDER, provider_id, f"unreadable: {why}")
