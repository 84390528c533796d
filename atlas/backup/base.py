"""Takes a base backup: all of the database at one moment, verified, with its manifest; keeps the newest N and the log they need."""

import asyncio
import importlib.metadata
import json
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from psycopg import AsyncConnection

from atlas.backup.erased import ERASURES, ErasureList
from atlas.backup.manifest import (
    MANIFEST,
    Backup,
    BackupForeign,
    FileKept,
    backups,
    base_folder,
    file_kept,
    is_older,
    print_of,
    read_reached,
    segments,
    write_manifest,
)
from atlas.backup.verified import LIST, verify_archive
from atlas.programs import Programs, programs_for, without_password
from atlas.sealed import seal

SYSTEM: Final = "SELECT system_identifier::text FROM pg_control_system()"
SEALED: Final = ".sealed"


@dataclass(frozen=True)
class Place:
    """Where backups go and how: `key` encrypts them at rest; `secret` is the installation's own, kept only inside what is encrypted."""

    folder: Path
    secret: bytes
    key: bytes | None = None
    keep: int = 7


async def take_backup(url: str, place: Place) -> Backup:
    """Backs up the whole server at `url` (as its owner). What is cut off on the way counts for nothing.

    Raises BackupForeign where the folder holds another installation's backups, and ProgramFailed.
    """
    programs = await programs_for(url)
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        system = await system_of(conn)
        await asyncio.to_thread(refuse_foreign, place, system)
        making = await asyncio.to_thread(_begun, place)
        await _copied(programs, url, making)
        backup = await _described(conn, programs, place, system, making)
        await ErasureList(place.folder / ERASURES).look(conn)
    kept = await asyncio.to_thread(_finished, backup, place, making)
    await asyncio.to_thread(prune, place)
    return kept


async def system_of(conn: AsyncConnection[Any]) -> str:
    """PostgreSQL's own number of this installation; a copy keeps it."""
    row = await (await conn.execute(SYSTEM)).fetchone()
    assert row is not None, "a server has an identifier"
    return str(row[0])


def refuse_foreign(place: Place, system: str) -> None:
    """Raises BackupForeign where the folder holds what is not this server's."""
    reached = read_reached(place.folder)
    known = {backup.system for backup in backups(place.folder, place.key)} | ({reached.system} if reached else set())
    if known - {system}:
        raise BackupForeign(f"{place.folder} holds backups of another installation ({', '.join(sorted(known - {system}))})")


def _begun(place: Place) -> Path:
    base = base_folder(place.folder)
    base.mkdir(parents=True, exist_ok=True)
    for abandoned in base.glob("*.making"):
        shutil.rmtree(abandoned)
    making = base / "next.making"
    making.mkdir(mode=0o700)
    return making


async def _copied(programs: Programs, url: str, making: Path) -> None:
    target, password = without_password(url)
    await programs.run(
        "pg_basebackup",
        *("--dbname", target, "--pgdata", making, "--format", "tar", "--compress", "client-gzip:1"),
        *("--wal-method", "stream", "--checkpoint", "fast", "--manifest-checksums", "SHA256", "--no-password"),
        password=password,
    )
    await asyncio.to_thread(verify_archive, making / "base.tar.gz", making / LIST)


async def _described(conn: AsyncConnection[Any], programs: Programs, place: Place, system: str, making: Path) -> Backup:
    ended_at: datetime
    row = await (await conn.execute("SELECT clock_timestamp()")).fetchone()
    size = await (await conn.execute("SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'")).fetchone()
    assert row is not None, "a clock answers"
    assert size is not None, "every server has this setting"
    ended_at = row[0]
    names = await (await conn.execute("SELECT name FROM public.migration ORDER BY name")).fetchall()
    return Backup(
        name=f"{ended_at:%Y%m%dT%H%M%S.%fZ}",
        ended_at=ended_at,
        bedrock=importlib.metadata.version("bedrock-isp"),
        postgres=programs.major,
        system=system,
        first_segment=await asyncio.to_thread(_first_segment, making, int(size[0])),
        is_sealed=place.key is not None,
        secret_print=print_of(place.secret),
        migrations=tuple(name for (name,) in names),
        files={},
    )


def _first_segment(making: Path, segment_size: int) -> str:
    """The first piece of the log that this backup needs, by PostgreSQL's name for it."""
    ranges = json.loads((making / LIST).read_text())["WAL-Ranges"][0]
    high, low = (int(part, 16) for part in ranges["Start-LSN"].split("/"))
    number = ((high << 32) + low) // segment_size
    per_high = (1 << 32) // segment_size
    return f"{ranges['Timeline']:08X}{number // per_high:08X}{number % per_high:08X}"


def _finished(backup: Backup, place: Place, making: Path) -> Backup:
    """Seals where there is a key, writes the manifest, and gives the backup its name: only now it counts."""
    if place.key is not None:
        (making / "secret").write_text(place.secret.hex())
        for path in sorted(making.iterdir()):
            seal(path, path.with_name(path.name + SEALED), place.key)
            path.unlink()
    files: dict[str, FileKept] = {path.name: file_kept(path) for path in sorted(making.iterdir())}
    whole = Backup(**{**vars(backup), "files": files})
    write_manifest(making, whole, place.key)
    making.rename(base_folder(place.folder) / backup.name)
    return whole


def prune(place: Place) -> list[str]:
    """Removes the oldest backups beyond `keep`, and the log that no kept one needs; what went."""
    whole = backups(place.folder, place.key)
    gone = whole[: max(len(whole) - max(place.keep, 1), 0)]
    for backup in gone:
        folder = base_folder(place.folder) / backup.name
        # Its manifest first: half a backup must not look like one.
        (folder / MANIFEST).unlink()
        shutil.rmtree(folder)
    oldest = min((backup.first_segment for backup in whole[len(gone) :]), default="", key=lambda name: name[8:])
    if gone:
        for name, path in segments(place.folder):
            if is_older(name, oldest):
                path.unlink()
    return [backup.name for backup in gone]
