"""What a failing of ours is worth to whom: a repair that came late, a visit that did not take place, a service that began late."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from atlas.billing.records.compensation import Credit
from atlas.identity import CustomerId, SubscriberId
from atlas.money import Money


class Failing(StrEnum):
    LATE_REPAIR = "late_repair"
    MISSED_VISIT = "missed_visit"
    LATE_START = "late_start"


@dataclass(frozen=True)
class Suffered:
    """One failing at one line, with the rate of its day. `given`: what was credited for the same thing already, under another rule."""

    customer_id: CustomerId
    subscriber_id: SubscriberId
    rule: Failing
    cause: str
    began_at: datetime
    ended_at: datetime
    timezone: str
    rate: Money
    free_working_days: int
    most_days: int | None
    given: Money


@dataclass(frozen=True)
class Owed:
    """What is to be credited for one cause, to everybody who suffered by it."""

    cause: str
    rule: Failing
    credits: tuple[Credit, ...]
