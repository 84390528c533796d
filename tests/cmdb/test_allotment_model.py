"""Addresses, prefixes and VLANs beside a model of them: reserved, used, freed, rested, run out, and asked for by two at once."""

import asyncio
import copy
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_network
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from psycopg import AsyncConnection
from psycopg.errors import DeadlockDetected

from atlas.cmdb.records.numbers import PlannedPool
from atlas.cmdb.rules import PoolExhausted
from atlas.cmdb.writes import assign_numbers
from atlas.connection import Atlas
from atlas.identity import CustomerId, DeviceId, SubscriberId
from atlas.principal import Zone
from forge.actions.cmdb.stock import DefinePool, FreeNumbers, ReserveNumbers
from tests import carried, given
from tests.conftest import SECRET
from tests.given import NOW

# Five addresses beside the gateway, four prefixes, three VLANs: whoever is the fourth finds no VLAN, and must be left with nothing at all.
POOLS = (
    PlannedPool("v4", "address", network="192.0.2.0/29", block_length=32, gateway="192.0.2.1"),
    PlannedPool("v6", "prefix", network="2001:db8::/54", block_length=56),
    PlannedPool("vlan", "vlan", device="olt-1", s_tag=100, first_place=2, last_place=4),
)
PLACES = {"v4": range(2, 7), "v6": range(4), "vlan": range(2, 5)}
LINES = 5
Got = TypeVar("Got")


class Assign(FreeNumbers):
    """What the last step of an order does: the numbers are the line's own from now on."""

    async def carry_out(self, conn: Any, now: Any) -> dict[str, Any]:  # noqa: ARG002
        return {"assigned": await assign_numbers(conn, self.line)}


@dataclass
class Place:
    """One number of the model; `is_over`: its reservation or its rest has run out, and nobody took it since."""

    state: str = "free"
    line: int | None = None
    is_over: bool = False

    @property
    def can_be_had(self) -> bool:
        return self.state == "free" or (self.state in ("reserved", "quarantine") and self.is_over)


