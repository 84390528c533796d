"""What may be concluded: facts, evidence for and against, confidence. Never prose."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from atlas.identity import AlarmId, AreaId, DeviceId, SubscriberId
from atlas.money import Money


class CauseClass(StrEnum):
    """What kind of thing broke. The first three are the parts of a fibre path, from the exchange to the home."""

    FEEDER = "feeder"  # backhaul, trunk or feeder fibre: everything behind it is gone
    DISTRIBUTION = "distribution"  # behind one splitter
    DROP = "drop"  # one customer's own line
    POWER = "power"
    DEVICE = "device"
    CARD = "card"
    UPSTREAM = "upstream"  # transit or peering, outside our plant
    MONITORING = "monitoring"  # the watcher lost its sight; nothing else is known to be wrong
    PLANNED = "planned"  # work announced beforehand, within its window
    DEGRADATION = "degradation"  # redundancy lost, service kept
    UNKNOWN = "unknown"


# Causes by which nobody loses service.
KEEPS_SERVICE: Final = frozenset({CauseClass.MONITORING, CauseClass.DEGRADATION, CauseClass.UNKNOWN})


@dataclass(frozen=True, order=True)
class Element:
    """Something that can break: one device, one link, one conduit or one site's power. `kind` says which id it is."""

    kind: str  # "device" | "link" | "conduit" | "site" | "subscriber"
    id: int


@dataclass(frozen=True)
class Evidence:
    """One observation and how it weighs. `for_it` False speaks against. `weight` is in nats of log-likelihood."""

    observation: str  # a fixed code such as "behind_it_all_alarmed", "quiet_siblings", "peer_port_down"
    for_it: bool
    weight: float
    alarms: tuple[AlarmId, ...] = ()
    devices: tuple[DeviceId, ...] = ()
    count: int = 0
    of: int = 0


@dataclass(frozen=True)
class Hypothesis:
    """A suspected cause. Confidences of one finding's hypotheses sum to at most 1; the rest is "unknown".

    `with_elements` are the others that must have failed with `element` to explain it: the second link of a ring cut twice.
    """

    element: Element
    cause: CauseClass
    confidence: float
    evidence: tuple[Evidence, ...]
    with_elements: tuple[Element, ...] = ()

    @property
    def elements(self) -> tuple[Element, ...]:
        return (self.element, *self.with_elements)


@dataclass(frozen=True)
class AreaImpact:
    area_id: AreaId
    devices: int
    subscribers: int


@dataclass(frozen=True)
class BlastRadius:
    """Everything that loses service if the elements fail. `revenue_at_risk` is a month's charges of those subscribers.

    `plant` is the passive plant that goes with `devices`; it is cut off too, and never counted.
    """

    devices: tuple[DeviceId, ...]
    subscribers: tuple[SubscriberId, ...]
    customers: int
    vulnerable: int
    businesses: int
    revenue_at_risk: Money
    areas: tuple[AreaImpact, ...]
    plant: tuple[DeviceId, ...] = ()

    @property
    def cut_off(self) -> tuple[DeviceId, ...]:
        """Every device without a path, passive ones too: whoever hangs from one of them is lost."""
        return (*self.devices, *self.plant)


@dataclass(frozen=True)
class Finding:
    """One suspected common cause: its alarms, the ranked hypotheses (best first; empty means unknown) and who is behind it."""

    hypotheses: tuple[Hypothesis, ...]
    alarms: tuple[AlarmId, ...]
    blast: BlastRadius
    first_raised_at: datetime
    last_raised_at: datetime
    is_outage: bool  # False: redundancy or quality lost, nobody cut off

    @property
    def best(self) -> Hypothesis | None:
        return self.hypotheses[0] if self.hypotheses else None

    @property
    def cause(self) -> CauseClass:
        return self.best.cause if self.best else CauseClass.UNKNOWN

    @property
    def confidence(self) -> float:
        """How sure we are of the best hypothesis."""
        return self.best.confidence if self.best else 0.0

    @property
    def reach_confidence(self) -> float:
        """How sure we are that service is lost to those behind it, whichever of the hypotheses that lose it is the cause.

        A cut fibre and a dead router at its far end look alike to everybody but the splicer; the people behind them are the same people.
        """
        return (
            min(1.0, sum(one.confidence for one in self.hypotheses if one.cause not in KEEPS_SERVICE))
            if self.is_outage
            else self.confidence
        )
