"""Every bill is told of when it is issued: after a run, after what was held is let go, after the last bills of those who left."""

import uuid
from typing import Final

import structlog

from atlas.billing.reads.bills import bills_to_tell
from atlas.identity import CorrelationId
from atlas.principal import executor
from forge.actions.billing.telling import SendBills, told_by
from forge.bill_run import go_on
from forge.propose import Forge, Proposed, propose

log = structlog.get_logger()

TELLING: Final = executor("bills")
# So many customers a proposal: the matrix's own limit for what goes alone.
AT_ONCE: Final = 500


async def go_on_and_tell(forge: Forge) -> None:
    """Takes up a run where it stopped; whatever becomes of that, of what is issued by then everybody is told."""
    try:
        await go_on(forge)
    finally:
        await tell_bills(forge)


async def tell_bills(forge: Forge) -> list[Proposed]:
    """Proposes to write to everybody who can be written to of every bill that was issued and that nobody told them of."""
    now = forge.now()
    async with forge.atlas.transaction(TELLING) as conn:
        issued = await bills_to_tell(conn, now)
        reached = await told_by(conn, issued, now)
    due = [bill for bill in issued if bill.invoice_id in reached]
    parts = [tuple(due[at : at + AT_ONCE]) for at in range(0, len(due), AT_ONCE)]
    today = now.astimezone(forge.timezone).date()
    made = [
        await propose(
            forge, TELLING, SendBills(part, today), reason="their bill is issued", correlation_id=CorrelationId(uuid.uuid4()), tries=3
        )
        for part in parts
    ]
    if issued:
        log.info("bills_told", bills=len(due), cannot_be_told=len(issued) - len(due))
    return made
