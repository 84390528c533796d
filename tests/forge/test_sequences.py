"""Several steps towards one end: all of them, or none that stays; whatever is refused, whoever dies, however late it is."""

import asyncio
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from atlas.connection import Atlas
from atlas.errors import Conflict
from atlas.identity import CorrelationId, OrderId, StaffId
from atlas.principal import executor, in_session, staff
from forge.doubts import in_doubt, settle
from forge.errands import Outside, run_errands
from forge.matrix_in_force import put_in_force
from forge.outside.ports import Never, NoAnswer
from forge.outside.recorded import RecordedPayments, RecordedProber
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from forge.sequences.advance import advance, advance_due
from forge.sequences.kinds import KINDS
from forge.sequences.moves import Do, End, TurnBack, Undo, next_move
from forge.sequences.plan_move import PLAN_MOVE, begin_plan_move
from forge.sequences.records import Sequence, SequenceState, StepState, StepTaken
from governance.matrix import load
from tests import given
from tests.given import Owner

ME = executor("test")
MATRIX = Path(__file__).parents[2] / "governance" / "matrix.yaml"
FORWARDS = ["reserve", "add_profile", "set_speed", "refresh_session"]


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Platform:
    """A provisioning platform that remembers every order by its key; it will not do what it `refuses`, nor answer where it is `silent`."""

    refuses: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    done: dict[str, tuple[str, int]] = field(default_factory=dict)

    async def provision(self, key: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if operation in self.refuses:
            raise Never(f"there is no room for {operation}")
        if operation in self.silent:
            raise NoAnswer("nobody answered")
        assert key not in self.done, "ordered twice"
        self.done[key] = (operation, arguments["down_kbps"])
        return {"ok": True}

    async def find(self, key: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        if operation in self.silent:
            raise NoAnswer(f"nobody knows of line {arguments['line']}")
        return {"ok": True} if key in self.done else None

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.done.values()]


@pytest.fixture
async def forge(atlas: Atlas) -> Forge:
    matrix = load(MATRIX)
    await put_in_force(atlas, matrix)
    return Forge(atlas, Register.of_modules(), MatrixInForce(matrix), now, ZoneInfo("Europe/London"))


@pytest.fixture
async def order(owner: Owner) -> OrderId:
    customer = await given.customer(owner)
    line = await given.subscriber(owner, customer, await given.device(owner, "olt-1"))
    wanted = await given.offering(owner, "fibre-900", 4500, down_kbps=900_000)
    columns = {"customer_id": customer, "subscriber_id": line, "kind": "modify", "offering_version_id": wanted}
    return OrderId(await given.row(owner, "oms.product_order", action_id=await given.action(owner), **columns))


async def begun(forge: Forge, order: OrderId) -> int:
    async with forge.atlas.transaction(ME) as conn:
        return await begin_plan_move(conn, order, CorrelationId(uuid.uuid4()))


async def walked(forge: Forge, platform: Platform, sequence: int, rounds: int = 40) -> SequenceState:
    """Works as the worker does, without its pauses, until the sequence has ended or is in doubt."""
    outside = Outside(RecordedProber(forge.atlas), platform, RecordedPayments(forge.atlas))
    state = SequenceState.RUNNING
    for _ in range(rounds):
        state = await advance(forge, KINDS, sequence)
        if state not in (SequenceState.RUNNING, SequenceState.UNDOING):
            break
        await run_errands(forge.atlas, outside, now, lease=timedelta(0))
    return state


async def line(owner: Owner) -> tuple[str, int]:
    """The order's state and the line's speed as Atlas has it."""
    row = await (
        await owner.execute(
            "SELECT ordered.state, version.down_kbps FROM oms.product_order AS ordered"
            " JOIN crm.subscriber ON subscriber.id = ordered.subscriber_id"
            " JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id"
        )
    ).fetchone()
    assert row is not None
    return row[0], row[1]


async def test_an_order_for_another_plan_becomes_a_line_that_has_it(forge: Forge, owner: Owner, order: OrderId) -> None:
    platform = Platform()

    state = await walked(forge, platform, await begun(forge, order))

    assert (state, platform.operations, await line(owner)) == (SequenceState.DONE, FORWARDS, ("completed", 900_000))


async def test_each_step_went_through_the_gate_under_a_name_of_its_own(forge: Forge, owner: Owner, order: OrderId) -> None:
    await walked(forge, Platform(), await begun(forge, order))

    rows = await (
        await owner.execute("SELECT name, rule FROM actions.action WHERE operation_key LIKE 'sequence:plan_move:%' ORDER BY id")
    ).fetchall()
    assert len(rows) == len(PLAN_MOVE.steps)
    assert {rule for _, rule in rows} == {"fulfilment", "fulfilment-at-the-line", "interaction"}


@pytest.mark.parametrize(
    ("refused", "operations"),
    [
        ("reserve", []),
        ("set_speed", ["reserve", "add_profile", "remove_profile", "release"]),
        ("refresh_session", ["reserve", "add_profile", "set_speed", "set_speed", "remove_profile", "release"]),
    ],
)
async def test_what_the_network_refuses_turns_the_sequence_back_in_reverse_order(
    forge: Forge, owner: Owner, order: OrderId, refused: str, operations: list[str]
) -> None:
    platform = Platform(refuses={refused})

    state = await walked(forge, platform, await begun(forge, order))

    assert (state, platform.operations, await line(owner)) == (SequenceState.UNDONE, operations, ("failed", 100_000))


async def test_what_is_not_done_in_time_is_undone(forge: Forge, owner: Owner, order: OrderId) -> None:
    sequence, platform = await begun(forge, order), Platform()
    outside = Outside(RecordedProber(forge.atlas), platform, RecordedPayments(forge.atlas))
    for _ in range(3):
        await advance(forge, KINDS, sequence)
        await run_errands(forge.atlas, outside, now)
    await owner.execute("UPDATE actions.sequence SET deadline = now() - interval '1 second'")

    state = await walked(forge, platform, sequence)

    assert (state, await line(owner)) == (SequenceState.UNDONE, ("failed", 100_000))
    assert platform.operations[-2:] == ["remove_profile", "release"]


async def test_an_errand_that_nobody_began_is_called_off_when_time_is_over(forge: Forge, owner: Owner, order: OrderId) -> None:
    sequence, platform = await begun(forge, order), Platform()
    await advance(forge, KINDS, sequence)
    await owner.execute("UPDATE actions.sequence SET deadline = now() - interval '1 second'")

    state = await walked(forge, platform, sequence)

    assert (state, platform.operations) == (SequenceState.UNDONE, [])


async def test_an_undoing_that_is_refused_waits_for_a_person_who_did_it_by_hand(forge: Forge, owner: Owner, order: OrderId) -> None:
    sequence, platform = await begun(forge, order), Platform(refuses={"set_speed", "remove_profile"})
    stuck = await walked(forge, platform, sequence)
    async with forge.atlas.transaction(ME) as conn:
        (doubt,) = await in_doubt(conn)

    member = await given.member(owner, "A lead", "noc_lead")
    lead = in_session(staff(StaffId(member), "A lead", frozenset()), await given.session(owner, member))
    async with forge.atlas.transaction(lead) as conn:
        await settle(conn, doubt.reference, happened=True, note="removed on the OLT itself")
    state = await walked(forge, platform, sequence)

    assert (stuck, doubt.what, state) == (SequenceState.IN_DOUBT, "undoing keep the profile of plan_move", SequenceState.UNDONE)
    assert (platform.operations[-1], await line(owner)) == ("release", ("failed", 100_000))


async def test_a_step_of_which_nobody_can_tell_is_neither_repeated_nor_undone_until_a_person_says(
    forge: Forge, owner: Owner, order: OrderId
) -> None:
    sequence, platform = await begun(forge, order), Platform(silent={"add_profile"})
    await walked(forge, platform, sequence, rounds=8)
    await owner.execute("UPDATE actions.sequence SET deadline = now() - interval '1 second'")

    state = await walked(forge, platform, sequence, rounds=8)

    async with forge.atlas.transaction(ME) as conn:
        doubts = [doubt.what for doubt in await in_doubt(conn)]
    assert (state, platform.operations, doubts) == (SequenceState.UNDOING, ["reserve"], ["provisioner add_profile"])


async def test_four_processes_at_once_take_each_step_once(forge: Forge, owner: Owner, order: OrderId) -> None:
    sequence, platform = await begun(forge, order), Platform()

    await asyncio.gather(*(walked(forge, platform, sequence) for _ in range(4)))
    state = await walked(forge, platform, sequence)

    assert (state, platform.operations, await line(owner)) == (SequenceState.DONE, FORWARDS, ("completed", 900_000))


async def test_a_step_that_comes_too_late_never_happens(forge: Forge, owner: Owner, order: OrderId) -> None:
    sequence = await begun(forge, order)
    slow, quick = walked(forge, Platform(), sequence, rounds=1), owner.execute("UPDATE actions.sequence SET state = 'undoing'")

    await asyncio.gather(slow, quick)
    state = await walked(forge, Platform(), sequence)

    moved = await (await owner.execute("SELECT count(*) FROM oms.order_event WHERE state = 'inProgress'")).fetchone()
    undone = await (await owner.execute("SELECT count(*) FROM oms.order_event WHERE state = 'failed'")).fetchone()
    assert (state, moved) == (SequenceState.UNDONE, undone)


async def test_what_a_killed_process_left_is_taken_up_by_whoever_looks_next(forge: Forge, owner: Owner, order: OrderId) -> None:
    sequence = await begun(forge, order)
    await owner.execute("UPDATE actions.sequence_step SET state = 'doing' WHERE position = 1")

    taken = [await advance_due(forge, KINDS, hold=timedelta(hours=1)), await advance_due(forge, KINDS)]

    steps = await (
        await owner.execute("SELECT state FROM actions.sequence_step WHERE sequence_id = %s ORDER BY position LIMIT 2", (sequence,))
    ).fetchall()
    assert (taken[0], steps) == (1, [("done",), ("doing",)])


async def test_an_order_is_carried_out_once(forge: Forge, order: OrderId) -> None:
    first, second = await begun(forge, order), await begun(forge, order)
    assert first == second
    await walked(forge, Platform(), first)

    with pytest.raises(Conflict):
        await begun(forge, order)


async def test_a_switch_thrown_in_the_middle_turns_the_sequence_back(forge: Forge, owner: Owner, order: OrderId) -> None:
    sequence, platform = await begun(forge, order), Platform()
    await walked(forge, platform, sequence, rounds=3)
    stop = {"scope": "action", "is_on": True, "reason": "moves to the wrong version", "by": "staff:1"}
    await given.row(owner, "actions.kill_switch", name="move_plan", **stop)

    state = await walked(forge, platform, sequence)

    assert (state, await line(owner), platform.operations[-1]) == (SequenceState.UNDONE, ("failed", 100_000), "release")


def sequence(state: SequenceState = SequenceState.RUNNING, *, is_late: bool = False) -> Sequence:
    return Sequence(1, "plan_move", "7", {}, "", CorrelationId(uuid.uuid4()), state, is_late, None)


def steps(*states: StepState) -> list[StepTaken]:
    return [StepTaken(nth, nth, f"step {nth}", state, 0, None, {}, "no") for nth, state in enumerate(states, start=1)]


S = StepState


@pytest.mark.parametrize(
    ("asked", "taken", "move"),
    [
        (sequence(), steps(S.DONE, S.WAITING), Do),
        (sequence(), steps(S.DONE, S.DOING), Do),
        (sequence(), steps(S.DONE, S.FAILED), TurnBack),
        (sequence(is_late=True), steps(S.DONE, S.WAITING), TurnBack),
        (sequence(is_late=True), steps(S.DONE, S.DONE), End),
        (sequence(SequenceState.UNDOING), steps(S.DONE, S.DOING), Undo),
        (sequence(SequenceState.UNDOING), steps(S.DONE, S.IN_DOUBT), End),
        (sequence(SequenceState.UNDOING), steps(S.UNDONE, S.FAILED), End),
    ],
)
def test_the_next_move_follows_from_the_rows_alone(asked: Sequence, taken: list[StepTaken], move: type) -> None:
    assert isinstance(next_move(asked, taken), move)


def test_what_was_done_last_is_undone_first() -> None:
    move = next_move(sequence(SequenceState.UNDOING), steps(S.DONE, S.DONE, S.UNDONE, S.FAILED))

    assert isinstance(move, Undo)
    assert move.step.position == 2
