"""Addresses, prefixes and VLANs: each to one line at a time, kept back before another has it, and told before they run out."""

import asyncio
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_interface, ip_network
from typing import Any

import pytest
from psycopg.errors import DeadlockDetected

from atlas.cmdb.reads import numbers_of, pool_forecasts
from atlas.cmdb.records.numbers import Number, PlannedPool, PoolForecast
from atlas.cmdb.rules import PoolExhausted, places_of
from atlas.cmdb.writes import assign_numbers
from atlas.connection import Atlas
from atlas.errors import Conflict, InvalidField
from atlas.identity import CustomerId, SubscriberId
from atlas.principal import executor
from forge.actions.cmdb.stock import DefinePool, FreeNumbers, ReserveNumbers
from tests import carried, given
from tests.given import NOW, Owner

# Reservations and horizons go by the database's own clock.
TODAY = datetime.now(UTC).date()
ME = executor("test")


async def pool(atlas: Atlas, network: str = "192.0.2.0/28", block_length: int = 32, **columns: Any) -> int:
    planned = PlannedPool(
        columns.pop("name", network), columns.pop("kind", "address"), network=network, block_length=block_length, **columns
    )
    return int((await carried.out(atlas, DefinePool(planned), NOW))["pool"])


async def lines(owner: Owner, count: int) -> list[tuple[CustomerId, SubscriberId]]:
    customer = CustomerId(await given.customer(owner, phone=None))
    device = await given.device(owner, "olt-1")
    return [(customer, SubscriberId(await given.subscriber(owner, customer, device))) for _ in range(count)]


async def reserved(atlas: Atlas, who: tuple[CustomerId, SubscriberId], turn: str = "1", **columns: Any) -> list[str]:
    """Two who cross on an audit chain and a number are tried again, as Forge does."""
    while True:
        with suppress(DeadlockDetected):
            return list((await carried.out(atlas, ReserveNumbers(*who, turn, **columns), NOW))["numbers"])


async def held(atlas: Atlas, line: SubscriberId) -> list[Number]:
    async with atlas.transaction(ME) as conn:
        return await numbers_of(conn, line)


async def assigned(atlas: Atlas, owner: Owner, who: tuple[CustomerId, SubscriberId]) -> None:
    await reserved(atlas, who)
    await owner.execute("UPDATE cmdb.allotment SET state = 'assigned', until = NULL WHERE subscriber_id = %s", (who[1],))


async def test_64_parallel_allocations_on_a_28_never_give_one_number_twice(atlas: Atlas, owner: Owner) -> None:
    await pool(atlas)
    everybody = await lines(owner, 64)

    came = await asyncio.gather(*(reserved(atlas, who) for who in everybody), return_exceptions=True)

    blocks = [one[0] for one in came if isinstance(one, list)]
    hosts = {f"{host}" for host in ip_network("192.0.2.0/28").hosts()}
    assert (len(blocks), set(blocks)) == (14, hosts)
    assert {type(one) for one in came if not isinstance(one, list)} == {PoolExhausted}


async def test_ip_race_sixteen_parallel_requests_on_a_prefix_are_given_1_to_16_each_once(atlas: Atlas, owner: Owner) -> None:
    await pool(atlas, "192.0.2.0/27")
    everybody = await lines(owner, 16)

    came = await asyncio.gather(*(reserved(atlas, who) for who in everybody))

    assert sorted(int(one[0].rpartition(".")[2]) for one in came) == list(range(1, 17))


async def test_an_exhausted_pool_says_so_and_keeps_nothing(atlas: Atlas, owner: Owner) -> None:
    await pool(atlas, "192.0.2.0/32")
    (first, second) = await lines(owner, 2)
    await reserved(atlas, first)

    with pytest.raises(PoolExhausted, match="exhausted"):
        await reserved(atlas, second)

    assert await held(atlas, second[1]) == []


