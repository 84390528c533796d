"""Where billing, provisioning, the session and the inventory do not agree, and what it costs a month."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from atlas.identity import CustomerId, OfferingVersionId, SubscriberId
from atlas.money import Money


class LeakKind(StrEnum):
    SESSION_WITHOUT_CHARGE = "session_without_charge"
    CHARGE_WITHOUT_SESSION = "charge_without_session"
    SPEED_DIFFERS = "speed_differs"
    SUSPENDED_BUT_ONLINE = "suspended_but_online"
    HELD_BY_NO_LINE = "held_by_no_line"


@dataclass(frozen=True)
class Leak:
    """One disagreement that stands. `place` and `row_id` name the row that is too many or too few; `monthly` is what it costs a month."""

    id: int
    kind: LeakKind
    subscriber_id: SubscriberId
    customer_id: CustomerId
    name: str
    place: str
    row_id: int
    monthly: Money
    detail: str
    since: datetime | None
    found_at: datetime


@dataclass(frozen=True)
class LeakTotal:
    """How many disagreements of one kind stand, and what all of them cost a month."""

    kind: LeakKind
    count: int
    monthly: Money


@dataclass(frozen=True)
class LineAsCharged:
    """What a line is, and is charged for: what a correction would bring the network, or the bill, back to."""

    state: str
    offering_version_id: OfferingVersionId
    down_kbps: int
    up_kbps: int
    session_started_at: datetime | None


@dataclass(frozen=True)
class Looked:
    """One look: how many lines, what was new and what was gone."""

    lines: int
    found: int
    gone: int
