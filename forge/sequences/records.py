"""A sequence: several governed steps towards one end, kept as rows, so that whoever comes after a killed process knows how far it came."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from atlas.errors import AtlasError
from atlas.identity import ActionId, CorrelationId
from atlas.statements import Connection
from forge.action import Action


class SequenceState(StrEnum):
    """RUNNING and UNDOING are under way; IN_DOUBT waits for a person's word on one of its steps."""

    RUNNING = "running"
    UNDOING = "undoing"
    DONE = "done"
    UNDONE = "undone"
    IN_DOUBT = "in_doubt"


class StepState(StrEnum):
    """DOING: it may or may not have happened yet. FAILED: it surely did not, and will not."""

    WAITING = "waiting"
    DOING = "doing"
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"
    IN_DOUBT = "in_doubt"


class SequenceUnknown(AtlasError):
    """A sequence of a kind that no code of today knows: it stays as it is."""


@dataclass(frozen=True)
class Sequence:
    """One sequence as it stands. `is_late` by the database's clock."""

    id: int
    kind: str
    key: str
    arguments: dict[str, Any]
    reason: str
    correlation_id: CorrelationId
    state: SequenceState
    is_late: bool
    why: str | None


@dataclass(frozen=True)
class StepTaken:
    """One step as it stands. `failures` are of the direction it is going; `outcome` is its action's, once it was carried out."""

    id: int
    position: int
    name: str
    state: StepState
    failures: int
    action_id: ActionId | None
    outcome: dict[str, Any]
    failure: str | None


@dataclass(frozen=True)
class SoFar:
    """What a step's action is made from: what the sequence was begun with, what earlier steps came to, which attempt this is (from 0)."""

    arguments: Mapping[str, Any]
    outcomes: Mapping[str, Mapping[str, Any]]
    attempt: int


# Reads what it needs and answers the order to give. Raises AtlasError where there is none to give.
Making = Callable[[Connection, SoFar, datetime], Awaitable[Action]]


@dataclass(frozen=True)
class Step:
    """One action, and the one that takes it back; None where there is nothing to take back.

    An action that leaves an errand changes nothing else, so one whose errand was refused has nothing to take back.
    """

    name: str
    do: Making
    undo: Making | None = None


@dataclass(frozen=True)
class SequenceKind:
    """`within`: what is not done by then is undone. `tries`: how often a step is attempted, either way, before it is given up."""

    name: str
    steps: tuple[Step, ...]
    within: timedelta
    tries: int = 3

    def step(self, name: str) -> Step:
        """Raises SequenceUnknown."""
        for one in self.steps:
            if one.name == name:
                return one
        raise SequenceUnknown(f"{self.name} has no step {name} any more")


def operation_key(sequence: Sequence, step: StepTaken, way: str) -> str:
    """The one name under which this attempt of this step is known everywhere, however often it is asked for."""
    return f"sequence:{sequence.kind}:{sequence.key}:{step.position}:{way}:{step.failures}"
