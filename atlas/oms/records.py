"""Orders and what became of them, in the states of TMF622."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from atlas.identity import CustomerId, OfferingVersionId, OrderId, SubscriberId
from atlas.money import Money


class OrderState(StrEnum):
    """TMF622 v4."""

    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    PENDING = "pending"
    HELD = "held"
    IN_PROGRESS = "inProgress"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    FAILED = "failed"
    PARTIAL = "partial"
    ASSESSING_CANCELLATION = "assessingCancellation"
    PENDING_CANCELLATION = "pendingCancellation"


@dataclass(frozen=True)
class Order:
    """One order; `plan` is what was ordered, where a plan was."""

    id: OrderId
    customer_id: CustomerId
    subscriber_id: SubscriberId | None
    kind: str
    state: OrderState
    plan: str | None
    wanted_on: date | None
    ordered_at: datetime
    state_changed_at: datetime
    last_reason: str | None


@dataclass(frozen=True)
class Fulfilment:
    """An order for another plan, and what it takes to carry it out: the line as it is, and as it will be."""

    order_id: OrderId
    customer_id: CustomerId
    subscriber_id: SubscriberId
    state: OrderState
    version_before: OfferingVersionId
    version_after: OfferingVersionId
    plan_before: str
    plan_after: str
    down_kbps_before: int
    up_kbps_before: int
    down_kbps_after: int
    up_kbps_after: int


@dataclass(frozen=True)
class PlanChange:
    """What changing one line to another plan would mean. Prices are a month's, tax left out; negative `difference` is cheaper."""

    customer_id: CustomerId
    subscriber_id: SubscriberId
    line_state: str
    plan_before: str
    plan_after: str
    code: str
    offering_version_id: OfferingVersionId
    offering_status: str
    is_same_version: bool
    is_same_technology: bool
    is_same_segment: bool
    monthly_before: Money
    monthly_after: Money
    latest_order_id: OrderId | None
    open_order_id: OrderId | None

    @property
    def difference(self) -> Money:
        return self.monthly_after - self.monthly_before