async def test_who_asks_again_is_given_the_number_they_hold(atlas: Atlas, owner: Owner) -> None:
    await pool(atlas)
    (who,) = await lines(owner, 1)

    assert await reserved(atlas, who) == await reserved(atlas, who, "2")


async def test_a_freed_ip_rests_in_quarantine_before_reuse(atlas: Atlas, owner: Owner) -> None:
    await pool(atlas, "192.0.2.0/32")
    (first, second) = await lines(owner, 2)
    await assigned(atlas, owner, first)
    await carried.out(atlas, FreeNumbers(*first, "1"), NOW)

    with pytest.raises(PoolExhausted):
        await reserved(atlas, second)
    await owner.execute("UPDATE cmdb.allotment SET until = now() - interval '1 second'")

    assert await reserved(atlas, second, "2") == ["192.0.2.0"]


async def test_what_was_reserved_and_never_used_is_free_at_once(atlas: Atlas, owner: Owner) -> None:
    await pool(atlas, "192.0.2.0/32")
    (first, second) = await lines(owner, 2)
    await reserved(atlas, first)

    await carried.out(atlas, FreeNumbers(*first, "1"), NOW)

    assert await reserved(atlas, second) == ["192.0.2.0"]


async def test_a_reservation_ends_by_itself(atlas: Atlas, owner: Owner) -> None:
    await pool(atlas, "192.0.2.0/32")
    (first, second) = await lines(owner, 2)
    await reserved(atlas, first)
    await owner.execute("UPDATE cmdb.allotment SET until = now() - interval '1 second'")

    assert await reserved(atlas, second) == ["192.0.2.0"]


async def test_what_is_assigned_does_not_end(atlas: Atlas, owner: Owner) -> None:
    await pool(atlas)
    (who,) = await lines(owner, 1)
    await reserved(atlas, who)

    async def assigning(conn: Any, now: Any) -> dict[str, Any]:
        return {"assigned": await assign_numbers(conn, who[1])}

    assert (await carried.out(atlas, _Assigning(*who, "1"), NOW)) == {"assigned": 1}
    (number,) = await held(atlas, who[1])
    assert (number.state, number.until) == ("assigned", None)


class _Assigning(FreeNumbers):
    async def carry_out(self, conn: Any, now: Any) -> dict[str, Any]:  # noqa: ARG002
        return {"assigned": await assign_numbers(conn, self.line)}


@pytest.mark.parametrize(
    ("network", "length", "places"),
    [
        ("192.0.2.0/31", 32, (0, 1)),
        ("192.0.2.9/32", 32, (0, 0)),
        ("192.0.2.0/28", 32, (1, 14)),
        ("2001:db8::/48", 56, (0, 255)),
        ("2001:db8::/48", 60, (0, 4095)),
        ("2001:db8::/64", 128, (1, 2**62 - 1)),
    ],
)
def test_31_32_and_ipv6_56_against_60_each_have_their_own_places(network: str, length: int, places: tuple[int, int]) -> None:
    assert places_of(network, length) == places


@pytest.mark.parametrize(("network", "length"), [("192.0.2.1/28", 32), ("192.0.2.0/28", 24), ("nonsense", 32), ("2001:db8::/48", 128)])
def test_a_network_that_cannot_be_is_refused_by_its_field(network: str, length: int) -> None:
    with pytest.raises(InvalidField, match=r"network|block_length"):
        places_of(network, length)


@pytest.mark.parametrize(
    ("length", "blocks"), [(56, ["2001:db8::/56", "2001:db8:0:100::/56"]), (60, ["2001:db8::/60", "2001:db8:0:10::/60"])]
)
async def test_delegated_prefixes_follow_one_another_without_a_gap(atlas: Atlas, owner: Owner, length: int, blocks: list[str]) -> None:
    await pool(atlas, name="v4")
    await pool(atlas, "2001:db8::/48", length, kind="prefix")

    given_out = [(await reserved(atlas, who))[1] for who in await lines(owner, 2)]

    assert given_out == blocks
    assert not ip_interface(blocks[0]).network.overlaps(ip_interface(blocks[1]).network)


