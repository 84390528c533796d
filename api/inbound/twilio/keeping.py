"""Keeps what Twilio said, each thing once, in one transaction with the job that answers it."""

from datetime import datetime

from api.inbound.chat import take_down
from api.inbound.inbox import defer_answer
from api.inbound.senders import sender_at
from api.inbound.twilio.parsing import PROVIDER, Became, Heard
from atlas.connection import Atlas
from atlas.helpdesk.writes import file_message, merge_delivery, take_in
from atlas.principal import intake


async def keep_message(atlas: Atlas, heard: Heard, at: datetime) -> bool:
    """False where it was kept before."""
    async with atlas.transaction(intake(PROVIDER)) as conn:
        inbox_id = await take_in(conn, PROVIDER, heard.provider_id, "message", profile_name=heard.profile_name, media=heard.media)
        if inbox_id is None:
            return False
        who = await sender_at(conn, heard.channel, heard.address, heard.words, at)
        reference = heard.provider_id
        kept = await take_down(conn, atlas.secret, who.principal, heard.channel, heard.address, heard.words, at, reference)
        await file_message(conn, inbox_id, kept.inbound, kept.code_mac, is_choice=who.is_choice)
        await defer_answer(conn, kept.inbound.conversation_id)
    return True


async def keep_status(atlas: Atlas, became: Became) -> bool:
    """False where it was kept before."""
    async with atlas.transaction(intake(PROVIDER)) as conn:
        if await take_in(conn, PROVIDER, became.provider_id, f"status:{became.status}", carrier_error=became.error) is None:
            return False
        await merge_delivery(conn, PROVIDER, became.provider_id)
    return True
