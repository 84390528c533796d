"""What alarms mean together: which time to believe, which type a cause has, and what a burst amounts to whatever its order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from atlas.nms.records import AlarmEvent, AlarmType, ProbableCause, Severity

# A device without NTP starts in 1970 or drifts for months; one with NTP that is cut off drifts by minutes at most.
BELIEVABLE: Final = timedelta(minutes=10)

# What happened and was over at once, and how long it stays on the board for somebody to see. Everything else stands until it is cleared.
STANDS_FOR: Final = {
    ProbableCause.RESTARTED: timedelta(minutes=15),
    ProbableCause.SECURITY: timedelta(hours=1),
    ProbableCause.CONFIGURATION: timedelta(hours=1),
}

# An alarm that comes back for the third time, each time within so long, flaps; and it does until nothing was heard of it for HOLD_DOWN.
# The three is in the statements. Longer than any damping of a router's own link state, shorter than what a crew would wait for.
FLAPS_WITHIN: Final = timedelta(minutes=5)
HOLD_DOWN: Final = timedelta(minutes=2)

ALARM_TYPES: Final = {
    ProbableCause.LOSS_OF_SIGNAL: AlarmType.COMMUNICATIONS,
    ProbableCause.LOSS_OF_FRAME: AlarmType.COMMUNICATIONS,
    ProbableCause.LINK_DOWN: AlarmType.COMMUNICATIONS,
    ProbableCause.DEGRADED_SIGNAL: AlarmType.COMMUNICATIONS,
    ProbableCause.ADJACENCY_LOST: AlarmType.COMMUNICATIONS,
    ProbableCause.UNREACHABLE: AlarmType.COMMUNICATIONS,
    ProbableCause.SESSIONS_LOST: AlarmType.COMMUNICATIONS,
    ProbableCause.DYING_GASP: AlarmType.EQUIPMENT,
    ProbableCause.POWER_PROBLEM: AlarmType.EQUIPMENT,
    ProbableCause.ON_BATTERY: AlarmType.EQUIPMENT,
    ProbableCause.EQUIPMENT_MALFUNCTION: AlarmType.EQUIPMENT,
    ProbableCause.LINE_CARD_PROBLEM: AlarmType.EQUIPMENT,
    ProbableCause.RESTARTED: AlarmType.EQUIPMENT,
    ProbableCause.TEMPERATURE: AlarmType.ENVIRONMENTAL,
    ProbableCause.CPU_LIMIT: AlarmType.PROCESSING_ERROR,
    ProbableCause.STORAGE_LIMIT: AlarmType.PROCESSING_ERROR,
    ProbableCause.SOFTWARE_ERROR: AlarmType.PROCESSING_ERROR,
    ProbableCause.CONFIGURATION: AlarmType.OPERATIONAL_VIOLATION,
    ProbableCause.THRESHOLD_CROSSED: AlarmType.QUALITY_OF_SERVICE,
    ProbableCause.SECURITY: AlarmType.SECURITY_SERVICE_VIOLATION,
    ProbableCause.INDETERMINATE: AlarmType.EQUIPMENT,
}


def alarm_type_of(cause: ProbableCause) -> AlarmType:
    """The X.733 family of a cause, where the sender names none."""
    return ALARM_TYPES[cause]


def believable_event_time(claimed: datetime | None, received_at: datetime, oldest: timedelta = BELIEVABLE) -> datetime | None:
    """The sender's own time where it can be believed, else None: at most `oldest` before we heard it, and never after.

    A clock up to ten minutes fast still proves that the event is new, so it counts as now; further off (1970, next year) it proves nothing.
    """
    if claimed is None or claimed < received_at - oldest or claimed > received_at + BELIEVABLE:
        return None
    return min(claimed, received_at)


AlarmKey = tuple[str, str, ProbableCause]


def alarm_key(event: AlarmEvent) -> AlarmKey:
    """What names the alarm: the device as its sender calls it, the object inside, and the cause."""
    return (event.device, event.managed_object, event.probable_cause)


@dataclass(slots=True)
class AlarmMoves:
    """What a batch says about one alarm: its latest raise and clear by event time, and how often it was heard.

    `latest` is the event whose words are kept: the latest raise, or the latest clear where there was no raise. Grows by `add`, and
    ends the same whatever the order.
    """

    latest: AlarmEvent
    raised_at: datetime | None
    cleared_at: datetime | None
    first_received_at: datetime
    last_received_at: datetime
    times: int = 1

    @classmethod
    def of(cls, event: AlarmEvent) -> "AlarmMoves":
        received_at = event.received_at
        at = event.event_at or received_at
        if event.severity is Severity.CLEARED:
            return cls(event, None, at, received_at, received_at)
        return cls(event, at, None, received_at, received_at)

    def add(self, event: AlarmEvent) -> None:
        """The same as joining the account of this event alone, without making one: most of a storm is repeats."""
        received_at = event.received_at
        at = event.event_at or received_at
        if event.severity is Severity.CLEARED:
            if self.cleared_at is None or at > self.cleared_at:
                self.cleared_at = at
        elif self.raised_at is None or at > self.raised_at:
            self.raised_at = at
        if _precedence(event) > _precedence(self.latest):
            self.latest = event
        if received_at < self.first_received_at:
            self.first_received_at = received_at
        if received_at > self.last_received_at:
            self.last_received_at = received_at
        self.times += 1

    def join(self, other: "AlarmMoves") -> None:
        """Takes in another account of the same alarm."""
        if _precedence(other.latest) > _precedence(self.latest):
            self.latest = other.latest
        self.raised_at = later(self.raised_at, other.raised_at)
        self.cleared_at = later(self.cleared_at, other.cleared_at)
        self.first_received_at = min(self.first_received_at, other.first_received_at)
        self.last_received_at = max(self.last_received_at, other.last_received_at)
        self.times += other.times


def folded(events: Iterable[AlarmEvent]) -> list[AlarmMoves]:
    """The batch with one line per alarm, in the order of `in_order`: the same whatever the order of the events."""
    moves: dict[AlarmKey, AlarmMoves] = {}
    for event in events:
        known = moves.get(key := alarm_key(event))
        if known is None:
            moves[key] = AlarmMoves.of(event)
        else:
            known.add(event)
    return in_order(moves.values())


def in_order(moves: Iterable[AlarmMoves]) -> list[AlarmMoves]:
    """So that the last of two accounts of one alarm (a device heard by name and by address) is the one whose words are kept."""
    return sorted(moves, key=lambda move: _precedence(move.latest))


def _precedence(event: AlarmEvent) -> tuple[bool, datetime, str, str]:
    """Raises after clears, later after earlier; severity and text only settle a tie the same way in any order."""
    return (event.severity is not Severity.CLEARED, event.event_at or event.received_at, event.severity, event.text)


def later(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return max(one, other)


def is_open(raised_at: datetime | None, cleared_at: datetime | None) -> bool:
    """An alarm stands while its latest raise is later than its latest clear; a tie is closed."""
    return raised_at is not None and (cleared_at is None or raised_at > cleared_at)


def severity_of(words: str) -> Severity | None:
    """The X.733 severity that a sender's own word stands for; None where it is no word of severity."""
    return SEVERITY_WORDS.get(words.strip().lower())


# The word scales of X.733, of syslog (mapped as in RFC 5674), and of common element managers.
SEVERITY_WORDS: Final = {
    **{severity.value: severity for severity in Severity},
    "emergency": Severity.CRITICAL,
    "alert": Severity.CRITICAL,
    "fatal": Severity.CRITICAL,
    "severe": Severity.CRITICAL,
    "page": Severity.CRITICAL,
    "high": Severity.MAJOR,
    "error": Severity.MAJOR,
    "medium": Severity.MINOR,
    "low": Severity.WARNING,
    "warn": Severity.WARNING,
    "clear": Severity.CLEARED,
    "ok": Severity.CLEARED,
    "normal": Severity.CLEARED,
    "resolved": Severity.CLEARED,
    "unknown": Severity.INDETERMINATE,
}
