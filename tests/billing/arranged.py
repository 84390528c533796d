"""Bills, debts and incidents that the billing tests start from."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from atlas.identity import CustomerId, IncidentId
from tests import given
from tests.given import NOW, Owner, row


async def bill(
    owner: Owner, customer_id: int, month: date, lines: Mapping[str, int], tax: Mapping[str, int] | None = None, **columns: Any
) -> int:
    """A bill with lines (label to minor units; `tax` likewise), issued and in the ledger; a draft where `issued_at` is None."""
    issued_at = columns.pop("issued_at", NOW)
    end = (month + timedelta(days=31)).replace(day=1)
    columns = {"due_on": month + timedelta(days=14), "period_from": month, "period_to": end, **columns}
    invoice = await row(owner, "billing.invoice", customer_id=customer_id, month=month, **columns)
    for label, amount in lines.items():
        values = {"invoice_id": invoice, "label": label, "kind": "recurring", "amount_minor": amount, "cause": "plan"}
        values["tax_minor"] = (tax or {}).get(label, 0)
        await row(owner, "billing.invoice_line", **values)
    if issued_at is not None:
        await owner.execute("SELECT billing.issue_invoices(ARRAY[%s]::bigint[], %s)", (invoice, issued_at))
    return invoice


async def payment(owner: Owner, customer_id: int | None, amount_minor: int, received_at: datetime = NOW, reference: str = "") -> str:
    """Money that arrived, in the ledger; the provider's reference for it."""
    reference = reference or uuid.uuid4().hex
    parameters = (customer_id, amount_minor, received_at, "card", reference)
    await owner.execute("SELECT billing.receive_payment(%s, %s, %s, %s, %s)", parameters)
    return reference


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


async def owed(owner: Owner, customer_id: int) -> int:
    """What the customer owes by the books, in minor units."""
    return int(
        await one(
            owner,
            "SELECT coalesce(sum(amount_minor), 0) FROM billing.balance WHERE customer_id = %s AND ledger_account = 'receivable'",
            customer_id,
        )
    )


async def open_of(owner: Owner, invoice: int) -> int:
    """What is open of a bill, in minor units."""
    return int(
        await one(
            owner,
            "SELECT coalesce(sum(open_minor), 0) FROM billing.open_item JOIN billing.invoice USING (journal_id) WHERE invoice.id = %s",
            invoice,
        )
    )


async def one(owner: Owner, statement: str, *parameters: Any) -> Any:
    """The first column of the one row that the statement answers with."""
    found = await (await owner.execute(statement.encode(), parameters)).fetchone()
    return found[0] if found else None


async def told_from_when(
    owner: Owner, customer_id: int, oldest_due_on: date, cut_from: date = NOW.date(), sent_at: datetime | None = None
) -> None:
    """That a word reached the customer: from this day on their line may be cut off for that debt."""
    sent_at = sent_at or NOW - timedelta(days=6)
    action = await given.action(owner, "warn_of_suspension")
    step = {"step": "told-from-when", "oldest_due_on": oldest_due_on, "owed_minor": 3000, "taken_at": sent_at, "announced_for": cut_from}
    await row(owner, "billing.dunning_step", customer_id=customer_id, action_id=action, **step)
    words = {"channel": "sms", "address": "+447700900001", "language": "en", "template": "suspension_notice.en", "words": "told"}
    await row(
        owner,
        "helpdesk.notice",
        customer_id=customer_id,
        purpose="suspension_notice",
        key=f"told:{uuid.uuid4()}",
        state="sent",
        sent_at=sent_at,
        action_id=action,
        **words,
    )
