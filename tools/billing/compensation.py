"""What an agent may ask of credits. Amounts include tax; no answer holds anything about another customer."""

from datetime import timedelta
from typing import Final

from atlas.billing.reads import compensation as reads
from atlas.billing.records.compensation import CreditGiven, CreditKind
from atlas.billing.rules.compensation import NothingToCredit
from atlas.identity import CustomerId
from atlas.principal import Assurance
from forge.actions.billing.compensation import RequestCredit
from forge.propose import Proposed
from tools.turn import Turn, needs

# An outage longer ago than this is no longer made good on request; a person decides.
CREDITED_FOR: Final = timedelta(days=30)


@needs(Assurance.VERIFIED)
async def my_credits(turn: Turn) -> list[CreditGiven]:
    """Credits the customer was given in the last 30 days, and how each was worked out."""
    return await reads.credits_given(turn.conn, turn.customer_id, turn.now - CREDITED_FOR)


@needs(Assurance.VERIFIED)
async def request_credit(turn: Turn) -> Proposed:
    """Asks for the credit that the customer's latest outage gives a right to; answers with a reference, and whether it was given or waits.

    The amount is worked out here. Where there was no outage in 30 days, or it was credited, the answer says so.
    """
    return await _request_credit(turn, turn.customer_id)


async def request_credit_for(turn: Turn, customer_id: CustomerId) -> Proposed:
    """Asks for the credit that this customer's latest outage gives a right to; answers with a reference. For staff.

    The amount is worked out here. Where there was no outage in 30 days, or it was credited, the answer says so.
    """
    turn.for_staff_only()
    return await _request_credit(turn, customer_id)


async def _request_credit(turn: Turn, customer_id: CustomerId) -> Proposed:
    incident_id = await reads.last_incident_of(turn.conn, customer_id, turn.now - CREDITED_FOR)
    if incident_id is None:
        raise NothingToCredit(customer_id)
    for kind in CreditKind:
        due = await reads.credits_due_for(turn.conn, incident_id, kind, turn.now)
        own = tuple(credit for credit in due if credit.customer_id == customer_id)
        if own:
            return await turn.propose(
                RequestCredit(customer_id, incident_id, own, kind), "the customer asks for a credit for an outage at their line"
            )
    raise NothingToCredit(customer_id)
