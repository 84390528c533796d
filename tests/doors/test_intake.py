"""The one way into Atlas: shared commits, bounded memory, nothing lost while PostgreSQL is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from api.inbound.batch import AlarmIntake, IntakeFull, NotYetSafe
from api.inbound.reading import Reading, set_aside
from atlas.connection import Atlas
from atlas.nms.records import AlarmEvent, AlarmType, Door, ProbableCause, Severity
from atlas.principal import Principal, Zone, intake
from atlas.statements import Connection
from evals.campaign.proxy import LOSES_ANSWERS, PASSES, FaultProxy, before_postgresql
from tests import given
from tests.conftest import SECRET
from tests.doors import telling
from tests.given import Owner

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def reading(port: str = "a", text: str = "LOS", after_s: float = 0) -> Reading:
    at = NOW + timedelta(seconds=after_s)
    return Reading(
        (AlarmEvent("olt-1", port, ProbableCause.LOSS_OF_SIGNAL, Severity.MAJOR, AlarmType.COMMUNICATIONS, text, at, Door.SNMP, at),)
    )


@dataclass
class Flaky:
    """An Atlas whose PostgreSQL is away for the first so many transactions."""

    atlas: Atlas
    away_for: int
    attempts: int = 0
    back: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def transaction(self, principal: Principal) -> AsyncIterator[Connection]:
        self.attempts += 1
        if self.attempts <= self.away_for:
            raise psycopg.errors.DiskFull("could not extend file: no space left on device")
        self.back.set()
        async with self.atlas.transaction(principal) as conn:
            yield conn


@dataclass
class Unanswered(Flaky):
    """An Atlas that commits the first so many transactions without saying so."""

    @asynccontextmanager
    async def transaction(self, principal: Principal) -> AsyncIterator[Connection]:
        self.attempts += 1
        async with self.atlas.transaction(principal) as conn:
            yield conn
        if self.attempts <= self.away_for:
            raise psycopg.OperationalError("the connection is lost")


@dataclass
class Unheard(Flaky):
    """An Atlas whose first so many commits reach PostgreSQL while their answers are held on the way back."""

    proxy: FaultProxy = field(kw_only=True)

    @asynccontextmanager
    async def transaction(self, principal: Principal) -> AsyncIterator[Connection]:
        self.attempts += 1
        async with self.atlas.transaction(principal) as conn:
            yield conn
            if self.attempts <= self.away_for:
                self.proxy.fault = LOSES_ANSWERS


async def kept(owner: Owner, wanted: tuple[int, int]) -> None:
    """Returns when Atlas holds so many alarms that came so many times together."""
    async with asyncio.timeout(10):
        while wanted != await alarms_and_times(owner):  # noqa: ASYNC110 - PostgreSQL sets no event
            await asyncio.sleep(0.01)


async def alarms_and_times(owner: Owner) -> tuple[int, int] | None:
    found = await owner.execute("SELECT count(*)::int, coalesce(sum(times), 0)::int FROM nms.alarm")
    return await found.fetchone()


async def test_what_was_taken_is_committed_when_the_caller_hears_of_it(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    async with AlarmIntake(atlas).running() as door:
        await door.take(reading())

        assert len(await telling.standing(atlas)) == 1


async def test_many_callers_at_once_share_few_commits(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    counting = Flaky(atlas, away_for=0)

    async with AlarmIntake(counting).running() as door:  # type: ignore[arg-type]
        await asyncio.gather(*(door.take(reading(str(port))) for port in range(200)))

    assert (len(await telling.standing(atlas)), counting.attempts <= 20) == (200, True)


async def test_what_is_offered_is_written_before_the_intake_is_left(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")

    async with AlarmIntake(atlas).running() as door:
        door.offer(reading())

    assert len(await telling.standing(atlas)) == 1


async def test_nothing_is_lost_while_the_disk_is_full(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    flaky = Flaky(atlas, away_for=3)

    async with AlarmIntake(flaky).running() as door:  # type: ignore[arg-type]
        await asyncio.gather(door.take(reading("a")), door.take(reading("b")))

    assert {alarm.managed_object for alarm in await telling.standing(atlas)} == {"a", "b"}


async def test_nothing_is_lost_when_postgresql_ends_every_connection(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    async with AlarmIntake(atlas).running() as door:
        await door.take(reading("a"))
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'bedrock_intake'"
        )

        await door.take(reading("b"))

    assert {alarm.managed_object for alarm in await telling.standing(atlas)} == {"a", "b"}


async def test_a_batch_whose_commit_was_never_answered_is_counted_once(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    unanswered = Unanswered(atlas, away_for=2)

    async with AlarmIntake(unanswered).running() as door:  # type: ignore[arg-type]
        await asyncio.gather(door.take(reading("a")), door.take(reading("b")))

    assert [(alarm.managed_object, alarm.times) for alarm in await telling.standing(atlas)] == [("a", 1), ("b", 1)]


async def test_what_was_set_aside_without_an_answer_is_set_aside_once(atlas: Atlas) -> None:
    unanswered = Unanswered(atlas, away_for=1)

    async with AlarmIntake(unanswered).running() as door:  # type: ignore[arg-type]
        await door.take(set_aside(Door.SNMP, "10.0.0.7", NOW, "malformed BER", b"\x30"))

    assert len(await telling.set_aside(atlas)) == 1


async def test_a_connection_that_dies_between_a_commit_and_its_answer_doubles_nothing(database_url: str, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    async with (
        before_postgresql(database_url) as (proxy, url),
        Atlas.open(url, SECRET, (Zone.INTAKE,)) as atlas,
        AlarmIntake(Unheard(atlas, 1, proxy=proxy)).running() as door,  # type: ignore[arg-type]
    ):
        door.offer(reading())
        await kept(owner, (1, 1))
        proxy.cut()
        proxy.fault = PASSES
        await telling.until(lambda: door.recorded == 1)

    assert await alarms_and_times(owner) == (1, 1)


async def test_repeats_that_wait_take_no_more_room(atlas: Atlas) -> None:
    door = AlarmIntake(atlas)

    for again in range(10_000):
        door.offer(reading(after_s=again))

    assert (len(door.waiting.moves), door.is_full) == (1, False)


async def test_a_full_intake_refuses_and_takes_nothing(atlas: Atlas) -> None:
    door = AlarmIntake(atlas, most_waiting=2)
    door.offer(reading("a"))
    door.offer(reading("b"))

    with pytest.raises(IntakeFull):
        await door.take(reading("c"))

    assert len(door.waiting.moves) == 2


async def test_a_caller_is_told_in_time_when_its_commit_is_late(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    flaky = Flaky(atlas, away_for=4)

    async with AlarmIntake(flaky, patience_s=0.05).running() as door:  # type: ignore[arg-type]
        with pytest.raises(NotYetSafe):
            await door.take(reading())
        await flaky.back.wait()

    assert len(await telling.standing(atlas)) == 1


async def test_one_alarm_that_postgresql_refuses_is_set_aside_and_the_others_are_kept(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")

    async with AlarmIntake(atlas).running() as door:
        await asyncio.gather(*(door.take(reading(str(port), text="nul \x00" if port == 3 else "LOS")) for port in range(8)))

    kept = {alarm.managed_object for alarm in await telling.standing(atlas)}
    assert (kept, len(await telling.set_aside(atlas))) == ({str(port) for port in range(8) if port != 3}, 1)


async def test_a_full_http_door_answers_503_and_when_to_come_again(atlas: Atlas) -> None:
    door = AlarmIntake(atlas, most_waiting=1)
    door.offer(reading())

    response = await telling.posted_to(door, "/inbound/alertmanager", {"version": "4", "alerts": []})

    assert (response.status_code, response.headers["retry-after"]) == (503, "2")


async def test_the_intake_acts_as_a_machine_that_may_only_record(atlas: Atlas) -> None:
    assert AlarmIntake(atlas).principal == intake("doors")


async def test_what_cannot_be_read_is_kept_beside_what_can(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")

    async with AlarmIntake(atlas).running() as door:
        door.offer(set_aside(Door.SNMP, "10.0.0.7", NOW, "malformed BER", b"\x30"))
        await door.take(reading())

    assert (len(await telling.standing(atlas)), [each.raw for each in await telling.set_aside(atlas)]) == (1, [b"\x30"])
