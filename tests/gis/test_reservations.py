"""A port is one order's until it is taken up, let go or over its time, whoever asks at once."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from psycopg import AsyncConnection
from psycopg.errors import DeadlockDetected

from atlas.connection import Atlas
from atlas.gis.reads import reservation_of
from atlas.gis.writes import NoPortLeft, end_reservation, reserve_port
from atlas.identity import DeviceId, PremiseId
from atlas.principal import executor
from forge.actions.gis import LetPortGo, ReservePort
from tests import carried, given
from tests.gis import arranged
from tests.given import NOW, Owner

ME = executor("test")
PORTS = 10
ORDERS = 50
Kept = TypeVar("Kept")


async def held_ports(owner: Owner) -> list[int]:
    rows = await owner.execute("SELECT port FROM gis.reservation WHERE ended_at IS NULL ORDER BY port")
    return [row[0] for row in await rows.fetchall()]


async def test_the_lowest_free_port_is_held_and_asked_again_it_is_the_same(atlas: Atlas, owner: Owner) -> None:
    device, premise = await arranged.splitter(owner), await arranged.premise(owner)

    first = await carried.out(atlas, ReservePort(premise, device, "order:1", 24), NOW)
    again = await carried.out(atlas, ReservePort(premise, device, "order:1", 24), NOW)

    assert (first["device"], first["port"], again["port"], await held_ports(owner)) == ("spl-1", 1, 1, [1])


async def test_last_port_two_concurrent_orders(atlas: Atlas, owner: Owner) -> None:
    device, premise = await arranged.splitter(owner, ports=1), await arranged.premise(owner)
    await arranged.sector(owner)

    outcomes = await asyncio.gather(
        *(carried.out(atlas, ReservePort(premise, device, f"order:{number}", 24), NOW) for number in (1, 2)), return_exceptions=True
    )

    (lost,) = [each for each in outcomes if isinstance(each, NoPortLeft)]
    assert len(await held_ports(owner)) == 1
    assert str(lost) == "spl-1 has no free port: 0 of 1 in use, 1 reserved; instead: fixed_wireless at sec-1"


async def ordered(atlas: Atlas, premise: Any, device: Any) -> dict[str, Any]:
    """Two who cross on an audit chain and a port are tried again, as Forge does."""
    while True:
        with suppress(DeadlockDetected):
            return await carried.out(atlas, ReservePort(premise, device, f"order:{premise}", 24), NOW)


async def test_fifty_orders_at_once_on_the_last_ten_ports(atlas: Atlas, owner: Owner) -> None:
    device = await arranged.splitter(owner, ports=PORTS + 2)
    await arranged.sector(owner)
    customer = await given.customer(owner)
    for _ in range(2):
        await given.subscriber(owner, customer, device)
    premises = [await arranged.premise(owner, str(number)) for number in range(ORDERS)]

    outcomes = await asyncio.gather(*(ordered(atlas, premise, device) for premise in premises), return_exceptions=True)

    lost = [each for each in outcomes if isinstance(each, NoPortLeft)]
    assert (len(outcomes) - len(lost), len(lost)) == (PORTS, ORDERS - PORTS)
    assert all("no free port" in str(each) and each.alternatives == ("fixed_wireless at sec-1",) for each in lost)
    assert len(set(await held_ports(owner))) == PORTS


async def test_a_port_that_was_let_go_is_somebody_elses(atlas: Atlas, owner: Owner) -> None:
    device, premise = await arranged.splitter(owner, ports=1), await arranged.premise(owner)
    await carried.out(atlas, ReservePort(premise, device, "order:1", 24), NOW)

    await carried.out(atlas, LetPortGo("order:1"), NOW)

    assert (await carried.out(atlas, ReservePort(premise, device, "order:2", 24), NOW))["port"] == 1


async def test_a_reservation_over_its_time_holds_nothing(atlas: Atlas, owner: Owner) -> None:
    device, premise = await arranged.splitter(owner, ports=1), await arranged.premise(owner)
    await carried.out(atlas, ReservePort(premise, device, "order:1", 1), NOW)
    await owner.execute("UPDATE gis.reservation SET reserved_at = now() - interval '2 hours', expires_at = now() - interval '1 minute'")

    async with atlas.transaction(ME) as conn:
        assert await reservation_of(conn, "order:1") is None
    assert (await carried.out(atlas, ReservePort(premise, device, "order:2", 1), NOW))["port"] == 1


async def test_a_line_without_a_number_takes_a_port_all_the_same(atlas: Atlas, owner: Owner) -> None:
    device, premise = await arranged.splitter(owner, ports=1), await arranged.premise(owner)
    await given.subscriber(owner, await given.customer(owner), device)

    with pytest.raises(NoPortLeft):
        await carried.out(atlas, ReservePort(premise, device, "order:1", 1), NOW)


class Allocation(RuleBasedStateMachine):
    """Orders that come, go, run out and are taken up, beside a model of the ports: never two on one, never one too many."""

    PORTS = 3
    url: str
    action: int
    device: DeviceId
    premise: PremiseId

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.conn = self.wait(AsyncConnection.connect(self.url, autocommit=True))
        self.held: dict[str, int] = {}
        self.wait(self.conn.execute("SELECT set_config('bedrock.action', %s, false)", (str(self.action),)))
        self.wait(self.conn.execute("DELETE FROM gis.reservation"))

    def wait(self, work: Awaitable[Kept]) -> Kept:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.wait(self.conn.close())
        self.loop.close()

    @rule(order=st.integers(1, 6))
    def reserve(self, order: int) -> None:
        key = f"order:{order}"
        ports = set(range(1, self.PORTS + 1))
        if key not in self.held and not ports - set(self.held.values()):
            with pytest.raises(NoPortLeft, match=f"{self.PORTS} reserved"):
                self.wait(reserve_port(self.conn, self.premise, self.device, key, timedelta(hours=1)))
            return
        port = self.wait(reserve_port(self.conn, self.premise, self.device, key, timedelta(hours=1))).port
        assert port == self.held.get(key, min(ports - set(self.held.values()), default=0))
        self.held[key] = port

    @rule(order=st.integers(1, 6), ended_as=st.sampled_from(["released", "taken_up"]))
    def end(self, order: int, ended_as: str) -> None:
        key = f"order:{order}"
        assert self.wait(end_reservation(self.conn, key, ended_as)) == (self.held.pop(key, None) is not None)

    @rule(order=st.integers(1, 6))
    def time_runs_out(self, order: int) -> None:
        moved = "UPDATE gis.reservation SET reserved_at = now() - interval '2 hours', expires_at = now() - interval '1 hour'"
        self.wait(self.conn.execute(f"{moved} WHERE key = %s AND ended_at IS NULL", (f"order:{order}",)))
        self.held.pop(f"order:{order}", None)

    @invariant()
    def what_is_held_is_what_the_model_holds(self) -> None:
        rows = self.wait(self.conn.execute("SELECT key, port FROM gis.reservation WHERE ended_at IS NULL AND expires_at > now()"))
        assert dict(self.wait(rows.fetchall())) == self.held


def test_allocation_agrees_with_a_model_of_it(database_url: str) -> None:
    async def arrange() -> None:
        async with await AsyncConnection.connect(database_url, autocommit=True) as owner:
            Allocation.action = await given.action(owner)
            Allocation.device = await arranged.splitter(owner, ports=Allocation.PORTS)
            Allocation.premise = await arranged.premise(owner)

    asyncio.run(arrange())
    Allocation.url = database_url
    run_state_machine_as_test(Allocation, settings=settings(max_examples=12, stateful_step_count=15, deadline=None))
