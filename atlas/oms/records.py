"""Orders and what became of them, in the states of TMF622."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from atlas.identity import CorrelationId, CustomerId, JobId, OfferingVersionId, OrderId, PremiseId, QuoteId, SubscriberId
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
    """What changing one line to another plan would mean. Prices are a month's, tax left out; negative `difference` is cheaper.

    `loses`: the names of the add-ons that end with it, for they do not go with the plan or come with it.
    """

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
    loses: tuple[str, ...] = ()

    @property
    def difference(self) -> Money:
        return self.monthly_after - self.monthly_before


@dataclass(frozen=True)
class AddOn:
    """One add-on and one line, as it is today. Prices are tax left out: of what the line holds, else of what is on sale.

    `offering_version_id` is what is on sale, None where nothing is; `held_version` what the line holds, None where it holds none.
    `beside`: the codes of the other add-ons that the line holds.
    """

    customer_id: CustomerId
    subscriber_id: SubscriberId
    line_state: str
    plan: str
    plan_code: str
    code: str
    name: str
    offering_version_id: OfferingVersionId | None
    offering_status: str
    is_for_line: bool
    is_for_them: bool
    is_sold_here: bool
    monthly: Money
    one_off: Money
    held_version: OfferingVersionId | None
    held_from: date | None
    beside: tuple[str, ...]
    latest_order_id: OrderId | None
    open_order_id: OrderId | None

    @property
    def is_held(self) -> bool:
        return self.held_version is not None


@dataclass(frozen=True)
class AddOnOrder:
    """An order that begins or ends an add-on: the version it is about, and the speed of the line, which stays."""

    order_id: OrderId
    customer_id: CustomerId
    subscriber_id: SubscriberId
    version: OfferingVersionId
    line_state: str
    down_kbps: int
    up_kbps: int
    plan_code: str
    code: str
    name: str


class ItemAction(StrEnum):
    """TMF622 v4."""

    ADD = "add"
    MODIFY = "modify"
    DELETE = "delete"
    NO_CHANGE = "noChange"


@dataclass(frozen=True)
class Offer:
    """One plan at one premise for one customer, as it could be ordered today. Prices are a month's, tax left out."""

    customer_id: CustomerId
    customer_state: str
    premise_id: PremiseId
    code: str
    plan: str
    offering_version_id: OfferingVersionId
    offering_status: str
    technology: str
    is_for_them: bool
    monthly: Money
    open_order_id: OrderId | None
    live_line_id: SubscriberId | None


@dataclass(frozen=True)
class Quote:
    """What a line was offered at, a month, tax left out. `ordered_as`: the order that was placed from it; None as long as none was."""

    id: QuoteId
    customer_id: CustomerId
    premise_id: PremiseId | None
    code: str
    plan: str
    offering_version_id: OfferingVersionId
    monthly: Money
    quoted_at: datetime
    stands_until: datetime
    ordered_as: OrderId | None


@dataclass(frozen=True)
class Case:
    """One order in flight, and all that decides what happens to it next. `sequence_state` is None where none was begun.

    `consent` is that of the landlord of `building`, not_needed where the premise is in none.
    """

    order_id: OrderId
    customer_id: CustomerId
    subscriber_id: SubscriberId
    premise_id: PremiseId
    kind: str
    state: OrderState
    state_changed_at: datetime
    version: OfferingVersionId | None
    down_kbps: int
    up_kbps: int
    plan: str
    technology: str
    monthly: Money
    serial: str | None
    needs_visit: bool
    wanted_on: date | None
    is_due: bool
    is_past_return: bool
    evidence: str | None
    line_state: str
    correlation_id: CorrelationId
    sequence_id: int | None
    sequence_state: str | None
    sequence_why: str | None
    has_suspended_line: bool
    overdue: Money
    is_disputed: bool
    follows_state: OrderState | None
    held_times: int
    building: str
    consent: str


@dataclass(frozen=True)
class Happened:
    """One line of an order's story: which of the ten systems, what, who, and when."""

    at: datetime
    system: str
    what: str
    by: str
    took_ms: int | None


@dataclass(frozen=True)
class StepOfOrder:
    """One step of an order's graph: after which others it comes, how it stands, how long it took."""

    name: str
    after: tuple[str, ...]
    state: str
    failure: str | None
    took_ms: int | None


@dataclass(frozen=True)
class Fallen:
    """An order in the repair queue: the step that failed, why, and until when somebody may mend it."""

    order_id: OrderId
    customer_id: CustomerId
    plan: str
    step: str
    cause: str
    failure: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Jeopardy:
    """An order that will miss its day, or has: by how many days at the pace of others like it."""

    order_id: OrderId
    customer_id: CustomerId
    state: OrderState
    wanted_on: date
    expected_on: date
    reason: str


@dataclass(frozen=True)
class Evidence:
    """The first thing that showed that a line works; `at` by whoever saw it."""

    what: str
    at: datetime


@dataclass(frozen=True)
class OrderVisit:
    """The latest visit of an order, as a job of the field; `engineer` empty: nobody was found yet. `findings`: what was left there."""

    job_id: JobId
    state: str
    window_from: datetime
    window_until: datetime
    engineer: str
    findings: str

    @property
    def is_ahead(self) -> bool:
        return self.state in ("acknowledged", "held", "inProgress")


@dataclass(frozen=True)
class Installation:
    """One of a customer's orders whose last metres are still to be laid: where, and its latest visit. Positions in WGS 84."""

    order_id: OrderId
    subscriber_id: SubscriberId
    premise_id: PremiseId
    technology: str
    area: str
    latitude: float
    longitude: float
    job_id: JobId
    state: str
    window_from: datetime
    window_until: datetime

    @property
    def visit(self) -> OrderVisit:
        return OrderVisit(self.job_id, self.state, self.window_from, self.window_until, "", "")


@dataclass(frozen=True)
class ToTell:
    """How the customer of an order is written to about it."""

    channel: str
    address: str
    language: str
    timezone: str
    plan: str
