"""The doors of one scenario, each opened when somebody first comes by it."""

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

    async def plays(self, speaker: Speaker, turn: Turn) -> Heard: ...


@dataclass
class Doors:
    hall: Hall
    stack: AsyncExitStack
    _open: dict[Door, Way] = field(default_factory=dict, init=False)

    async def plays(self, door: Door, speaker: Speaker, turn: Turn) -> Heard:
        if door not in self._open:
            self._open[door] = self._way(door)
        return await self._open[door].plays(speaker, turn)

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
