"""What Forge promises of every action that is proposed."""

import asyncio
import uuid
from typing import Any

import pytest
from psycopg import AsyncConnection

from atlas.actions import reads
from atlas.actions.records import ActionState
from atlas.identity import CorrelationId, CustomerId, StaffId
from atlas.money import Money
from atlas.principal import Role, customer, executor, staff
from forge.carry_out import expire_overdue
from forge.propose import Forge, propose, settle
from forge.register import MatrixAndRegisterDisagree, Register
from governance.matrix import load
from tests import given
from tests.forge.conftest import MATRIX
from tests.forge.orders import Credits, Promise

Owner = AsyncConnection[tuple[Any, ...]]
CAUSE = CorrelationId(uuid.UUID(int=7))
SYSTEM = executor("playbook")


async def promises(owner: Owner) -> list[str]:
    rows = await (await owner.execute("SELECT promised FROM helpdesk.promise ORDER BY id")).fetchall()
    return [row[0] for row in rows]


async def test_a_routine_action_is_done_when_it_was_proposed(forge: Forge, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))

    proposed = await propose(forge, SYSTEM, Promise(maya, "a call"), reason="asked", correlation_id=CAUSE)

    assert (proposed.state, proposed.outcome) == (ActionState.DONE, {"promised": "a call"})
    assert await promises(owner) == ["a call"]


async def test_the_same_operation_proposed_again_answers_what_became_of_the_first(forge: Forge, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))
    first = await propose(forge, SYSTEM, Promise(maya, "a call"), reason="asked", correlation_id=CAUSE)

    second = await propose(forge, SYSTEM, Promise(maya, "a call"), reason="asked twice", correlation_id=CAUSE)

    assert (second.action_id, second.outcome) == (first.action_id, first.outcome)
    assert await promises(owner) == ["a call"]


async def test_one_operation_proposed_by_ten_at_once_is_done_once(forge: Forge, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))

    asked = [propose(forge, SYSTEM, Promise(maya, "a call"), reason="asked", correlation_id=CAUSE) for _ in range(10)]
    proposed = await asyncio.gather(*asked)

    assert {one.state for one in proposed} == {ActionState.DONE}
    assert await promises(owner) == ["a call"]


@pytest.mark.parametrize(("promised", "said"), [("the moon", "nobody can promise the moon"), ("a crash", "ZeroDivisionError")])
async def test_an_action_that_fails_leaves_nothing_but_the_reason(forge: Forge, owner: Owner, promised: str, said: str) -> None:
    maya = CustomerId(await given.customer(owner))

    proposed = await propose(forge, SYSTEM, Promise(maya, promised), reason="asked", correlation_id=CAUSE)

    assert (proposed.state, proposed.failure) == (ActionState.FAILED, said)
    assert await promises(owner) == []


async def test_what_a_customer_asks_for_is_recorded_in_their_name(forge: Forge, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))

    proposed = await propose(forge, customer(maya), Promise(maya, "a call"), reason="asked", correlation_id=CAUSE)

    row = await (await owner.execute("SELECT proposer, proposed_for FROM actions.action WHERE id = %s", (proposed.action_id,))).fetchone()
    assert proposed.state is ActionState.DONE
    assert row == (f"customer:{maya}", maya)


async def test_an_action_whose_proposer_died_before_it_was_judged_is_settled_later(forge: Forge, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))
    waiting = await propose(forge, SYSTEM, Credits((maya,), Money("30.00")), reason="asked", correlation_id=CAUSE)
    await owner.execute("UPDATE actions.action SET state = 'proposed' WHERE id = %s", (waiting.action_id,))

    settled = await settle(forge, waiting.action_id)

    assert settled.state is ActionState.WAITING


async def test_small_actions_do_not_add_up_past_an_allowance(forge: Forge, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))
    for promised in ("one", "two", "three"):
        await propose(forge, SYSTEM, Promise(maya, promised), reason="asked", correlation_id=CAUSE)

    fourth = await propose(forge, SYSTEM, Promise(maya, "four"), reason="asked", correlation_id=CAUSE)

    assert (fourth.state, fourth.approver_roles) == (ActionState.WAITING, ("care_lead",))


async def test_allowances_hold_when_everything_is_asked_at_once(forge: Forge, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))

    asked = [propose(forge, SYSTEM, Promise(maya, str(one)), reason="asked", correlation_id=CAUSE) for one in range(8)]
    proposed = await asyncio.gather(*asked)

    assert sorted(one.state for one in proposed) == [ActionState.DONE] * 3 + [ActionState.WAITING] * 5


def test_a_row_for_an_action_that_nobody_can_carry_out_is_named() -> None:
    with pytest.raises(MatrixAndRegisterDisagree, match="do not exist: issue_credits"):
        Register.of([Promise]).agree_with(load(MATRIX))


async def test_an_action_that_is_switched_off_is_refused_and_says_why(forge: Forge, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))
    await given.row(owner, "actions.kill_switch", scope="action", name="record_promise", is_on=True, reason="audit", by="staff:1")

    proposed = await propose(forge, SYSTEM, Promise(maya, "a call"), reason="asked", correlation_id=CAUSE)

    assert (proposed.state, proposed.verdict_reason, await promises(owner)) == (ActionState.REFUSED, "switched off: audit", [])


