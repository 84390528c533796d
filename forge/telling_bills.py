"""Every bill is told of when it is issued: after a run, after what was held is let go, after the last bills of those who left."""

import uuid
from typing import Final

import structlog

from atlas.billing.reads.bills import bills_to_tell
from atlas.billing.reads.dunning import payer_contacts
from atlas.identity import CorrelationId
from atlas.principal import executor
from forge.actions.billing.telling import SendBills
from forge.propose import Forge, Proposed, propose

log = structlog.get_logger()

TELLING: Final = executor("bills")
# So many customers a proposal: the matrix's own limit for what goes alone.
AT_ONCE: Final = 500


async def tell_bills(forge: Forge) -> list[Proposed]:
    """Proposes to write to everybody who can be written to of every bill that was issued and that nobody told them of."""
    async with forge.atlas.transaction(TELLING) as conn:
        issued = await bills_to_tell(conn, forge.now())
        reached = {one.customer_id for one in await payer_contacts(conn, sorted({bill.customer_id for bill in issued}), forge.now())}
    due = [bill for bill in issued if bill.customer_id in reached]
    parts = [tuple(due[at : at + AT_ONCE]) for at in range(0, len(due), AT_ONCE)]
    made = [
        await propose(forge, TELLING, SendBills(part), reason="their bill is issued", correlation_id=CorrelationId(uuid.uuid4()), tries=3)
        for part in parts
    ]
    if issued:
        log.info("bills_told", bills=len(due), cannot_be_told=len(issued) - len(due))
    return made
