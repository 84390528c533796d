"""A sequence: several governed steps towards one end, kept as rows, so that whoever comes after a killed process knows how far it came."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from atlas.errors import AtlasError
from atlas.identity import ActionId, CorrelationId
from atlas.statements import Connection
from forge.action import Action


class SequenceState(StrEnum):
    """RUNNING and UNDOING are under way; IN_DOUBT waits for a person's word on one of its steps, FALLEN_OUT for one to mend what failed."""

    RUNNING = "running"
    UNDOING = "undoing"
    DONE = "done"
    UNDONE = "undone"
    IN_DOUBT = "in_doubt"
    FALLEN_OUT = "fallen_out"


class StepState(StrEnum):
    """DOING: it may or may not have happened yet. FAILED: it surely did not, and will not."""

    WAITING = "waiting"
    DOING = "doing"
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"
    IN_DOUBT = "in_doubt"


class Cause(StrEnum):
    """Why a step failed, as a repair queue is sorted."""

    DATA = "data"
    INVENTORY = "inventory"
    DOWNSTREAM = "downstream"
    PARTNER = "partner"
    TIMEOUT = "timeout"


class NotYet(AtlasError):
    """What a step waits for has not happened: no failure, it is looked for again until its time is over."""

    def __init__(self, what: str, look_after: timedelta) -> None:
        super().__init__(what)
        self.look_after = look_after


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
    """One step as it stands. `failures` are of the direction it is going; `outcome` is its action's, once it was carried out.

    `running_s`: seconds since it was begun, by the database's clock.
    """

    id: int
    position: int
    name: str
    state: StepState
    failures: int
    action_id: ActionId | None
    outcome: dict[str, Any]
    failure: str | None
    after: tuple[str, ...] = ()
    running_s: float = 0.0


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
    `after`: the steps that must be done first; where none is named, the one before it. `cause` is how its failures are sorted;
    `is_mendable`: where it fails for good a person may mend it and resume, before anything is taken back. `within`: how long it
    may wait or be tried again. `tries`: how often it is attempted; as its kind says, where it says nothing.
    """

    name: str
    do: Making
    undo: Making | None = None
    after: tuple[str, ...] | None = None
    cause: Cause = Cause.DOWNSTREAM
    is_mendable: bool = False
    within: timedelta | None = None
    tries: int | None = None


@dataclass(frozen=True)
class SequenceKind:
    """`within`: what is not done by then is undone. `tries`: how often a step is attempted, either way, before it is given up.

    `mended_within`: how long what fell out waits for a person. `no_return`: the step after which nothing is taken back any more.
    """

    name: str
    steps: tuple[Step, ...]
    within: timedelta
    tries: int = 3
    mended_within: timedelta = timedelta(days=2)
    no_return: str = ""

    @property
    def mendable(self) -> frozenset[str]:
        return frozenset(step.name for step in self.steps if step.is_mendable)

    def chain(self, names: Collection[str] | None = None) -> list[tuple[str, tuple[str, ...]]]:
        """The steps of one sequence, all of them or those named, each with those it comes after; one left out is stepped over."""
        wanted = [step for step in self.steps if names is None or step.name in names]
        chain: list[tuple[str, tuple[str, ...]]] = []
        for at, step in enumerate(wanted):
            before = (wanted[at - 1].name,) if at else ()
            chain.append((step.name, before if step.after is None else self._present(step.after, {one.name for one in wanted})))
        return chain

    def _present(self, names: tuple[str, ...], wanted: set[str]) -> tuple[str, ...]:
        found: list[str] = []
        for name in names:
            found.extend((name,) if name in wanted else self._present(self.step(name).after or (), wanted))
        return tuple(dict.fromkeys(found))

    def step(self, name: str) -> Step:
        """Raises SequenceUnknown."""
        for one in self.steps:
            if one.name == name:
                return one
        raise SequenceUnknown(f"{self.name} has no step {name} any more")


def operation_key(sequence: Sequence, step: StepTaken, way: str) -> str:
    """The one name under which this attempt of this step is known everywhere, however often it is asked for."""
    return f"sequence:{sequence.kind}:{sequence.key}:{step.position}:{way}:{step.failures}"
