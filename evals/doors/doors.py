"""The doors of one scenario, each opened when somebody first comes by it."""

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Protocol

from evals.doors.calls import Gathered, Relay
from evals.doors.hall import Hall, Heard
from evals.doors.letters import Letters
from evals.doors.widget import Widget
from evals.scenario import Door, Speaker, Turn


class Way(Protocol):
    """One way in."""

    async def plays(self, speaker: Speaker, turn: Turn, words: str) -> Heard: ...


@dataclass
class Doors:
    hall: Hall
    stack: AsyncExitStack
    _open: dict[Door, Way] = field(default_factory=dict, init=False)

    async def plays(self, door: Door, speaker: Speaker, turn: Turn) -> tuple[Heard, float]:
        """What came back, and within how many seconds: what somebody does to read a code elsewhere first is not counted."""
        if door not in self._open:
            self._open[door] = self._way(door)
        words = await self.hall.written(turn)
        began = time.perf_counter()
        heard = await self._open[door].plays(speaker, turn, words)
        return heard, time.perf_counter() - began

    def _way(self, door: Door) -> Way:
        match door:
            case "mailbox":
                return Letters(self.hall)
            case "widget":
                return Widget(self.hall, self.stack)
            case "relay":
                return Relay(self.hall, self.stack)
            case "gather":
                return Gathered(self.hall, self.stack)
