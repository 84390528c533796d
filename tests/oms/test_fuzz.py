"""Whatever is proposed, by whomever, no order reaches a state that it may not reach."""

import random
from itertools import pairwise
from uuid import uuid4

import psycopg

from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.identity import CorrelationId, CustomerId, OrderId
from atlas.oms.records import OrderState
from atlas.oms.rules import LEGAL, is_legal
from atlas.principal import Assurance, customer, executor
from forge.action import Action
from forge.actions.oms.orders import CloseOrder, ConfirmActivation, GiveUpOrder, MendOrder
from forge.actions.oms.plans import AdvanceOrder, CancelOrder
from forge.propose import propose
from governance.facts import Facts
from tests.given import Owner
from tests.layers import gate
from tests.oms.signups import Town, town

STATES = list(OrderState)


async def test_the_database_and_the_rules_agree_on_every_transition(owner: Owner) -> None:
    found = await (
        await owner.execute(
            "SELECT now, wanted FROM unnest(%s::text[]) AS now, unnest(%s::text[]) AS wanted WHERE oms.is_legal(now, wanted)",
            ([state.value for state in STATES], [state.value for state in STATES]),
        )
    ).fetchall()

    assert {(now, wanted) for now, wanted in found} == {(now.value, wanted.value) for now, ways in LEGAL.items() for wanted in ways}


async def test_a_thousand_random_moves_of_an_order_reach_no_illegal_state(atlas: Atlas, owner: Owner) -> None:
    place = await town(atlas, owner)
    order = await place.order()
    chance, state, moved = random.Random(622), OrderState.ACKNOWLEDGED, 0
    await owner.execute("INSERT INTO actions.may_write (action, effect) VALUES ('note', 'oms.product_order')")
    action_id = await gate.judged_alone(atlas, owner, Facts("note", customers=1))
    async with atlas.transaction(gate.TEST) as conn:
        await gate.claimed(conn, action_id)
        for _ in range(1000):
            wanted = chance.choice(STATES)
            try:
                async with conn.transaction():
                    await conn.execute("UPDATE oms.product_order SET state = %s WHERE id = %s", (wanted.value, order))
            except psycopg.errors.CheckViolation:
                assert not is_legal(state, wanted)
                continue
            assert wanted is state or is_legal(state, wanted)
            moved += wanted is not state
            state = wanted

    assert moved > 0


def proposal(chance: random.Random, who: CustomerId, order: OrderId, since: object) -> Action:
    turn = str(uuid4())
    return chance.choice(
        (
            lambda: CancelOrder(who, order, since, "no"),  # type: ignore[arg-type]
            lambda: AdvanceOrder(who, order, chance.choice(STATES), chance.choice(STATES), "because"),
            lambda: MendOrder(who, order, turn, "mended"),
            lambda: GiveUpOrder(who, order, turn, "no"),
            lambda: CloseOrder(who, order, f"closed {turn}"),
            lambda: ConfirmActivation(who, order, turn),
        )
    )()


async def test_random_proposals_of_agents_reach_no_illegal_state(atlas: Atlas, owner: Owner) -> None:
    place: Town = await town(atlas, owner)
    order = await place.order()
    case, chance = await place.case(order), random.Random(641)
    for _ in range(60):
        by = chance.choice((executor("agent"), customer(case.customer_id, Assurance.VERIFIED)))
        action = proposal(chance, case.customer_id, order, case.state_changed_at)
        try:
            key = f"fuzz:{uuid4()}"
            await propose(place.forge, by, action, reason="an agent", correlation_id=CorrelationId(uuid4()), operation_key=key)
        except (AtlasError, psycopg.Error):
            continue

    told = await (await owner.execute("SELECT state FROM oms.order_event ORDER BY id")).fetchall()
    way = [OrderState(state) for (state,) in told]
    assert [(one, other) for one, other in pairwise(way) if not is_legal(one, other)] == []
