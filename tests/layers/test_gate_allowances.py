"""Many small actions do not add up to a large one: the gate counts what went alone before it lets another through."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from atlas.connection import Atlas
from atlas.money import Money
from atlas.principal import Role
from governance.facts import Facts
from governance.rows import Allowance, Answer, Matrix, Per
from tests import given
from tests.layers import gate

FIVE = Facts("credit", money=Money("5.00"), money_each=Money("5.00"), customers=1)


def allowance(per: Per, **most: Any) -> Allowance:
    times = {"expires_in": gate.AN_HOUR, "execute_within": gate.AN_HOUR}
    approvers = {"approvers": (Role.BILLING_LEAD,), "how_many": 1}
    return Allowance(
        "so-much", ("credit", "note"), per, gate.AN_HOUR, Answer.NEEDS_APPROVAL, "enough for now", **most, **approvers, **times
    )


async def put(owner: given.Owner, per: Per, **most: Any) -> Matrix:
    return await gate.put(owner, gate.lax(), allowances=(allowance(per, **most),))


async def gave(owner: given.Owner, money: str, to: int, needed: int = 0, state: str = "done") -> None:
    facts = {"money": money, "money_each": money, "customers": 1, "devices": 0, "touched_customers": [to]}
    action_id = await given.action(owner, "credit", state)
    await owner.execute(
        "UPDATE actions.action SET judged_at = now(), approvals_needed = %s, facts = %s::jsonb, proposer = 'system:test' WHERE id = %s",
        (needed, json.dumps(facts), action_id),
    )


async def answer(
    atlas: Atlas, made: Matrix, facts: Facts = FIVE, touched: tuple[int, ...] = (1,)
) -> tuple[str | None, dict[str, Any] | None]:
    """What becomes of one more, and what the gate counted."""
    async with atlas.transaction(gate.TEST) as conn:
        action_id = await gate.proposed(conn, {**gate.columns_of(facts), "touched_customers": touched})
    judged = await gate.judged(atlas, action_id, made)
    return judged.state, judged.spent


async def test_what_went_alone_is_counted_and_what_a_person_approved_is_not(atlas: Atlas, owner: given.Owner) -> None:
    made = await put(owner, Per.OPERATOR, money_up_to=Money("30.50"))
    for money, needed, state in (("10.00", 0, "done"), ("15.50", 0, "executing"), ("900.00", 1, "done"), ("70.00", 0, "refused")):
        await gave(owner, money, 1, needed, state)

    assert await answer(atlas, made) == ("allowed", {"so-much": {"money": 2550, "customers": 2, "devices": 0, "actions": 2}})


async def test_one_penny_beyond_the_allowance_waits_for_a_person(atlas: Atlas, owner: given.Owner) -> None:
    made = await put(owner, Per.OPERATOR, money_up_to=Money("30.49"))
    await gave(owner, "25.50", 1)

    assert (await answer(atlas, made))[0] == "waiting"


async def test_the_customer_who_has_had_most_counts_for_all_who_are_touched(atlas: Atlas, owner: given.Owner) -> None:
    made = await put(owner, Per.CUSTOMER, money_up_to=Money("20.00"))
    for money, to in (("10.00", 1), ("15.50", 2), ("4.00", 1), ("99.00", 7)):
        await gave(owner, money, to)

    state, spent = await answer(atlas, made, touched=(1, 2, 3))

    assert (state, spent) == ("waiting", {"so-much": {"money": 1550, "customers": 0, "devices": 0, "actions": 2}})


async def test_whom_an_action_touches_without_naming_them_is_not_counted_and_hence_refused(atlas: Atlas, owner: given.Owner) -> None:
    made = await put(owner, Per.CUSTOMER, money_up_to=Money("20.00"))

    assert (await answer(atlas, made, touched=()))[0] == "refused"


async def test_one_name_said_twice_is_one_customer(atlas: Atlas, owner: given.Owner) -> None:
    made = await put(owner, Per.CUSTOMER, money_up_to=Money("20.00"))

    state, _ = await answer(atlas, made, Facts("credit", money=Money("10.00"), money_each=Money("5.00"), customers=2), touched=(1, 1))

    assert state == "refused"


async def test_another_proposers_share_is_not_used_up(atlas: Atlas, owner: given.Owner) -> None:
    made = await put(owner, Per.PROPOSER, actions_up_to=1)
    await gave(owner, "5.00", 1)
    await owner.execute("UPDATE actions.action SET proposer = 'system:another'")

    assert (await answer(atlas, made))[0] == "allowed"


async def test_what_went_alone_before_the_stretch_of_time_is_not_counted(atlas: Atlas, owner: given.Owner) -> None:
    made = await put(owner, Per.OPERATOR, actions_up_to=1)
    await gave(owner, "5.00", 1)
    await owner.execute("UPDATE actions.action SET judged_at = judged_at - %s", (timedelta(minutes=61),))

    assert (await answer(atlas, made))[0] == "allowed"


@pytest.mark.parametrize("per", [Per.OPERATOR, Per.PROPOSER, Per.CUSTOMER])
async def test_ten_at_once_do_not_pass_an_allowance_for_three(atlas: Atlas, owner: given.Owner, per: Per) -> None:
    made = await put(owner, per, actions_up_to=3)

    answers = await asyncio.gather(*(answer(atlas, made) for _ in range(10)))

    assert [state for state, _ in answers].count("allowed") == 3
