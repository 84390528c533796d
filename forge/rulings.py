"""Who asked for something that waited for a person is told what became of it: law 4's other half."""

from typing import Final
from uuid import uuid4

from atlas.actions.records import ActionState
from atlas.helpdesk.reads import rulings_to_tell
from atlas.identity import ActionId, CorrelationId
from atlas.principal import executor
from forge.actions.helpdesk.saying import TellRuling
from forge.propose import Forge, propose

TELLER: Final = executor("rulings")
# At a time; the rest has its turn within seconds.
MOST: Final = 50


async def tell_rulings(forge: Forge) -> list[ActionId]:
    """Tells each customer whose request was done, rejected, given up or lapsed; which requests. Safe to call at any time."""
    async with forge.atlas.transaction(TELLER) as conn:
        ended = await rulings_to_tell(conn, TellRuling.WITHIN, MOST)
    told = []
    for one in ended:
        telling = TellRuling(one.action_id, one.customer_id)
        reason = "whoever asked is told what became of it"
        made = await propose(forge, TELLER, telling, reason=reason, correlation_id=CorrelationId(uuid4()))
        if made.state is ActionState.DONE:
            told.append(one.action_id)
    return told
