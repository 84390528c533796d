"""What the catalogue says a plan is made of is what an order does, and what the network is told: DOMAIN.md 2.1, features 3 and 4."""

from typing import Any

import pytest

from atlas.connection import Atlas
from atlas.identity import CustomerId, OrderId, SubscriberId
from atlas.oms.records import OrderState
from forge.actions.cmdb.plant import ConfigureLine
from forge.actions.cmdb.stock import ReserveNumbers
from tests import carried, given
from tests.cmdb.test_numbers import lines, pool
from tests.given import NOW, Owner
from tests.oms.signups import Town, town

NEEDED_BY = (
    "DELETE FROM catalogue.resource_need WHERE kind = %s AND rfs_id = (SELECT id FROM catalogue.specification WHERE code = 'ip_session')"
)


@pytest.fixture
async def place(atlas: Atlas, owner: Owner) -> Town:
    return await town(atlas, owner)


async def credentials(owner: Owner) -> int:
    (found,) = await (await owner.execute("SELECT count(*) FROM cmdb.credential")).fetchall()
    return int(found[0])


async def test_an_order_does_what_the_decomposition_says_and_nothing_that_it_does_not(place: Town) -> None:
    await place.owner.execute(NEEDED_BY, ("radius_credential",))
    order = await place.order()

    await place.round()

    assert ((await place.case(order)).state, await credentials(place.owner)) == (OrderState.COMPLETED, 0)


async def test_an_order_of_a_plan_that_needs_a_credential_makes_one(place: Town) -> None:
    await place.order()

    await place.round()

    assert await credentials(place.owner) == 1


async def test_the_order_of_a_plan_that_nobody_could_deliver_is_held_with_the_reason(place: Town) -> None:
    order = await place.order()
    await place.owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'in_design'")
    await place.owner.execute("DELETE FROM catalogue.offered_service")

    await place.round()

    said = await (await place.owner.execute("SELECT reason FROM oms.order_event ORDER BY id DESC LIMIT 1")).fetchone()
    assert ((await place.case(order)).state, said) == (
        OrderState.HELD,
        ("fibre-100 cannot be delivered: it offers no customer-facing service",),
    )


async def test_a_line_is_given_the_numbers_that_its_plan_needs_and_no_others(atlas: Atlas, owner: Owner) -> None:
    await pool(atlas)
    await pool(atlas, "2001:db8::/40", 56, kind="prefix")
    await owner.execute(NEEDED_BY, ("ipv6_prefix",))
    (who,) = await lines(owner, 1)

    given_out = (await carried.out(atlas, ReserveNumbers(*who, "1"), NOW))["numbers"]

    assert given_out == ["192.0.2.1"]


async def configured(atlas: Atlas, owner: Owner, down_kbps: int, order: int = 0) -> dict[str, Any]:
    """What the network is told when the one line is set to this speed."""
    line = await (await owner.execute("SELECT id, customer_id FROM crm.subscriber")).fetchone()
    assert line is not None
    action = ConfigureLine(CustomerId(line[1]), SubscriberId(line[0]), "set_speed", down_kbps, 20_000, OrderId(order))
    await carried.out(atlas, action, NOW)
    told = await (await owner.execute("SELECT arguments FROM actions.errand ORDER BY id DESC LIMIT 1")).fetchone()
    assert told is not None
    return dict(told[0])


async def a_line(owner: Owner) -> tuple[int, int]:
    customer = await given.customer(owner, phone=None)
    line = await given.subscriber(owner, customer, await given.device(owner, "olt-1"))
    await owner.execute("UPDATE catalogue.access_policy SET dhcp_class = 'home'")
    return customer, line


async def test_the_access_policy_of_a_plan_is_told_to_the_network_with_its_speed(atlas: Atlas, owner: Owner) -> None:
    await given.offering(owner)
    await owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'in_design'")
    await a_line(owner)

    told = await configured(atlas, owner, 100_000)

    assert (told["line_profile"], told["service_profile"], told["dhcp_class"]) == ("line-100000", "internet", "home")


async def test_a_change_of_plan_tells_the_profile_of_the_plan_that_was_ordered(atlas: Atlas, owner: Owner) -> None:
    await given.offering(owner)
    await owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'in_design'")
    customer, line = await a_line(owner)
    faster = await given.offering(owner, "fibre-500", 4500, down_kbps=500_000)
    columns = {"customer_id": customer, "subscriber_id": line, "kind": "modify", "offering_version_id": faster}
    order = await given.row(owner, "oms.product_order", **columns, action_id=await given.action(owner))

    told = await configured(atlas, owner, 500_000, order)

    assert told["line_profile"] == "line-500000"
