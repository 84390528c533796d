"""What an escalation matrix is made of: rows, allowances over time, and the limits that no row may pass."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import time, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final, TypeVar

from atlas.money import ZERO, Money
from atlas.principal import Role
from governance.facts import DeviceTier, Facts, ProposerKind

Measure = TypeVar("Measure", Money, int)


class Answer(StrEnum):
    """What governance answers. Whatever is neither allowed nor approved is not done."""

    ALLOWED = "allowed"
    ALLOWED_AND_TOLD = "allowed_and_told"
    NEEDS_APPROVAL = "needs_approval"
    REFUSED = "refused"

    @property
    def is_alone(self) -> bool:
        """Goes ahead with no person asked."""
        return self in (Answer.ALLOWED, Answer.ALLOWED_AND_TOLD)


# The words of the file, as an operator would say them.
ANSWER_WORDS: Final[Mapping[str, Answer]] = {
    "auto": Answer.ALLOWED,
    "auto_and_tell": Answer.ALLOWED_AND_TOLD,
    "approve": Answer.NEEDS_APPROVAL,
    "forbid": Answer.REFUSED,
}
STRICTNESS: Final[Mapping[Answer, int]] = {answer: rank for rank, answer in enumerate(Answer)}


class Hours(StrEnum):
    ANY = "any"
    WAKING = "waking"
    QUIET = "quiet"


class Per(StrEnum):
    """Whose allowance it is. For `customer` and `device` the one who has had most of all those touched counts."""

    PROPOSER = "proposer"
    CUSTOMER = "customer"
    DEVICE = "device"
    OPERATOR = "operator"


@dataclass(frozen=True)
class Row:
    """One line of the matrix: it covers facts within all its limits and circumstances. None: any."""

    rule: str
    actions: tuple[str, ...]
    answer: Answer
    because: str
    by: frozenset[ProposerKind] = frozenset(ProposerKind)
    money_up_to: Money | None = None
    money_each_up_to: Money | None = None
    customers_up_to: int | None = None
    devices_up_to: int | None = None
    crews_up_to: int | None = None
    device_tier_up_to: DeviceTier | None = None
    least_confidence: float | None = None
    hours: Hours = Hours.ANY
    incident_confirmed: bool | None = None
    vulnerable: bool | None = None
    emergency_line: bool | None = None
    disputed: bool | None = None
    approvers: tuple[Role, ...] = ()
    how_many: int = 0
    tell: tuple[Role, ...] = ()
    expires_in: timedelta = timedelta(0)
    execute_within: timedelta = timedelta(0)
    line: int = field(default=0, compare=False)

    @property
    def conditions(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in CONDITIONS)

    def covers(self, facts: Facts) -> bool:
        return self._allows_size(facts) and self._fits_circumstances(facts)

    def _allows_size(self, facts: Facts) -> bool:
        return (
            is_within(facts.money, self.money_up_to)
            and is_within(facts.largest_share, self.money_each_up_to)
            and is_within(facts.customers, self.customers_up_to)
            and is_within(facts.devices, self.devices_up_to)
            and is_within(facts.crews, self.crews_up_to)
            and is_within(facts.device_tier, self.device_tier_up_to)
            and facts.confidence >= (self.least_confidence or 0.0)
        )

    def _fits_circumstances(self, facts: Facts) -> bool:
        return (
            facts.proposer_kind in self.by
            and (self.hours is Hours.ANY or facts.in_quiet_hours is (self.hours is Hours.QUIET))
            and self.incident_confirmed in (None, facts.incident_confirmed)
            and self.vulnerable in (None, facts.touches_vulnerable)
            and self.emergency_line in (None, facts.touches_emergency_line)
            and self.disputed in (None, facts.is_disputed)
        )


CONDITIONS: Final = (
    "by",
    "money_up_to",
    "money_each_up_to",
    "customers_up_to",
    "devices_up_to",
    "crews_up_to",
    "device_tier_up_to",
    "least_confidence",
    "hours",
    "incident_confirmed",
    "vulnerable",
    "emergency_line",
    "disputed",
)


def is_within(value: Measure, limit: Measure | None) -> bool:
    return limit is None or value <= limit


@dataclass(frozen=True)
class Allowance:
    """How much may go out alone within a stretch of time, over all actions named; what passes it waits or is refused."""

    rule: str
    actions: tuple[str, ...]
    per: Per
    within: timedelta
    answer: Answer
    because: str
    money_up_to: Money | None = None
    customers_up_to: int | None = None
    devices_up_to: int | None = None
    actions_up_to: int | None = None
    approvers: tuple[Role, ...] = ()
    how_many: int = 0
    expires_in: timedelta = timedelta(0)
    execute_within: timedelta = timedelta(0)
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Limits:
    """The most of each measure. What is not named is nothing at all."""

    money: Money = ZERO
    money_each: Money = ZERO
    customers: int = 0
    devices: int = 0
    crews: int = 0
    device_tier: DeviceTier = DeviceTier.NONE

    def passed_by(self, facts: Facts) -> str | None:
        """The first measure in which the facts go beyond; None when they stay within."""
        measured = {
            "money": facts.money <= self.money,
            "money_each": facts.largest_share <= self.money_each,
            "customers": facts.customers <= self.customers,
            "devices": facts.devices <= self.devices,
            "crews": facts.crews <= self.crews,
            "device_tier": facts.device_tier <= self.device_tier,
        }
        return next((name for name, is_kept in measured.items() if not is_kept), None)


@dataclass(frozen=True)
class HardLimit:
    """What no row and no approver lifts; Atlas's own gate repeats it. `alone` None: never without a person."""

    action: str
    ever: Limits
    alone: Limits | None = None
    disconnects: bool = False
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class QuietHours:
    """A stretch of the local day; it may pass midnight. The start is in it, the end is not."""

    starts: time
    ends: time

    def cover(self, local: time) -> bool:
        if self.starts <= self.ends:
            return self.starts <= local < self.ends
        return local >= self.starts or local < self.ends


