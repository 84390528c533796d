"""What a sequence does next, from its rows alone. Pure: any process that looks comes to the same answer."""

from collections.abc import Collection
from collections.abc import Sequence as Many
from dataclasses import dataclass

from forge.sequences.records import Sequence, SequenceKind, SequenceState, StepState, StepTaken


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
class FallOut:
    """What failed can be mended by a person: until they say so, or its time is over, nothing is taken back."""

    why: str


@dataclass(frozen=True)
class Wait:
    """Everything that could be done now waits for something."""


@dataclass(frozen=True)
class End:
    state: SequenceState


Move = Do | Undo | TurnBack | FallOut | Wait | End

TO_TAKE_BACK = frozenset({StepState.DOING, StepState.DONE, StepState.UNDOING})


def next_move(sequence: Sequence, steps: Many[StepTaken], resting: Collection[int] = (), kind: SequenceKind | None = None) -> Move:
    """`steps` by position, which is an order in which they may be done. Forwards whatever is ready and not `resting`; back in reverse.

    `kind` says whose failure a person may mend, and after which step nothing is taken back any more.
    """
    done = {step.name for step in steps if step.state is StepState.DONE}
    may_return = kind is None or kind.no_return not in done
    if sequence.state is SequenceState.RUNNING:
        return _failed(sequence, steps, kind, may_return=may_return) or _forwards(sequence, steps, done, resting, may_return=may_return)
    if sequence.state is SequenceState.UNDOING:
        return _backwards(steps)
    if sequence.state is SequenceState.FALLEN_OUT:
        return TurnBack(f"nobody mended it in time: {sequence.why}") if sequence.is_late and may_return else Wait()
    return End(sequence.state)


def _failed(sequence: Sequence, steps: Many[StepTaken], kind: SequenceKind | None, *, may_return: bool) -> Move | None:
    failed = next((step for step in steps if step.state is StepState.FAILED), None)
    if failed is None:
        return None
    why = f"{failed.name}: {failed.failure}"
    is_mendable = kind is not None and failed.name in kind.mendable and not sequence.is_late
    return FallOut(why) if is_mendable or not may_return else TurnBack(why)


def _forwards(sequence: Sequence, steps: Many[StepTaken], done: set[str], resting: Collection[int], *, may_return: bool) -> Move:
    if len(done) == len(steps):
        return End(SequenceState.DONE)
    ready = [step for step in steps if step.state is not StepState.DONE and done.issuperset(step.after)]
    if sequence.is_late and may_return:
        return TurnBack(f"its time was over before {ready[0].name}")
    return next((Do(step) for step in ready if step.id not in resting), Wait())


def _backwards(steps: Many[StepTaken]) -> Move:
    if any(step.state is StepState.IN_DOUBT for step in steps):
        return End(SequenceState.IN_DOUBT)
    last = next((step for step in reversed(steps) if step.state in TO_TAKE_BACK), None)
    return Undo(last) if last is not None else End(SequenceState.UNDONE)
