"""Whom a link in a letter speaks for, and that they hear no more of its kind: the same order as STOP's, of one purpose by mail."""

from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import structlog

from api.bootstrap import House
from atlas.actions.records import ActionState
from atlas.crm.reads import customers_at, last_said_at, recipient
from atlas.crm.records import Channel, Consent, Recipient
from atlas.errors import Conflict, NotFound
from atlas.identity import CorrelationId, CustomerId
from atlas.principal import executor
from atlas.statements import Connection
from forge.actions.crm.customers import RecordContactPreference
from forge.outside.stop_links import Stop, StopLinks
from forge.propose import propose

log = structlog.get_logger()

DESK: Final = executor("unsubscribe")


class NotStopped(Conflict):
    """Their wish could not be recorded: whoever pressed tries again, as their mail provider does by itself."""


@dataclass(frozen=True)
class Reader:
    """Whoever has the letter. `owners` is empty where its address is on nobody's file any more."""

    language: str
    owners: tuple[CustomerId, ...]


async def reader_of(house: House, links: StopLinks, stop: Stop) -> Reader:
    """The customer of the letter, as long as its address is theirs, and whoever shares it: neighbours' letters there are sent once."""
    async with house.atlas.transaction(DESK) as conn:
        known = await _as_they_are_now(conn, stop.customer_id)
        if known is None:
            return Reader("en", ())
        theirs = (one.address for one in known.contacts if one.channel is Channel.EMAIL)
        address = next((one for one in theirs if links.mac(one) == stop.address_mac), "")
        owners = {known.customer.id, *await customers_at(conn, address)} if address else set()
    return Reader(known.customer.language, tuple(sorted(owners)))


async def _as_they_are_now(conn: Connection, customer_id: CustomerId) -> Recipient | None:
    """The customer, or the one that they were found to be; None where there is no such customer."""
    try:
        found = await recipient(conn, customer_id)
        merged = found.customer.merged_into_id
        return found if merged is None else await recipient(conn, merged)
    except NotFound:
        return None


async def stopped(house: House, links: StopLinks, stop: Stop) -> Reader:
    """Records that whoever reads these letters wishes no more of them. Pressed again it is what it was. Raises NotStopped."""
    reader = await reader_of(house, links, stop)
    for owner in reader.owners:
        async with house.atlas.transaction(DESK) as conn:
            said = (await recipient(conn, owner)).consents
            said_at = await last_said_at(conn, owner, stop.purpose, Channel.EMAIL)
        no_more = Consent(stop.purpose, Channel.EMAIL, False)
        if no_more in said:
            continue
        # Pressed twice at once it is one wish; pressed again after they asked to hear from us, it is another.
        source = f"letter:{stop.purpose.value}:{said_at.isoformat() if said_at else 'first'}"
        wish = RecordContactPreference(owner, source, (no_more,))
        made = await propose(
            house.forge, DESK, wish, reason="whoever reads their mail pressed unsubscribe", correlation_id=CorrelationId(uuid4())
        )
        if made.state is not ActionState.DONE:
            log.warning("unsubscribe_not_recorded", state=made.state.value, action_id=made.action_id)
            raise NotStopped("this could not be recorded just now; try again, or answer the mail with STOP")
    return reader