@dataclass(frozen=True)
class Matrix:
    """The whole escalation matrix. Only `governance.matrix.load` makes one that has been checked; `source` is its file."""

    rows: tuple[Row, ...]
    allowances: tuple[Allowance, ...]
    hard_limits: tuple[HardLimit, ...]
    quiet_hours: QuietHours
    source: str = field(default="", compare=False, repr=False)

    @cached_property
    def actions(self) -> frozenset[str]:
        return frozenset(self._rows_by_action)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the matrix decides; comments, spacing and line numbers leave it as it is."""
        text = json.dumps(_plain(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def rows_for(self, action: str) -> tuple[Row, ...]:
        return self._rows_by_action.get(action, ())

    def allowances_for(self, action: str) -> tuple[Allowance, ...]:
        return tuple(allowance for allowance in self.allowances if action in allowance.actions)

    def hard_limit_for(self, action: str) -> HardLimit | None:
        return self._limit_by_action.get(action)

    @cached_property
    def _rows_by_action(self) -> dict[str, tuple[Row, ...]]:
        names = dict.fromkeys(action for row in self.rows for action in row.actions)
        return {name: tuple(row for row in self.rows if name in row.actions) for name in names}

    @cached_property
    def _limit_by_action(self) -> dict[str, HardLimit]:
        return {limit.action: limit for limit in self.hard_limits}


def _plain(value: object) -> object:
    if isinstance(value, (Matrix, Row, Allowance, HardLimit, Limits, QuietHours)):
        return {column.name: _plain(getattr(value, column.name)) for column in fields(value) if column.compare}
    if isinstance(value, frozenset):
        return sorted(_plain(member) for member in value)  # type: ignore[type-var]
    if isinstance(value, tuple):
        return [_plain(member) for member in value]
    return value if isinstance(value, (int, float, str)) or value is None else str(value)
