"""What a sequence does next, from its rows alone. Pure: any process that looks comes to the same answer."""

from collections.abc import Sequence as Many
from dataclasses import dataclass

from forge.sequences.records import Sequence, SequenceState, StepState, StepTaken


@dataclass(frozen=True)
class Do:
    step: StepTaken


@dataclass(frozen=True)
class Undo:
    """`step` was done, or may have been: which of both is found out first."""

    step: StepTaken


@dataclass(frozen=True)
class TurnBack:
    """From here on what was done is taken back."""

    why: str


@dataclass(frozen=True)
class End:
    state: SequenceState


Move = Do | Undo | TurnBack | End

TO_TAKE_BACK = frozenset({StepState.DOING, StepState.DONE, StepState.UNDOING})


def next_move(sequence: Sequence, steps: Many[StepTaken]) -> Move:
    """`steps` by position. One step at a time: forwards in order, back in reverse."""
    if sequence.state is SequenceState.RUNNING:
        return _forwards(sequence, steps)
    if sequence.state is SequenceState.UNDOING:
        return _backwards(steps)
    return End(sequence.state)


def _forwards(sequence: Sequence, steps: Many[StepTaken]) -> Move:
    following = next((step for step in steps if step.state is not StepState.DONE), None)
    if following is None:
        return End(SequenceState.DONE)
    if following.state is StepState.FAILED:
        return TurnBack(f"{following.name}: {following.failure}")
    if sequence.is_late:
        return TurnBack(f"its time was over before {following.name}")
    return Do(following)


def _backwards(steps: Many[StepTaken]) -> Move:
    if any(step.state is StepState.IN_DOUBT for step in steps):
        return End(SequenceState.IN_DOUBT)
    last = next((step for step in reversed(steps) if step.state in TO_TAKE_BACK), None)
    return Undo(last) if last is not None else End(SequenceState.UNDONE)
