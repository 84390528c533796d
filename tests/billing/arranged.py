"""Bills, debts and incidents that the billing tests start from."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from atlas.identity import CustomerId, IncidentId
from tests import given
from tests.given import NOW, Owner, row


async def bill(owner: Owner, customer_id: int, month: date, lines: Mapping[str, int], **columns: Any) -> int:
    """An issued bill with lines (label to minor units, no tax), and its journal; draft where `issued_at` is None."""
    columns = {
        "number": month.year * 100_000 + month.month * 1000 + customer_id,
        "due_on": month + timedelta(days=14),
        "issued_at": NOW,
        **columns,
    }
    if columns["issued_at"] is None:
        columns["number"] = None
    end = (month + timedelta(days=31)).replace(day=1)
    invoice = await row(owner, "billing.invoice", customer_id=customer_id, month=month, period_from=month, period_to=end, **columns)
    for label, amount in lines.items():
        values = {"invoice_id": invoice, "label": label, "kind": "recurring", "amount_minor": amount, "tax_minor": 0, "cause": "plan"}
        await row(owner, "billing.invoice_line", **values)
    if columns["issued_at"] is not None:
        await posted(owner, customer_id, "invoice", {"receivable": sum(lines.values()), "revenue": -sum(lines.values())})
    return invoice


async def payment(owner: Owner, customer_id: int, amount_minor: int, received_at: datetime = NOW) -> None:
    reference = uuid.uuid4().hex
    values = {"amount_minor": amount_minor, "received_at": received_at, "method": "card", "provider_reference": reference}
    await row(owner, "billing.payment", customer_id=customer_id, **values)
    await posted(owner, customer_id, "payment", {"receivable": -amount_minor, "bank": amount_minor})


async def posted(owner: Owner, customer_id: int, kind: str, sides: Mapping[str, int]) -> None:
    journal = await row(owner, "billing.journal", kind=kind, operation_key=uuid.uuid4().hex)
    await owner.execute(
        "INSERT INTO billing.posting (journal_id, ledger_account, customer_id, amount_minor)"
        " SELECT %s, side.account, %s, side.amount FROM unnest(%s::text[], %s::bigint[]) AS side (account, amount)",
        (journal, customer_id, list(sides), list(sides.values())),
    )


async def compensation(owner: Owner, flat_minor: int = 500, share: str = "0.03333", hours: int = 48) -> None:
    for segment in ("residential", "business"):
        await row(
            owner,
            "billing.compensation_rate",
            segment=segment,
            valid_from=date(2025, 1, 1),
            minimum_outage=timedelta(hours=hours),
            flat_minor=flat_minor,
            monthly_share_per_day=share,
        )


async def outage(owner: Owner, *subscriber_ids: int, lost_at: datetime = NOW, restored_at: datetime | None = None) -> IncidentId:
    """An open incident that cut these lines off."""
    action = await given.action(owner)
    incident = await row(
        owner,
        "itsm.incident",
        cause="feeder",
        is_outage=True,
        confidence=0.9,
        hypotheses=[],
        first_alarm_at=lost_at,
        correlation_id=uuid.uuid4(),
        action_id=action,
    )
    for line in subscriber_ids:
        await row(
            owner,
            "itsm.incident_subscriber",
            incident_id=incident,
            subscriber_id=line,
            lost_at=lost_at,
            restored_at=restored_at,
            action_id=action,
        )
    return IncidentId(incident)


async def customer_with_line(owner: Owner, name: str = "Maya Patel", phone: str | None = None, **columns: Any) -> tuple[CustomerId, int]:
    """A customer with one live line of 30.00 a month."""
    device = await given.device(owner, f"olt-{uuid.uuid4().hex[:6]}")
    made = await given.customer(owner, name, phone, **columns)
    return CustomerId(made), await given.subscriber(owner, made, device)
