"""What governance is told of an action: typed columns, measured in Atlas by Forge; nothing in them comes from a model's words."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntEnum, StrEnum
from typing import Final

from atlas.money import ZERO, Money


class DeviceTier(IntEnum):
    """How far up the network the highest device touched stands; the order is the order of harm."""

    NONE = 0
    CUSTOMER = 1  # a customer's own ONT, modem or router
    ACCESS = 2
    AGGREGATION = 3
    METRO = 4
    CORE = 5


class ProposerKind(StrEnum):
    SYSTEM = "system"
    AGENT = "agent"
    CUSTOMER = "customer"
    STAFF = "staff"


# Somebody at the customers' door whom nobody knows has no number, and is judged as a customer.
PROPOSER: Final = re.compile(r"(?:system|agent):[A-Za-z0-9_.\-]{1,64}|(?:customer|staff):[1-9][0-9]{0,17}|customer:stranger", re.ASCII)

# Beyond any operator there is: a figure above these is a fault in whoever measured, never a large action.
MOST_MONEY: Final = Money(10**12)
MOST_COUNTED: Final = 10**9


@dataclass(frozen=True)
class Facts:
    """One proposed action as governance sees it. `proposed_by` is a principal's reference; without one, nothing is permitted.

    `money` is the whole sum; `money_each` the largest share of one customer, None meaning that one customer may get all of it.
    `benefits_proposer`: the proposer, or somebody of the proposer's household, gains by it.
    """

    action: str
    money: Money = ZERO
    money_each: Money | None = None
    customers: int = 0
    devices: int = 0
    crews: int = 0
    device_tier: DeviceTier = DeviceTier.NONE
    confidence: float = 1.0
    is_disconnection: bool = False
    touches_vulnerable: bool = False
    touches_emergency_line: bool = False
    is_disputed: bool = False
    in_quiet_hours: bool = False
    incident_confirmed: bool = False
    benefits_proposer: bool = False
    proposed_by: str = ""

    @property
    def largest_share(self) -> Money:
        return self.money if self.money_each is None else self.money_each

    @property
    def proposer_kind(self) -> ProposerKind:
        return ProposerKind(self.proposed_by.partition(":")[0])

    @property
    def is_protected(self) -> bool:
        """Somebody whose service is never cut automatically: vulnerable, an emergency line, or in dispute."""
        return self.touches_vulnerable or self.touches_emergency_line or self.is_disputed

    @property
    def digest(self) -> str:
        """SHA-256 of the columns; facts that moved while an action waited have another one.

        The hour is left out: it moves by itself, and is judged again when the action is carried out.
        """
        columns = {field.name: str(getattr(self, field.name)) for field in fields(self) if field.name != "in_quiet_hours"}
        return hashlib.sha256(json.dumps(columns, sort_keys=True).encode()).hexdigest()


FLAGS: Final = (
    "is_disconnection",
    "touches_vulnerable",
    "touches_emergency_line",
    "is_disputed",
    "in_quiet_hours",
    "incident_confirmed",
    "benefits_proposer",
)
COUNTS: Final = ("customers", "devices", "crews")
TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "action": (str,),
    "proposed_by": (str,),
    "money": (Money,),
    "money_each": (Money, type(None)),
    "confidence": (float, int),
    "device_tier": (DeviceTier,),
    **dict.fromkeys(COUNTS, (int,)),
    **dict.fromkeys(FLAGS, (bool,)),
}


def oddity(facts: Facts) -> str | None:
    """What makes these facts impossible to judge; None when they are sound. Types are checked too: a dict from outside proves nothing."""
    return _odd_type(facts) or _odd_amount(facts) or _odd_meaning(facts)


def _odd_type(facts: Facts) -> str | None:
    # The exact type, for True is an int and would count as one customer.
    wrong = [name for name, kinds in TYPES.items() if type(getattr(facts, name)) not in kinds]
    return f"{wrong[0]} is not of its type" if wrong else None


def _odd_amount(facts: Facts) -> str | None:
    for name in COUNTS:
        if not 0 <= getattr(facts, name) <= MOST_COUNTED:
            return f"{name} is out of range"
    if not ZERO <= facts.money <= MOST_MONEY:
        return "money is out of range"
    if not 0.0 <= facts.confidence <= 1.0:
        return "confidence is not between 0 and 1"
    return None


def _odd_meaning(facts: Facts) -> str | None:
    if PROPOSER.fullmatch(facts.proposed_by) is None:
        return "nobody is named as the proposer"
    if not ZERO <= facts.largest_share <= facts.money or (facts.money and not facts.largest_share):
        return "one customer's share does not fit the sum"
    if facts.devices and facts.device_tier is DeviceTier.NONE:
        return "devices are touched, of no known tier"
    return None
