"""What somebody typed, kept before anything thinks about it."""

from datetime import datetime

from atlas.connection import Atlas
from atlas.helpdesk.records import Inbound
from atlas.helpdesk.writes import record_inbound
from atlas.principal import Principal, intake


async def heard(atlas: Atlas, principal: Principal, channel: str, address: str | None, words: str, at: datetime) -> Inbound:
    """Stores the words in the conversation they belong to. The door says whose they are; the words never do."""
    async with atlas.transaction(intake(channel)) as conn:
        return await record_inbound(
            conn,
            channel=channel,
            address=address,
            customer_id=principal.customer_id,
            staff_id=principal.staff_id,
            words=words,
            at=at,
            author=principal.reference,
        )