async def test_pools_of_one_vrf_do_not_overlap(atlas: Atlas) -> None:
    await pool(atlas, "10.0.0.0/24")

    with pytest.raises(Conflict, match="overlaps"):
        await pool(atlas, "10.0.0.128/25")


async def test_overlapping_vrfs_are_two_worlds(atlas: Atlas, owner: Owner) -> None:
    await pool(atlas, "10.0.0.0/24")
    await pool(atlas, "10.0.0.0/24", name="wholesale", vrf="wholesale", serves="wholesale")

    found = await (await owner.execute("SELECT count(DISTINCT vrf_id) FROM cmdb.pool")).fetchone()
    assert found == (2,)


async def test_the_gateway_is_handed_to_nobody(atlas: Atlas, owner: Owner) -> None:
    await pool(atlas, "192.0.2.0/30", gateway="192.0.2.1")
    (who,) = await lines(owner, 1)

    assert await reserved(atlas, who) == ["192.0.2.2"]


async def test_a_vlan_is_of_the_olt_that_the_line_hangs_from(atlas: Atlas, owner: Owner) -> None:
    await pool(atlas)
    (who,) = await lines(owner, 1)
    device: Any = await given.device(owner, "olt-2")
    vlans = PlannedPool("olt-2", "vlan", device="olt-2", s_tag=100, first_place=2, last_place=3)
    await carried.out(atlas, DefinePool(vlans), NOW)

    assert await reserved(atlas, who, device=device) == ["192.0.2.1", "100.2"]


async def test_a_pool_grows_by_chunks_as_numbers_are_needed(atlas: Atlas, owner: Owner) -> None:
    await pool(atlas, "192.0.2.0/25")
    (first, second) = await lines(owner, 2)
    await reserved(atlas, first)
    rest = "UPDATE cmdb.allotment SET state = 'quarantine', until = now() + interval '1 day' WHERE state = 'free'"
    await owner.execute(rest)

    assert await reserved(atlas, second) == ["192.0.2.65"]


async def order(owner: Owner, line: SubscriberId, customer: CustomerId, kind: str, wanted_on: date) -> None:
    action = await given.action(owner)
    columns = {"customer_id": customer, "subscriber_id": line, "kind": kind, "wanted_on": wanted_on, "action_id": action}
    await given.row(owner, "oms.product_order", **columns)


async def forecasts(atlas: Atlas) -> list[PoolForecast]:
    async with atlas.transaction(ME) as conn:
        return await pool_forecasts(conn, timedelta(days=30))


async def test_ten_orders_due_on_a_pool_with_six_free_raise_it(atlas: Atlas, owner: Owner) -> None:
    await pool(atlas, "192.0.2.0/29")
    for customer, line in await lines(owner, 10):
        await order(owner, line, customer, "add", TODAY + timedelta(days=7))

    (one,) = await forecasts(atlas)

    assert (one.free, one.use.due_in, one.short_by) == (6, 10, 4)


async def test_orders_beyond_the_horizon_take_nothing_yet(atlas: Atlas, owner: Owner) -> None:
    await pool(atlas, "192.0.2.0/29")
    ((customer, line),) = await lines(owner, 1)
    await order(owner, line, customer, "add", TODAY + timedelta(days=90))

    (one,) = await forecasts(atlas)

    assert (one.use.due_in, one.short_by) == (0, 0)


async def test_a_line_that_leaves_in_time_gives_its_number_back(atlas: Atlas, owner: Owner) -> None:
    await pool(atlas, "192.0.2.0/32")
    (leaving, coming) = await lines(owner, 2)
    await assigned(atlas, owner, leaving)
    await order(owner, leaving[1], leaving[0], "delete", TODAY)
    await order(owner, coming[1], coming[0], "add", TODAY)

    (one,) = await forecasts(atlas)

    assert (one.free, one.use.due_out, one.short_by) == (0, 1, 0)
