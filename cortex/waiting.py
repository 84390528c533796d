"""Pure: who of those that wait for a person is helped first, and why, in words that stand beside it.

By rules over what they wrote and what is on file, in five languages: nobody is ordered by a model, and whoever looks sees each reason. A
mood read wrongly costs somebody a place in a queue, never an answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from cortex.moods import moods_in

VULNERABLE: Final = 5
EMERGENCY_LINE: Final = 5
ASKED_AGAIN: Final = 1
WAITS_LONG: Final = 1
LONG: Final = timedelta(hours=1)
# Whoever wrote so often without an answer in between asks again.
OFTEN: Final = 3
# Nothing was done for it and nobody is helped before others for it: only somebody should look.
GIVES_ORDERS: Final = "gives our agents orders"


class Waits(Protocol):
    """What is known of a conversation that waits. `lately`: what they wrote since our last answer and a little before, newest first.

    `is_flagged`: words in it gave our agents orders, and no colleague has been there since.
    """

    @property
    def is_vulnerable(self) -> bool: ...
    @property
    def has_emergency_line(self) -> bool: ...
    @property
    def lately(self) -> tuple[str, ...]: ...
    @property
    def unanswered(self) -> int: ...
    @property
    def because(self) -> str | None: ...
    @property
    def since(self) -> datetime: ...
    @property
    def is_flagged(self) -> bool: ...


One = TypeVar("One", bound=Waits)


@dataclass(frozen=True)
class Weight:
    """How much sooner somebody is helped, and for which reasons; nothing, and none, for most."""

    points: int
    reasons: tuple[str, ...]


def weight_of(one: Waits, now: datetime) -> Weight:
    """What is on file, what they wrote, how often, and for how long they wait, each with its points."""
    again = [(ASKED_AGAIN, "asked again", one.unanswered >= OFTEN), (WAITS_LONG, "waits for more than an hour", now - one.since > LONG)]
    return _counted(one, again)


def look_of(one: Waits) -> tuple[str, ...]:
    """Why a colleague may want to look at a conversation that waits for nobody."""
    return _counted(one, ()).reasons


def _counted(one: Waits, more: Iterable[tuple[int, str, bool]]) -> Weight:
    found = [
        (VULNERABLE, "vulnerable", one.is_vulnerable),
        (EMERGENCY_LINE, "has an emergency line", one.has_emergency_line),
        *((mood.weight, mood.name, True) for mood in moods_in("\n".join([*one.lately, one.because or ""]))),
        *more,
        (0, GIVES_ORDERS, one.is_flagged),
    ]
    counted = [(points, reason) for points, reason, holds in found if holds]
    return Weight(sum(points for points, _ in counted), tuple(reason for _, reason in sorted(counted, key=lambda each: -each[0])))


def in_order(waiting: Iterable[One], now: datetime) -> list[tuple[One, Weight]]:
    """Whoever weighs most first, and among equals whoever waits longest."""
    weighed: Sequence[tuple[One, Weight]] = [(one, weight_of(one, now)) for one in waiting]
    return sorted(weighed, key=lambda each: (-each[1].points, each[0].since))
