"""Takes sequences forward, or back, one governed step at a time; safe in any number of processes, and after a kill at any line.

A step is an action through the gate, under a name of its own; what it leaves to be done outside is an errand, and the step is done when
that is. What fails for good, or is not done in time, turns the sequence back: what was done is undone in reverse order. An undoing that
fails is a person's to settle (`forge.doubts`).
"""

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import psycopg
import structlog

from atlas.actions.reads import action as action_row
from atlas.actions.records import ActionState
from atlas.actions.rules import is_over
from atlas.actions.writes import call_off_errands, withdraw
from atlas.errors import AtlasError
from atlas.identity import ActionId, CorrelationId
from atlas.principal import executor
from atlas.statements import Connection, Statements
from forge.outbox import never_stops
from forge.propose import Forge, Proposed, propose
from forge.sequences.moves import Do, End, FallOut, Move, TurnBack, Undo, next_move
from forge.sequences.records import (
    Cause,
    Making,
    NotYet,
    Sequence,
    SequenceKind,
    SequenceState,
    SequenceUnknown,
    SoFar,
    StepState,
    StepTaken,
    operation_key,
)

SQL = Statements(__file__)
log = structlog.get_logger()

ME: Final = executor("sequences")
# How long whoever took a sequence has it for themselves; longer than one step at its worst.
HOLD: Final = timedelta(seconds=15)
BATCH: Final = 16
AT_ONCE: Final = 4
# Errands end by themselves and wake us; people take longer.
SOON: Final = timedelta(0)
FOR_A_PERSON: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=5)

Kinds = Mapping[str, SequenceKind]
# Those outside, as people call them.
OUTSIDE: Final = {"provisioner": "the network", "payments": "the payment provider", "prober": "the prober"}
UNFINISHED: Final = frozenset({"queued", "leased", "in_doubt"})


class SequenceTurned(AtlasError):
    """The sequence no longer wants this step: it was turned back meanwhile, or somebody else took the step."""


@dataclass(frozen=True)
class Refusal:
    """What was refused outside, by whom, and why."""

    port: str
    operation: str
    why: str


@dataclass(frozen=True)
class Rest:
    """Nothing to do before this long; until then somebody else is at work."""

    pause: timedelta


async def begin(
    conn: Connection,
    kind: SequenceKind,
    key: str,
    arguments: Mapping[str, Any],
    *,
    reason: str,
    correlation_id: CorrelationId,
    steps: Collection[str] | None = None,
) -> int:
    """Begins a sequence with the caller's transaction, as the executor; its id. The same key again finds the first.

    `steps`: which of the kind's it takes; all, where none are named.
    """
    parameters = {"kind": kind.name, "key": key, "reason": reason, "correlation_id": correlation_id, "within": kind.within}
    made = await SQL.value(conn, "begin", arguments=json.dumps(arguments, default=str), **parameters)
    if made is None:
        return int(await SQL.value(conn, "sequence_of_key", kind=kind.name, key=key))
    names, afters = zip(*kind.chain(steps), strict=True)
    await SQL.run(conn, "begin_steps", sequence_id=made, names=list(names), afters=[";".join(after) for after in afters])
    return int(made)


async def advance_due(forge: Forge, kinds: Kinds, is_stopping: Callable[[], bool] = never_stops, hold: timedelta = HOLD) -> int:
    """Takes up what is due, what a killed process left included, and brings each as far as it goes now; how many."""
    if is_stopping():
        return 0
    async with forge.atlas.transaction(ME) as conn:
        due = await SQL.column(conn, "take_due", hold=hold, most=BATCH, kinds=list(kinds))
    room = asyncio.Semaphore(AT_ONCE)

    async def one(sequence_id: int) -> None:
        async with room:
            try:
                await advance(forge, kinds, sequence_id)
            except (AtlasError, psycopg.Error) as error:
                log.warning("sequence_stopped", sequence_id=sequence_id, error=type(error).__name__)

    await asyncio.gather(*(one(sequence_id) for sequence_id in due))
    return len(due)


async def advance(forge: Forge, kinds: Kinds, sequence_id: int) -> SequenceState:
    """Brings one sequence as far as it goes without waiting; where it stands then. Raises SequenceUnknown.

    A step that waits, for a person or for the world outside, keeps nobody from whatever does not depend on it.
    """
    resting: dict[int, timedelta] = {}
    while True:
        async with forge.atlas.transaction(ME) as conn:
            sequence = await SQL.one(conn, Sequence, "held", sequence_id=sequence_id)
            steps = await SQL.all(conn, StepTaken, "steps", sequence_id=sequence_id)
            if sequence.kind not in kinds:
                raise SequenceUnknown(f"there is no sequence {sequence.kind}")
            kind = kinds[sequence.kind]
            move = next_move(sequence, steps, resting, kind)
            if not isinstance(move, Do | Undo):
                if await _settled(conn, kind, sequence, move, resting):
                    return move.state if isinstance(move, End) else sequence.state
                continue
            if move.step.state is StepState.WAITING:
                await _moved(conn, move.step, StepState.DOING)
        walk = Walk(forge, kind, sequence, {step.name: step.outcome for step in steps if step.outcome}, move.step)
        rest = await (walk.done() if isinstance(move, Do) else walk.undone())
        if rest is not None:
            resting[move.step.id] = rest.pause
            if isinstance(move, Undo):
                return await _rested(forge, sequence, rest.pause)


