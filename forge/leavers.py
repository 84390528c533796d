"""Who left is settled with, every night after the bills: final statements in their favour are issued, and what is theirs goes back."""

import uuid
from typing import Final

import structlog

from atlas.billing.reads.leavers import final_statements, owed_to_leavers
from atlas.billing.rules.leavers import goes_alone, is_due
from atlas.identity import CorrelationId
from atlas.principal import executor
from forge.actions.billing.leavers import IssueFinalStatements, PayBackLeaver
from forge.propose import Forge, Proposed, propose

log = structlog.get_logger()

SETTLING: Final = executor("leavers")
# So many statements a proposal: what a person can look through, and the matrix's own limit for what goes alone.
AT_ONCE: Final = 500


async def settle_with_leavers(forge: Forge) -> list[Proposed]:
    """Proposes the statements, then what can go back by the way it came; the rest is listed for staff with its reason."""
    async with forge.atlas.transaction(SETTLING) as conn:
        ready = [one for one in await final_statements(conn) if goes_alone(one)]
    parts = (tuple(ready[at : at + AT_ONCE]) for at in range(0, len(ready), AT_ONCE))
    made = [await _proposed(forge, IssueFinalStatements(part), "the last bills of those who left") for part in parts]
    today = forge.now().astimezone(forge.timezone).date()
    async with forge.atlas.transaction(SETTLING) as conn:
        due = [one for one in await owed_to_leavers(conn, today) if is_due(one)]
        orders = [await PayBackLeaver.of(conn, one.customer_id, forge.now()) for one in due]
    made += [await _proposed(forge, order, "they left, and it is theirs") for order in orders]
    log.info("leavers_settled_with", statements=len(ready), paying_back=len(orders))
    return made


async def _proposed(forge: Forge, action: IssueFinalStatements | PayBackLeaver, reason: str) -> Proposed:
    return await propose(forge, SETTLING, action, reason=reason, correlation_id=CorrelationId(uuid.uuid4()), tries=3)
