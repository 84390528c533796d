"""A disk that fills up: the doors refuse first, and a ballast file is given up so that what moves money can still be written down."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import structlog

from api.operations.readiness import MB, free_mb
from api.settings import Settings
from atlas.embedded import data_folder

log = structlog.get_logger()

LOOK_EVERY_S: Final = 1.0
BALLAST: Final = "ballast"
# With less than this PostgreSQL may stop at its next piece of log (16 MB), so the ballast goes before.
LAST_MB: Final = 64
# A ballast that is a large part of what is free would itself fill the disk.
ROOM: Final = 8

FreeMb = Callable[[Settings], float | None]


class Door(Protocol):
    """What refuses while the disk is low."""

    disk_is_low: bool


@asynccontextmanager
async def ballast_held(settings: Settings, free: FreeMb = free_mb) -> AsyncIterator[None]:
    """Beside our own PostgreSQL a file lies that means nothing, while the block runs; it is gone once the disk is almost full."""
    watching = asyncio.create_task(_watched(settings, free))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watched(settings: Settings, free: FreeMb) -> None:
    path = data_folder(settings.home.resolve()).parent / BALLAST
    while True:
        with contextlib.suppress(OSError):
            await asyncio.to_thread(trimmed, path, settings, free(settings))
        await asyncio.sleep(LOOK_EVERY_S)


def trimmed(path: Path, settings: Settings, left_mb: float | None) -> None:
    """Lays the ballast where there is room for it, and throws it off where hardly any is left."""
    if left_mb is None:
        return
    if left_mb < LAST_MB and path.exists():
        path.unlink()
        log.error("ballast_released", free_mb=round(left_mb), ballast_mb=settings.ballast_mb)
    elif not path.exists() and settings.ballast_mb and left_mb > settings.ballast_mb * ROOM:
        with path.open("wb") as file:
            _reserved(file, settings.ballast_mb)


def _reserved(file: BinaryIO, megabytes: int) -> None:
    """So much of the disk is the file's own; a hole in a file would be nobody's."""
    reserve = getattr(os, "posix_fallocate", None)
    if reserve is not None:
        reserve(file.fileno(), 0, megabytes * MB)
        return
    # macOS has no such call.
    for _ in range(megabytes):
        file.write(bytes(MB))


@asynccontextmanager
async def refusing_when_low(door: Door, settings: Settings, free: FreeMb = free_mb) -> AsyncIterator[None]:
    """While the block runs the door is told every second whether the disk is low."""
    watching = asyncio.create_task(_told(door, settings, free))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _told(door: Door, settings: Settings, free: FreeMb) -> None:
    while True:
        left = await asyncio.to_thread(free, settings)
        is_low = left is not None and left < settings.disk_limit_mb
        if is_low != door.disk_is_low:
            log.warning("disk_low" if is_low else "disk_has_room", free_mb=round(left or 0), limit_mb=settings.disk_limit_mb)
        door.disk_is_low = is_low
        await asyncio.sleep(LOOK_EVERY_S)