async def _settled(conn: Connection, kind: SequenceKind, sequence: Sequence, move: Move, resting: Mapping[int, timedelta]) -> bool:
    """Writes down what is no step; True where there is nothing more to do for the moment."""
    if isinstance(move, End):
        await SQL.run(conn, "end", sequence_id=sequence.id, state=move.state.value)
    elif isinstance(move, TurnBack):
        await SQL.run(conn, "turn_back", sequence_id=sequence.id, why=move.why)
        log.warning("sequence_turned_back", sequence_id=sequence.id, kind=sequence.kind)
        return False
    elif isinstance(move, FallOut):
        await SQL.run(conn, "fall_out", sequence_id=sequence.id, why=move.why, within=kind.mended_within)
        log.warning("sequence_fell_out", sequence_id=sequence.id, kind=sequence.kind)
        return False
    elif sequence.state is SequenceState.RUNNING:
        await SQL.run(conn, "rest", sequence_id=sequence.id, pause=min(resting.values(), default=FOR_A_PERSON))
    return True


async def _rested(forge: Forge, sequence: Sequence, pause: timedelta) -> SequenceState:
    async with forge.atlas.transaction(ME) as conn:
        await SQL.run(conn, "rest", sequence_id=sequence.id, pause=pause)
    return sequence.state


async def _moved(conn: Connection, step: StepTaken, state: StepState, **became: Any) -> bool:
    """False where the step is no longer as we saw it."""
    became = {
        "failures": step.failures,
        "failure": None,
        "cause": None,
        "action_id": None,
        "undo_action_id": None,
        "outcome": None,
        **became,
    }
    seen = {"step_id": step.id, "was": step.state.value, "failed_before": step.failures}
    return await SQL.run(conn, "move_step", state=state.value, **seen, **became) == 1