@pytest.mark.parametrize("by", ["a part of the system", "a customer"])
async def test_what_was_refused_for_a_switch_is_done_when_it_is_asked_for_after_the_release(forge: Forge, owner: Owner, by: str) -> None:
    maya = CustomerId(await given.customer(owner))
    who = SYSTEM if by == "a part of the system" else customer(maya)
    await given.row(owner, "actions.kill_switch", scope="action", name="record_promise", is_on=True, reason="audit", by="staff:1")
    stopped = [await propose(forge, who, Promise(maya, "a call"), reason="asked", correlation_id=CAUSE) for _ in range(3)]
    await owner.execute("UPDATE actions.kill_switch SET is_on = false")

    released = [await propose(forge, who, Promise(maya, "a call"), reason="asked", correlation_id=CAUSE) for _ in range(2)]

    # While it is off, asking again and again leaves one row, and after that it is done once.
    assert {(one.state, one.action_id) for one in stopped} == {(ActionState.REFUSED, stopped[0].action_id)}
    assert {(one.state, one.action_id) for one in released} == {(ActionState.DONE, released[0].action_id)}
    assert await promises(owner) == ["a call"]


async def test_what_lapsed_is_asked_for_anew_by_a_person_and_nagged_about_by_no_part_of_the_system(forge: Forge, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))
    helen = staff(StaffId(await given.member(owner, "Helen Brooks", "customer_care")), "Helen Brooks", frozenset({Role.CUSTOMER_CARE}))
    asked = {}
    for who in (SYSTEM, helen):
        dear = Credits((maya,), Money("30.00" if who is SYSTEM else "31.00"))
        first = await propose(forge, who, dear, reason="asked", correlation_id=CAUSE)
        await owner.execute("UPDATE actions.action SET approve_by = clock_timestamp() - interval '1 s' WHERE id = %s", (first.action_id,))
        await expire_overdue(forge)
        again = await propose(forge, who, dear, reason="asked again", correlation_id=CAUSE)
        asked[who.reference] = (first.state, again.state, again.action_id == first.action_id)

    assert asked[SYSTEM.reference] == (ActionState.WAITING, ActionState.EXPIRED, True)
    assert asked[helen.reference] == (ActionState.WAITING, ActionState.WAITING, False)


async def test_what_was_refused_by_the_matrix_is_not_asked_for_again(forge: Forge, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))
    await given.row(owner, "actions.kill_switch", scope="action", name="record_promise", is_on=True, reason="audit", by="staff:1")
    first = await propose(forge, SYSTEM, Promise(maya, "a call"), reason="asked", correlation_id=CAUSE)
    await owner.execute("UPDATE actions.kill_switch SET is_on = false")
    await owner.execute("UPDATE actions.action SET verdict_reason = 'nobody may' WHERE id = %s", (first.action_id,))

    second = await propose(forge, SYSTEM, Promise(maya, "a call"), reason="asked", correlation_id=CAUSE)

    assert (second.state, second.action_id) == (ActionState.REFUSED, first.action_id)


async def test_what_failed_may_be_asked_for_again_a_few_times(forge: Forge, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))

    asked = [await propose(forge, SYSTEM, Promise(maya, "the moon"), reason="asked", correlation_id=CAUSE, tries=3) for _ in range(5)]

    assert len({one.action_id for one in asked}) == 3


async def test_what_the_gate_bars_is_refused_whatever_the_matrix_says(forge: Forge, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))
    await propose(forge, SYSTEM, Promise(maya, "a call"), reason="asked", correlation_id=CAUSE)
    await owner.execute("UPDATE actions.hard_limit SET alone = NULL WHERE action = 'record_promise'")

    proposed = await propose(forge, SYSTEM, Promise(maya, "another"), reason="asked", correlation_id=CAUSE)

    assert (proposed.state, await promises(owner)) == (ActionState.REFUSED, ["a call"])
    assert "never done without a person" in proposed.verdict_reason


async def test_an_action_that_nobody_can_read_any_more_is_given_up(forge: Forge, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))
    waiting = await propose(forge, SYSTEM, Credits((maya,), Money("30.00")), reason="asked", correlation_id=CAUSE)
    await owner.execute("UPDATE actions.action SET state = 'proposed', arguments = '{}' WHERE id = %s", (waiting.action_id,))

    settled = await settle(forge, waiting.action_id)

    assert settled.state is ActionState.FAILED


async def test_what_goes_alone_and_is_to_be_told_is_shown_to_that_role_only(forge: Forge, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))

    proposed = await propose(forge, SYSTEM, Credits((maya,), Money("5.00")), reason="asked", correlation_id=CAUSE)

    async with forge.atlas.transaction(SYSTEM) as conn:
        told, others = await reads.told_to(conn, [Role.BILLING_LEAD]), await reads.told_to(conn, [Role.NOC_LEAD])
    assert ([one.id for one in told], others, proposed.state) == ([proposed.action_id], [], ActionState.DONE)
