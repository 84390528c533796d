"""An order that waits for the first sign of its line: it goes on when that comes, not when it would have looked again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from psycopg import AsyncConnection

from atlas.connection import Atlas, zone_url
from atlas.identity import OrderId
from atlas.oms.records import OrderState
from atlas.principal import Zone
from atlas.statements import Connection
from forge.action import Action
from forge.sequences.advance import advance_due
from forge.sequences.kinds import KINDS
from forge.sequences.lines import LINE_START
from forge.sequences.records import NotYet, SequenceKind, SoFar
from tests.cmdb.aaa import Radius, nas
from tests.conftest import SECRET
from tests.given import Owner
from tests.oms.signups import Town, town

S = OrderState


@dataclass
class Waiting:
    """One order whose line is set up and was not seen yet; it looks for itself in an hour."""

    place: Town
    order: OrderId
    radius: Radius

    async def goes_on(self) -> OrderState:
        await advance_due(self.place.forge, KINDS)
        return (await self.place.case(self.order)).state

    async def jobs(self) -> int:
        asked = "SELECT count(*) FROM jobs.procrastinate_jobs WHERE task_name = 'forge.sequences' AND status = 'todo'"
        return int((await (await self.place.owner.execute(asked)).fetchone() or (0,))[0])


@pytest.fixture
async def waiting(atlas: Atlas, owner: Owner) -> AsyncIterator[Waiting]:
    place, bng = await town(atlas, owner), await nas(owner)
    order = await place.order()
    await place.round()
    case = await place.case(order)
    assert (case.state, case.evidence) == (S.IN_PROGRESS, None)
    await owner.execute("UPDATE actions.sequence SET next_at = clock_timestamp() + interval '1 hour'")
    await no_jobs_left(owner)
    async with await AsyncConnection.connect(zone_url(atlas.url, Zone.RADIUS, SECRET), autocommit=True) as conn:
        yield Waiting(place, order, Radius(conn, bng, case.customer_id, case.subscriber_id, f"line{case.subscriber_id}"))


async def no_jobs_left(owner: Owner) -> None:
    # The queue's own triggers know its tables by their bare names.
    async with owner.transaction():
        await owner.execute("SET LOCAL search_path = jobs, pg_catalog")
        await owner.execute("DELETE FROM procrastinate_jobs")


async def test_nothing_wakes_an_order_of_which_nothing_was_seen(waiting: Waiting) -> None:
    assert (await waiting.goes_on(), await waiting.jobs()) == (S.IN_PROGRESS, 0)


async def test_an_order_goes_on_as_soon_as_its_box_is_let_in(waiting: Waiting) -> None:
    assert await waiting.radius.standing() == "welcome"

    assert (await waiting.jobs(), await waiting.goes_on()) == (1, S.COMPLETED)


async def test_an_order_goes_on_as_soon_as_its_first_session_begins(waiting: Waiting) -> None:
    assert await waiting.radius.tell("Start") == "recorded"

    assert (await waiting.jobs(), await waiting.goes_on()) == (1, S.COMPLETED)


async def test_a_box_that_is_let_in_while_its_order_looks_for_it_is_not_missed(waiting: Waiting) -> None:
    async def looked_a_moment_too_early(conn: Connection, so_far: SoFar, now: datetime) -> Action:
        await waiting.radius.standing()
        raise NotYet("neither a session nor the box was seen", timedelta(hours=1))

    hasty = [replace(step, do=looked_a_moment_too_early) if step.name == "evidence" else step for step in LINE_START.steps]
    kinds: dict[str, SequenceKind] = {LINE_START.name: replace(LINE_START, steps=tuple(hasty))}
    await waiting.place.owner.execute("UPDATE actions.sequence SET next_at = clock_timestamp()")
    await advance_due(waiting.place.forge, kinds)
    assert (await waiting.place.case(waiting.order)).state is S.IN_PROGRESS

    assert await waiting.goes_on() is S.COMPLETED


async def test_the_box_of_somebody_else_wakes_no_order_but_its_own(waiting: Waiting) -> None:
    other = await waiting.place.order()
    await waiting.place.round()
    await waiting.place.owner.execute("UPDATE actions.sequence SET next_at = clock_timestamp() + interval '1 hour'")

    line = (await waiting.place.case(other)).subscriber_id
    assert await waiting.radius.standing(f"line{line}") == "welcome"

    assert await waiting.goes_on() is S.IN_PROGRESS
    assert (await waiting.place.case(other)).state is S.COMPLETED


async def test_a_line_that_works_wakes_nobody_when_it_signs_in_again(waiting: Waiting) -> None:
    await waiting.radius.standing()
    await waiting.goes_on()
    await no_jobs_left(waiting.place.owner)

    assert await waiting.radius.standing() == "welcome"
    await waiting.radius.tell("Start", session="S2")
    await waiting.radius.tell("Interim-Update", session="S2", up=1000)

    assert await waiting.jobs() == 0
