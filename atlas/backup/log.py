"""Keeps the database's log beside its base backups while it is written, so that any moment can be restored."""

import asyncio
import contextlib
import gzip
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import psycopg
import structlog
from psycopg import AsyncConnection

from atlas.backup.base import SEALED, Place, refuse_foreign, system_of
from atlas.backup.erased import ERASURES, ErasureList
from atlas.backup.manifest import log_folder
from atlas.errors import AtlasError
from atlas.programs import ProgramFailed, Programs, ended, programs_for, without_password
from atlas.sealed import seal

log = structlog.get_logger()

# The server keeps for us what we have not got yet, within its own max_slot_wal_keep_size.
SLOT: Final = "bedrock_backup"
PARTIAL: Final = ".partial"
SHIP_EVERY_S: Final = 2.0
AGAIN_AFTER_S: Final = 1.0
PATIENCE_S: Final = 30.0
WHERE: Final = "SELECT clock_timestamp(), pg_current_wal_insert_lsn()::text"
HAS_IT: Final = "SELECT coalesce(bool_or(flush_lsn >= %s::pg_lsn), false) FROM pg_stat_replication WHERE application_name = 'pg_receivewal'"
MAKE_SLOT: Final = (
    "SELECT pg_create_physical_replication_slot(%(slot)s, true)"
    " WHERE NOT EXISTS (SELECT 1 FROM pg_replication_slots WHERE slot_name = %(slot)s)"
)
DROP_SLOT: Final = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s AND NOT active"


class LogNotKept(AtlasError):
    """The log did not arrive in time: the moment asked for is not safe yet."""


@dataclass(frozen=True)
class Keeping:
    """The log of one server on its way into a folder of backups. `spool` is where it arrives, in clear, on the server's own machine."""

    url: str
    place: Place
    spool: Path
    programs: Programs
    system: str
    shipping: asyncio.Lock
    erasures: ErasureList

    async def reached(self) -> datetime:
        """Everything committed until now is in the folder when this returns; up to which moment. Raises LogNotKept."""
        async with await AsyncConnection.connect(self.url, autocommit=True) as conn:
            row = await (await conn.execute(WHERE)).fetchone()
            assert row is not None, "a server knows where it writes"
            at: datetime = row[0]
            # Of an erasure that the log is cut before only this tells; it comes first.
            await self.erasures.look(conn)
            try:
                async with asyncio.timeout(PATIENCE_S):
                    while not await _has_arrived(conn, row[1]):  # noqa: ASYNC110 - another process writes it
                        await asyncio.sleep(0.05)
            except TimeoutError:
                raise LogNotKept(f"the log did not arrive within {PATIENCE_S:g} s") from None
        async with self.shipping:
            await asyncio.to_thread(ship, self.spool, self.place, self.system, at)
        return at


async def _has_arrived(conn: AsyncConnection[tuple[object, ...]], position: str) -> bool:
    row = await (await conn.execute(HAS_IT, (position,))).fetchone()
    return bool(row and row[0])


@asynccontextmanager
async def log_kept(url: str, place: Place, spool: Path) -> AsyncIterator[Keeping]:
    """Keeps the log of the server at `url` while the block runs. Raises BackupForeign where the folder is another installation's."""
    programs = await programs_for(url)
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        system = await system_of(conn)
        await asyncio.to_thread(refuse_foreign, place, system)
        await conn.execute(MAKE_SLOT, {"slot": SLOT})
    await asyncio.to_thread(_room_for_log, place, spool)
    keeping = Keeping(url, place, spool, programs, system, asyncio.Lock(), ErasureList(place.folder / ERASURES))
    tasks = [asyncio.create_task(_receiving(keeping)), asyncio.create_task(_shipping(keeping))]
    try:
        yield keeping
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _room_for_log(place: Place, spool: Path) -> None:
    spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    log_folder(place.folder).mkdir(parents=True, exist_ok=True)


async def forget_log(url: str) -> None:
    """The server need keep nothing for us any more."""
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        await conn.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s AND NOT active", (SLOT,)
        )


async def _receiving(keeping: Keeping) -> None:
    target, password = without_password(keeping.url)
    while True:
        with tempfile.TemporaryFile() as words:
            receiver = keeping.programs.started(
                "pg_receivewal",
                *("--dbname", target, "--directory", keeping.spool, "--slot", SLOT),
                *("--synchronous", "--status-interval", "1", "--no-loop", "--no-password"),
                words=words,
                password=password,
            )
            code = await ended(receiver)
            words.seek(0)
            log.warning("log_interrupted", code=code, said=words.read()[-200:].decode(errors="replace"))
        await asyncio.sleep(AGAIN_AFTER_S)


async def _shipping(keeping: Keeping) -> None:
    while True:
        await asyncio.sleep(SHIP_EVERY_S)
        try:
            await keeping.reached()
        except (LogNotKept, psycopg.Error, OSError, ProgramFailed) as trouble:
            log.warning("log_not_kept", error=type(trouble).__name__)


def ship(spool: Path, place: Place, system: str, at: datetime) -> None:
    """Packs what arrived, seals it where there is a key, and says up to where the folder now knows everything."""
    folder = log_folder(place.folder)
    while not _shipped(spool, folder, place.key):
        continue
    _written(folder / "reached.json", json.dumps({"at": at.isoformat(), "system": system}).encode())


def _shipped(spool: Path, folder: Path, key: bytes | None) -> bool:
    """False where a piece was filled, and so got its final name, before it could be read by the one it had."""
    for arrived in sorted(spool.glob("0*")):
        try:
            _packed(arrived, folder / f"{arrived.name}.gz", key)
        except FileNotFoundError:
            if arrived.suffix != PARTIAL:
                raise
            return False
        if arrived.suffix != PARTIAL:
            arrived.unlink()
            for stale in folder.glob(f"{arrived.name}{PARTIAL}.gz*"):
                stale.unlink()
    return True


def _packed(arrived: Path, target: Path, key: bytes | None) -> None:
    making = target.with_name(target.name + ".making")
    with arrived.open("rb") as clear, gzip.open(making, "wb", compresslevel=1) as packed:
        shutil.copyfileobj(clear, packed, 1024 * 1024)
    if key is not None:
        sealed = making.with_name(making.name + SEALED)
        seal(making, sealed, key)
        making.unlink()
        making, target = sealed, target.with_name(target.name + SEALED)
    _on_disk(making)
    making.rename(target)


def _written(path: Path, octets: bytes) -> None:
    making = path.with_name(path.name + ".making")
    making.write_bytes(octets)
    _on_disk(making)
    making.rename(path)
    with contextlib.suppress(OSError):
        _on_disk(path.parent)


def _on_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
