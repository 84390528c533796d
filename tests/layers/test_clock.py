"""What time it is comes from the database: a process whose own clock leaps still knows."""

from datetime import UTC, datetime, timedelta

from atlas.clock import MOST_ON_ITS_WAY_S, Clock
from atlas.connection import Atlas
from atlas.principal import executor

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_a_clock_that_was_a_day_off_is_right_once_it_heard_the_time() -> None:
    clock = Clock(heard_s=(NOON - timedelta(days=1)).timestamp())

    clock.hear(NOON.timestamp())

    assert timedelta(0) <= clock.now() - NOON < timedelta(minutes=1)


def test_an_answer_that_was_late_does_not_turn_the_time_back() -> None:
    clock = Clock()
    clock.hear(NOON.timestamp())
    before = clock.now()

    clock.hear(NOON.timestamp() - MOST_ON_ITS_WAY_S / 2)

    assert clock.now() >= before


def test_a_database_whose_clock_was_set_back_is_believed() -> None:
    clock = Clock()
    clock.hear(NOON.timestamp())

    clock.hear((NOON - timedelta(hours=1)).timestamp())

    assert clock.now() < NOON


async def test_every_transaction_hears_the_time_so_that_a_leap_of_our_own_clock_lasts_no_longer(atlas: Atlas) -> None:
    atlas.clock.heard_s -= timedelta(days=1).total_seconds()

    async with atlas.transaction(executor("first")) as conn:
        found = await (await conn.execute("SELECT clock_timestamp()")).fetchone()

    assert found is not None
    assert abs(atlas.clock.now() - found[0]) < timedelta(minutes=1)