class Numbers(RuleBasedStateMachine):
    """`lines` are named by their place from 0; the model keeps each pool's numbers by place."""

    url: str
    customer: CustomerId
    device: DeviceId
    lines: list[SubscriberId]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.owner = self.wait(AsyncConnection.connect(self.url, autocommit=True))
        self.opened = Atlas.open(self.url, SECRET, (Zone.EXECUTOR, Zone.STAFF))
        self.atlas = self.wait(self.opened.__aenter__())
        self.changed("UPDATE cmdb.allotment SET state = 'free', subscriber_id = NULL, until = NULL")
        self.model = {pool: {place: Place() for place in places} for pool, places in PLACES.items()}
        self.turn = 0

    def wait(self, work: Awaitable[Got]) -> Got:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.wait(self.opened.__aexit__(None, None, None))
        self.wait(self.owner.close())
        self.loop.close()

    def changed(self, statement: str, *values: Any) -> None:
        self.wait(self.owner.execute(statement, values))

    async def ordered(self, kind: type[Any], line: int, **more: Any) -> dict[str, Any] | PoolExhausted:
        """Two who cross on an audit chain and a number are tried again, as Forge does."""
        self.turn += 1
        action = kind(self.customer, self.lines[line], f"{self.turn}", **more)
        while True:
            with suppress(DeadlockDetected):
                try:
                    return await carried.out(self.atlas, action, NOW)
                except PoolExhausted as exhausted:
                    return exhausted

    def places_of(self, line: int) -> dict[str, int]:
        return {pool: at for pool, places in self.model.items() for at, place in places.items() if place.line == line}

    def next_for(self, line: int) -> dict[str, int] | None:
        """The number of each pool that the line has or would be given; None where one of the pools has none."""
        known = self.places_of(line)
        wanted = {
            pool: known.get(pool, min((at for at, place in places.items() if place.can_be_had), default=-1))
            for pool, places in self.model.items()
        }
        return None if -1 in wanted.values() else wanted

    def take(self, line: int, wanted: dict[str, int]) -> None:
        for pool, at in wanted.items():
            place = self.model[pool][at]
            if place.line != line or place.state != "assigned":
                self.model[pool][at] = Place("reserved", line)

    @rule(line=st.integers(0, LINES - 1))
    def reserve(self, line: int) -> None:
        wanted = self.next_for(line)

        came = self.wait(self.ordered(ReserveNumbers, line, device=self.device))

        assert isinstance(came, PoolExhausted) == (wanted is None)
        if wanted is not None:
            self.take(line, wanted)

    @rule(one=st.integers(0, LINES - 1), apart=st.integers(1, LINES - 1))
    def two_reserve_at_once(self, one: int, apart: int) -> None:
        both = (one, (one + apart) % LINES)

        async def at_once() -> list[Any]:
            return list(await asyncio.gather(*(self.ordered(ReserveNumbers, line, device=self.device) for line in both)))

        possible = {self.refused_one_after_the_other(order) for order in (both, both[::-1])}
        lost = {line for line, came in zip(both, self.wait(at_once()), strict=True) if isinstance(came, PoolExhausted)}
        assert len(lost) in possible
        for pool, seen in self.seen().items():
            self.adopt(pool, {at: line for at, (_, line) in seen.items() if line in both}, set(both) - lost)

    def refused_one_after_the_other(self, order: tuple[int, ...]) -> int:
        kept, refused = copy.deepcopy(self.model), 0
        for line in order:
            wanted = self.next_for(line)
            refused += wanted is None
            self.take(line, wanted or {})
        self.model = kept
        return refused

    def adopt(self, pool: str, seen: dict[int, int | None], winners: set[int]) -> None:
        """Which of two has which is theirs to settle: whoever came through has one that could be had, who did not has nothing new."""
        places = self.model[pool]
        assert {line for line in seen.values() if line in winners} == winners
        assert len(set(seen.values())) == len(seen)
        for at, line in seen.items():
            assert places[at].line == line or (line in winners and places[at].can_be_had)
        for at in places:
            if at in seen and (places[at].line != seen[at] or (seen[at] in winners and places[at].state == "reserved")):
                places[at] = Place("reserved", seen[at])

    @rule(line=st.integers(0, LINES - 1))
    def assign(self, line: int) -> None:
        self.wait(self.ordered(Assign, line))
        for pool, at in self.places_of(line).items():
            self.model[pool][at] = Place("assigned", line)

    @rule(line=st.integers(0, LINES - 1))
    def free(self, line: int) -> None:
        self.wait(self.ordered(FreeNumbers, line))
        for pool, at in self.places_of(line).items():
            self.model[pool][at] = Place("quarantine" if self.model[pool][at].state == "assigned" else "free")

    @rule(line=st.integers(0, LINES - 1))
    def a_reservation_runs_out(self, line: int) -> None:
        over = "UPDATE cmdb.allotment SET until = now() - interval '1 second' WHERE state = 'reserved' AND subscriber_id = %s"
        self.changed(over, self.lines[line])
        for pool, at in self.places_of(line).items():
            self.model[pool][at].is_over |= self.model[pool][at].state == "reserved"

    @precondition(lambda self: any(place.state == "quarantine" for places in self.model.values() for place in places.values()))
    @rule()
    def what_rested_has_rested(self) -> None:
        self.changed("UPDATE cmdb.allotment SET until = now() - interval '1 second' WHERE state = 'quarantine'")
        for places in self.model.values():
            for place in places.values():
                place.is_over |= place.state == "quarantine"

    def seen(self) -> dict[str, dict[int, tuple[str, int | None]]]:
        """Every number that is not free, by pool and place: its state, and whose it is by the line's place in ours."""
        asked = self.wait(
            self.owner.execute(
                "SELECT pool.name, allotment.place, allotment.state, allotment.subscriber_id"
                "  FROM cmdb.allotment JOIN cmdb.pool ON pool.id = allotment.pool_id WHERE allotment.state <> 'free'"
            )
        )
        found: dict[str, dict[int, tuple[str, int | None]]] = {pool: {} for pool in PLACES}
        for pool, at, state, line in self.wait(asked.fetchall()):
            found[pool][at] = (state, None if line is None else self.lines.index(line))
        return found

    @invariant()
    def what_is_held_is_what_the_model_holds(self) -> None:
        ours = {
            pool: {at: (place.state, place.line) for at, place in places.items() if place.state != "free"}
            for pool, places in self.model.items()
        }
        assert self.seen() == ours

    @invariant()
    def no_number_overlaps_another_and_none_is_the_gateway(self) -> None:
        asked = self.wait(self.owner.execute("SELECT block::text FROM cmdb.allotment WHERE block IS NOT NULL AND state <> 'free'"))
        blocks = sorted((ip_network(row[0]) for row in self.wait(asked.fetchall())), key=lambda block: (block.version, block))
        assert not any(one.version == other.version and one.overlaps(other) for one, other in pairwise(blocks))
        assert ip_network("192.0.2.1/32") not in blocks


@pytest.mark.parametrize("examples", [8])
def test_numbers_agree_with_a_model_of_them(database_url: str, examples: int) -> None:
    async def arrange() -> None:
        async with (
            await AsyncConnection.connect(database_url, autocommit=True) as owner,
            Atlas.open(database_url, SECRET, (Zone.EXECUTOR, Zone.STAFF)) as atlas,
        ):
            Numbers.device = DeviceId(await given.device(owner, "olt-1"))
            for pool in POOLS:
                await carried.out(atlas, DefinePool(pool), NOW)
            Numbers.customer = CustomerId(await given.customer(owner, phone=None))
            Numbers.lines = [SubscriberId(await given.subscriber(owner, Numbers.customer, Numbers.device)) for _ in range(LINES)]

    asyncio.run(arrange())
    Numbers.url = database_url
    run_state_machine_as_test(Numbers, settings=settings(max_examples=examples, stateful_step_count=12, deadline=None))
