"""What somebody wrote, kept before anything thinks about it."""

from dataclasses import dataclass
from datetime import datetime

from atlas.connection import Atlas
from atlas.helpdesk.reads import awaits_code
from atlas.helpdesk.records import Inbound
from atlas.helpdesk.rules import code_key, code_mac, without_digits
from atlas.helpdesk.writes import record_inbound
from atlas.principal import Principal, intake
from atlas.statements import Connection


@dataclass(frozen=True)
class TakenDown:
    """Where the words were put, the words as they are kept, and the MAC of a one-time code that was taken out of them before."""

    inbound: Inbound
    words: str
    code_mac: bytes | None


async def heard(atlas: Atlas, principal: Principal, channel: str, address: str | None, words: str, at: datetime) -> TakenDown:
    """Stores the words in the conversation they belong to. The door says whose they are; the words never do."""
    async with atlas.transaction(intake(channel)) as conn:
        return await take_down(conn, atlas.secret, principal, channel, address, words, at)


async def take_down(
    conn: Connection,
    secret: bytes,
    principal: Principal,
    channel: str,
    address: str | None,
    words: str,
    at: datetime,
    reference: str | None = None,
) -> TakenDown:
    """Stores the words without the one-time codes in them."""
    is_awaited = address is not None and principal.staff_id is None and await awaits_code(conn, channel, address)
    cleaned, digits = without_digits(words, is_awaited=is_awaited)
    inbound = await record_inbound(
        conn,
        channel=channel,
        address=address,
        customer_id=principal.customer_id,
        staff_id=principal.staff_id,
        words=cleaned,
        at=at,
        author=principal.reference,
        provider_reference=reference,
    )
    mac = code_mac(code_key(secret), channel, address, digits) if digits and address else None
    return TakenDown(inbound, cleaned, mac)
