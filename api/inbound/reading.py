"""What a door made of one thing it heard."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from atlas.nms.records import AlarmEvent, Door, Quarantined

# A column of Atlas holds no more, and no UDP datagram is longer.
LONGEST_RAW: Final = 65_535


@dataclass(frozen=True, slots=True)
class Reading:
    """Alarm events to record, or what goes to quarantine instead; neither: understood, and no alarm.

    `answer` is what the sender waits for (an inform's response); it goes out only when the events are safe.
    """

    events: tuple[AlarmEvent, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    answer: bytes | None = None


def set_aside(door: Door, source: str, received_at: datetime, reason: str, raw: bytes) -> Reading:
    return Reading(quarantined=(Quarantined(door, received_at, source, reason, raw[:LONGEST_RAW]),))
