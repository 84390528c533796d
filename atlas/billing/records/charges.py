"""What a line is charged, and since when."""

from dataclasses import dataclass
from datetime import date, datetime

from atlas.identity import ChargeId, CustomerId, OfferingVersionId, OrderId, SubscriberId


@dataclass(frozen=True)
class Charge:
    """One version of the catalogue charged to one line. `ends_on` is the first day no longer charged, None while it runs."""

    id: ChargeId
    customer_id: CustomerId
    subscriber_id: SubscriberId
    offering_version_id: OfferingVersionId
    plan: str
    is_add_on: bool
    starts_on: date
    ends_on: date | None
    evidence: str
    evidence_at: datetime
    started_by_order_id: OrderId | None
    stopped_by_order_id: OrderId | None
    stopped_because: str
