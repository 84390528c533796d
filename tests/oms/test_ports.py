"""Ports and orders: each given out once, the next device where one is full, and what else there is where none is left."""

from datetime import timedelta

from atlas.connection import Atlas
from atlas.oms.records import OrderState
from forge.actions.oms.orders import MendOrder
from tests import given
from tests.given import Owner
from tests.oms.signups import POINT, now, splitter, town

S = OrderState


async def test_fifty_orders_at_once_on_the_last_ports_give_out_each_port_once(atlas: Atlas, owner: Owner) -> None:
    """The long form, with fifty on ten, is the benchmark `activation`."""
    place = await town(atlas, owner)
    customer, device = await given.customer(owner, phone=None), await splitter(owner)
    for _ in range(29):
        await given.subscriber(owner, customer, device)
    orders = [await place.order() for _ in range(6)]

    await place.round()

    cases = [await place.case(order) for order in orders]
    refused = [str(case.sequence_why) for case in cases if case.state is S.FAILED]
    ports = await (await owner.execute("SELECT port FROM cmdb.access WHERE port IS NOT NULL ORDER BY port")).fetchall()
    assert ([case.state for case in cases].count(S.COMPLETED), len(refused), ports) == (3, 3, [(1,), (2,), (3,)])
    assert all("no free port" in why and "instead: " in why for why in refused)


async def test_whoever_gets_no_port_hears_of_the_other_technology_that_reaches_them(atlas: Atlas, owner: Owner) -> None:
    place = await town(atlas, owner)
    await owner.execute("UPDATE gis.serving_point SET ports = 1")
    sector = await given.device(owner, "sector-1", "sector")
    await given.link(owner, await given.device(owner, "tower-1", "tower"), sector, "radio")
    await given.row(owner, "gis.serving_point", device_id=sector, ports=9, **{**POINT, "technology": "fixed_wireless", "split": None})
    orders = [await place.order() for _ in range(2)]

    await place.round()

    (why,) = [case.sequence_why for case in [await place.case(order) for order in orders] if case.state is S.FAILED]
    assert why is not None
    assert f"instead: fixed_wireless from sector-1, from {now().date() + timedelta(days=5)}" in why


async def test_when_the_nearest_splitter_is_full_the_next_one_in_reach_is_taken(atlas: Atlas, owner: Owner) -> None:
    place = await town(atlas, owner, splitters=2)
    await owner.execute("UPDATE gis.serving_point SET ports = 1")
    orders = [await place.order() for _ in range(3)]

    await place.round()

    states = [(await place.case(order)).state for order in orders]
    devices = await (await owner.execute("SELECT count(DISTINCT device_id), count(*) FROM cmdb.access")).fetchone()
    assert (states.count(S.COMPLETED), states.count(S.FAILED), devices) == (2, 1, (2, 2))


async def test_a_port_whose_time_ran_out_is_somebody_elses_and_the_order_takes_all_back(atlas: Atlas, owner: Owner) -> None:
    place = await town(atlas, owner)
    await owner.execute("UPDATE gis.serving_point SET ports = 1")
    order = await place.order(serial="HWTCDEADBEEF")
    await place.round()
    over = "UPDATE gis.reservation SET reserved_at = now() - interval '2 hours', expires_at = now() - interval '1 hour'"
    await owner.execute(over)
    later = await place.order()
    await place.round()

    await place.asked(MendOrder((await place.case(order)).customer_id, order, "1", "read again", "HWTC00000003"))
    await place.round()

    assert [(await place.case(one)).state for one in (order, later)] == [S.FAILED, S.COMPLETED]
    assert await place.held() == {"ports": 0, "numbers": 1, "boxes": 1, "lines": 1}


async def test_an_order_that_gets_no_port_ends_at_its_first_try_and_nothing_else_was_begun_for_it(atlas: Atlas, owner: Owner) -> None:
    place = await town(atlas, owner)
    await owner.execute("UPDATE gis.serving_point SET ports = 1")
    await place.order()
    await place.round()

    order = await place.order()
    await place.round()

    asked = "SELECT name, state FROM actions.action WHERE operation_key LIKE %s ORDER BY id"
    steps = await (await owner.execute(asked, (f"sequence:line_start:{order}:%",))).fetchall()
    assert ((await place.case(order)).state, steps) == (
        S.FAILED,
        [("advance_order", "done"), ("hold_port", "failed"), ("close_order", "done")],
    )
