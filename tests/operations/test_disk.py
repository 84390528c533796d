"""A disk that fills up stops alarms before it stops money."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from api.inbound.batch import AlarmIntake, IntakeFull
from api.inbound.reading import Reading
from api.operations.disk import LAST_MB, refusing_when_low, trimmed
from api.settings import Settings
from atlas.connection import Atlas
from tests.doors.telling import until


def with_left(megabytes: float) -> Callable[[Settings], float]:
    return lambda _: megabytes


async def test_http_alarms_are_refused_while_the_disk_is_low_and_taken_again_when_it_is_not(atlas: Atlas, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, disk_limit_mb=500)
    async with AlarmIntake(atlas).running() as door:
        async with refusing_when_low(door, settings, with_left(499)):
            await until(lambda: door.disk_is_low)
            with pytest.raises(IntakeFull, match="the disk is nearly full"):
                await door.take(Reading((), ()))
        async with refusing_when_low(door, settings, with_left(501)):
            await until(lambda: not door.disk_is_low)
            await asyncio.wait_for(door.take(Reading((), ())), 5)


def test_the_ballast_is_laid_where_there_is_room_and_thrown_off_where_hardly_any_is_left(tmp_path: Path) -> None:
    settings, ballast = Settings(home=tmp_path, ballast_mb=1), tmp_path / "ballast"

    trimmed(ballast, settings, 100)
    laid = ballast.stat().st_size
    trimmed(ballast, settings, LAST_MB - 1)

    assert laid == 1024 * 1024
    assert not ballast.exists()


def test_no_ballast_is_laid_that_would_itself_fill_the_disk(tmp_path: Path) -> None:
    trimmed(tmp_path / "ballast", Settings(home=tmp_path, ballast_mb=50), 399)

    assert not (tmp_path / "ballast").exists()
