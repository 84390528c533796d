"""Where an order goes wrong, or could: what comes first, what waits too long, what is given back, and from which day it is charged."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from atlas.connection import Atlas
from atlas.money import Money
from atlas.oms.reads import fallout_queue, first_evidence
from atlas.oms.records import OrderState
from forge.actions.oms.orders import AmendOrder, MendOrder, PlaceCease
from forge.sequences.lines import LINE_START, steps_for
from tests import given
from tests.cmdb.aaa import nas
from tests.given import Owner
from tests.oms.signups import ME, Town, now, town
from tests.oms.test_activation import NOTHING, fallen

S = OrderState


@pytest.fixture
async def place(atlas: Atlas, owner: Owner) -> Town:
    return await town(atlas, owner)


def before(step: str, chain: dict[str, tuple[str, ...]]) -> set[str]:
    """Every step that must be done before this one, however far back."""
    return {*chain[step]}.union(*(before(one, chain) for one in chain[step]))


@pytest.mark.parametrize("steps", [None, steps_for({"radius_credential"})], ids=["with a visit", "where the drop is laid"])
def test_an_order_is_taken_apart_into_a_graph_in_which_nothing_comes_before_what_it_needs(steps: tuple[str, ...] | None) -> None:
    chain = dict(LINE_START.chain(steps))

    assert before("numbers", chain) == {"begin", "port"}
    assert {"port", "numbers", "box"} < before("connect", chain)
    assert {"connect", "credential"} < before("activate", chain)
    assert ("visit" in before("activate", chain)) is (steps is None)
    assert {"welcome", "complete"}.isdisjoint(before("evidence", chain))
    assert all("evidence" in before(step, chain) for step in ("welcome", "complete"))


async def test_a_line_that_nobody_sees_within_its_time_falls_out_with_that_cause(place: Town) -> None:
    await nas(place.owner)
    order = await place.order()
    await place.round()
    await place.owner.execute("UPDATE actions.sequence_step SET began_at = now() - interval '31 days' WHERE name = 'evidence'")

    await place.round()

    async with place.forge.atlas.transaction(ME) as conn:
        (one,) = await fallout_queue(conn)
    assert (one.order_id, one.step, one.cause, "its time is over" in one.failure) == (order, "evidence", "timeout", True)


async def test_a_step_that_fails_after_port_and_numbers_were_taken_gives_both_back_and_the_order_says_why(place: Town) -> None:
    await place.owner.execute("ALTER TABLE cmdb.access ADD CONSTRAINT nothing_is_connected CHECK (subscriber_id < 0) NOT VALID")
    order = await place.order()

    await place.round()

    taken = await (await place.owner.execute("SELECT name FROM actions.sequence_step WHERE state = 'undone' ORDER BY position")).fetchall()
    case = await place.case(order)
    assert {("port",), ("numbers",), ("box",)} < set(taken)
    assert (case.state, "connect" in str(case.sequence_why), await place.held()) == (S.FAILED, True, NOTHING)


async def test_a_cease_gives_back_the_port_for_the_next_order(place: Town) -> None:
    await place.owner.execute("UPDATE gis.serving_point SET ports = 1")
    first = await place.order()
    await place.round()
    case = await place.case(first)
    await place.asked(PlaceCease(case.customer_id, case.subscriber_id, now().date(), "moving away", f"cease-{uuid4()}"))
    await place.round()

    second = await place.order()
    await place.round()

    assert (await place.case(second)).state is S.COMPLETED


async def test_a_speed_amended_after_the_radius_user_exists_is_told_by_coa_and_makes_no_second_user(atlas: Atlas, owner: Owner) -> None:
    place, order, network = await fallen(atlas, owner)
    users = "SELECT id, username FROM cmdb.credential WHERE removed_at IS NULL"
    exists = await (await owner.execute(users)).fetchall()
    faster: Any = await given.offering(owner, "fibre-900", 4500)
    customer = (await place.case(order)).customer_id
    await place.asked(AmendOrder(customer, order, "1", "fibre-900", faster, Money("45.00")))
    network.refuses.clear()

    await place.asked(MendOrder(customer, order, "1", "again"))
    await place.round()

    told = await (await owner.execute("SELECT state FROM actions.errand WHERE operation = 'refresh_session'")).fetchall()
    assert (len(exists), await (await owner.execute(users)).fetchall() == exists, told) == (1, True, [("done",)])


async def test_an_activation_seen_days_late_is_charged_from_the_day_of_its_evidence(place: Town) -> None:
    bng = await nas(place.owner)
    order = await place.order()
    await place.round()
    case = await place.case(order)
    await place.owner.execute("UPDATE oms.product_order SET ordered_at = now() - interval '9 days'")
    seen = (
        "INSERT INTO cmdb.session (subscriber_id, username, nas_device_id, started_at) VALUES (%s, 'line', %s, now() - interval '3 days')"
    )
    await place.owner.execute(seen, (case.subscriber_id, bng))

    await place.round()

    async with place.forge.atlas.transaction(ME) as conn:
        evidence = await first_evidence(conn, order)
    charge = await (await place.owner.execute("SELECT starts_on, evidence FROM billing.charge")).fetchone()
    assert evidence is not None
    assert charge == ((now() - timedelta(days=3)).date(), evidence.what)


async def test_a_customer_who_moves_is_without_a_line_on_no_day_and_charged_twice_for_none(place: Town) -> None:
    first = await place.order()
    await place.round()
    case = await place.case(first)
    second = await place.order(customer=case.customer_id)
    await place.asked(PlaceCease(case.customer_id, case.subscriber_id, now().date(), "moving", f"cease-{uuid4()}", second))
    await place.round()
    await place.round()

    old, new = await (await place.owner.execute("SELECT starts_on, ends_on FROM billing.charge ORDER BY id")).fetchall()
    assert (old[1], new[1]) == (new[0], None)


async def test_a_box_of_another_network_stops_the_order_with_that_reason(place: Town) -> None:
    made = {"kind": "modem", "vendor": "Arris", "model": "SB8200", "serial": "HWTC0000CAFE"}
    await given.row(place.owner, "cmdb.asset", **made, action_id=await given.action(place.owner))
    await place.order(serial="HWTC0000CAFE")

    await place.round()

    async with place.forge.atlas.transaction(ME) as conn:
        (one,) = await fallout_queue(conn)
    assert (one.step, one.cause, "another maker's or another network's" in one.failure) == ("box", "data", True)