@dataclass(frozen=True)
class Walk:
    """One step of one sequence, in either direction. Each way answers None where the sequence should be looked at again at once."""

    forge: Forge
    kind: SequenceKind
    sequence: Sequence
    outcomes: Mapping[str, Mapping[str, Any]]
    step: StepTaken

    async def done(self) -> Rest | None:
        try:
            proposed = await self._proposed(self.kind.step(self.step.name).do, "do", self._counted)
        except SequenceTurned:
            return None
        except NotYet as waits:
            return await self._waits(waits)
        except AtlasError as error:
            return await self._failed(str(error), is_final=False)
        if proposed.state is ActionState.DONE:
            return await self._outside(proposed)
        if is_over(proposed.state):
            return await self._failed(proposed.failure or proposed.verdict_reason, is_final=proposed.state is not ActionState.FAILED)
        return await self._waits_for_a_person(proposed.action_id)

    async def undone(self) -> Rest | None:
        if self.step.state in (StepState.WAITING, StepState.DOING):
            return await self._found_out()
        undo = self.kind.step(self.step.name).undo
        if undo is None:
            return await self._move(StepState.UNDONE)
        if self.step.state is StepState.DONE:
            return await self._move(StepState.UNDOING, failures=0)
        try:
            proposed = await self._proposed(undo, "undo", None)
        except AtlasError as error:
            return await self._undoing_failed(str(error))
        if proposed.state is ActionState.DONE:
            return await self._undone_outside(proposed)
        if is_over(proposed.state):
            return await self._undoing_failed(proposed.failure or proposed.verdict_reason)
        return Rest(FOR_A_PERSON)

    async def _proposed(self, making: Making, way: str, then: Any) -> Proposed:
        now, so_far = self.forge.now(), SoFar(self.sequence.arguments, self.outcomes, self.step.failures)
        async with self.forge.atlas.transaction(ME) as conn:
            action = await making(conn, so_far, now)
        evidence = [{"sequence": self.sequence.id, "kind": self.sequence.kind, "step": self.step.name, "way": way}]
        return await propose(
            self.forge,
            ME,
            action,
            reason=self.sequence.reason,
            correlation_id=self.sequence.correlation_id,
            evidence=evidence,
            then=then,
            operation_key=operation_key(self.sequence, self.step, way),
        )

    async def _counted(self, conn: Connection, proposed: Proposed) -> None:
        """In the very transaction that carried it out: a step that the sequence no longer wants never happens at all."""
        outcome = json.dumps(proposed.outcome or {}, default=str)
        if not await SQL.run(conn, "carried_out", step_id=self.step.id, action_id=proposed.action_id, outcome=outcome):
            raise SequenceTurned(f"sequence {self.sequence.id} no longer wants {self.step.name}")

    async def _outside(self, proposed: Proposed) -> Rest | None:
        errands = await self._errands(proposed.action_id)
        if "failed" in errands:
            return await self._failed(await self._refusal(proposed.action_id), is_final=True)
        if UNFINISHED & errands:
            return Rest(SOON)
        outcome = json.dumps(proposed.outcome or {}, default=str)
        return await self._move(StepState.DONE, action_id=proposed.action_id, outcome=outcome)

    async def _undone_outside(self, proposed: Proposed) -> Rest | None:
        errands = await self._errands(proposed.action_id)
        if "failed" in errands:
            return await self._undoing_failed(await self._refusal(proposed.action_id))
        if UNFINISHED & errands:
            return Rest(SOON)
        return await self._move(StepState.UNDONE, undo_action_id=proposed.action_id)

    async def _found_out(self) -> Rest | None:
        """Whether a step that was under way when the sequence turned back has happened. What has not been begun is called off."""
        async with self.forge.atlas.transaction(ME) as conn:
            key = operation_key(self.sequence, self.step, "do")
            known = self.step.action_id or await SQL.value(conn, "action_of_operation", key=key)
            if known is None:
                await _moved(conn, self.step, StepState.UNDONE)
                return None
            row = await action_row(conn, ActionId(known))
            if not is_over(row.state):
                await withdraw(conn, row.id, ActionState.EXPIRED, "the sequence was turned back")
                return None
            await call_off_errands(conn, row.id)
            errands = set(await SQL.column(conn, "errand_states", action_id=row.id))
            if UNFINISHED & errands:
                return Rest(SOON)
            happened = row.state is ActionState.DONE and (not errands or "done" in errands)
            outcome = json.dumps(row.outcome or {}, default=str)
            await _moved(conn, self.step, StepState.DONE if happened else StepState.UNDONE, action_id=row.id, outcome=outcome)
        return None

    async def _waits(self, waits: NotYet) -> Rest | None:
        step = self.kind.step(self.step.name)
        if step.within is not None and self.step.running_s > step.within.total_seconds():
            return await self._failed(f"{waits}, and its time is over", is_final=True, cause=Cause.TIMEOUT)
        return Rest(waits.look_after)

    async def _failed(self, why: str, *, is_final: bool, cause: Cause | None = None) -> Rest | None:
        failures, step = self.step.failures + 1, self.kind.step(self.step.name)
        is_given_up = is_final or failures % (step.tries or self.kind.tries) == 0
        sorted_as = (cause or step.cause).value
        await self._move(StepState.FAILED if is_given_up else StepState.DOING, failures=failures, failure=why, cause=sorted_as)
        return None if is_given_up else Rest(_pause(failures))

    async def _undoing_failed(self, why: str) -> Rest | None:
        failures = self.step.failures + 1
        is_given_up = failures % self.kind.tries == 0
        await self._move(StepState.IN_DOUBT if is_given_up else StepState.UNDOING, failures=failures, failure=why)
        return None if is_given_up else Rest(_pause(failures))

    async def _waits_for_a_person(self, action_id: ActionId) -> Rest | None:
        """Nobody is asked for what the sequence no longer wants."""
        async with self.forge.atlas.transaction(ME) as conn:
            sequence = await SQL.one(conn, Sequence, "held", sequence_id=self.sequence.id)
            if sequence.state is SequenceState.RUNNING:
                return Rest(FOR_A_PERSON)
            await withdraw(conn, action_id, ActionState.EXPIRED, "the sequence was turned back")
        return None

    async def _move(self, state: StepState, **became: Any) -> Rest | None:
        """Nobody rests after a move: what is next is looked for at once."""
        was = self.step if self.step.state is not StepState.WAITING else replace(self.step, state=StepState.DOING)
        async with self.forge.atlas.transaction(ME) as conn:
            await _moved(conn, was, state, **became)
        return None

    async def _refusal(self, action_id: ActionId) -> str:
        """Who outside refused what of this action, and why, as they said it."""
        async with self.forge.atlas.transaction(ME) as conn:
            refused = await SQL.one(conn, Refusal, "refusal", action_id=action_id)
        return f"{OUTSIDE.get(refused.port, refused.port)} refused to {refused.operation.replace('_', ' ')}: {refused.why}"

    async def _errands(self, action_id: ActionId) -> set[str]:
        async with self.forge.atlas.transaction(ME) as conn:
            return set(await SQL.column(conn, "errand_states", action_id=action_id))


def _pause(failures: int) -> timedelta:
    return min(LONGEST_PAUSE, timedelta(seconds=2**failures))
