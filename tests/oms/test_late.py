"""Whoever's order will be late hears of it before they ask, and once."""

from datetime import UTC, datetime

from atlas.connection import Atlas
from atlas.money import ZERO
from atlas.oms.reads import in_jeopardy
from atlas.principal import executor
from forge.outside.recorded import RecordedProvisioner
from forge.playbooks.activation import tell_late_orders
from tests.given import Owner
from tests.oms.signups import Stubborn, town


async def test_an_order_that_misses_its_day_is_told_of_once(atlas: Atlas, owner: Owner) -> None:
    place = await town(atlas, owner)
    place.provisioner = Stubborn(RecordedProvisioner(atlas), {"activate"})
    order = await place.order()
    await place.round()
    await owner.execute("UPDATE oms.product_order SET wanted_on = now()::date - 1")

    told = [await tell_late_orders(place.forge) for _ in range(2)]

    notices = await (await owner.execute("SELECT purpose, words FROM helpdesk.notice")).fetchall()
    assert told == [1, 0]
    assert [(purpose, f"order {order}" in words, "later than we said" in words) for purpose, words in notices] == [
        ("order_late", True, True)
    ]


async def test_an_order_that_is_in_time_is_not_written_of(atlas: Atlas, owner: Owner) -> None:
    place = await town(atlas, owner)
    await place.order()

    assert await tell_late_orders(place.forge) == 0


async def test_an_order_under_way_past_its_day_is_late_however_quick_others_were(atlas: Atlas, owner: Owner) -> None:
    place = await town(atlas, owner)
    order = await place.order()
    await owner.execute(
        "UPDATE oms.product_order SET state = 'inProgress', ordered_at = now() - interval '20 days', wanted_on = now()::date - 10"
    )

    async with atlas.transaction(executor("test")) as conn:
        (late,) = await in_jeopardy(conn)

    assert (late.order_id, late.expected_on) == (order, datetime.now(UTC).date())


async def test_an_order_that_names_no_price_costs_what_its_plan_costs(atlas: Atlas, owner: Owner) -> None:
    place = await town(atlas, owner)
    order = await place.order()
    agreed = (await place.case(order)).monthly
    await owner.execute("UPDATE oms.product_order SET monthly_minor = NULL")

    assert (await place.case(order)).monthly == agreed > ZERO
