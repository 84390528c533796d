"""Makes a home again from a folder of backups, as it was at its newest or at a chosen moment; refuses what it cannot believe."""

import asyncio
import gzip
import os
import shutil
import tarfile
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg
from psycopg import AsyncConnection, conninfo

from atlas.backup.base import SEALED
from atlas.backup.erased import ERASURES, appended, erase_again, listed, lost_with
from atlas.backup.manifest import (
    Backup,
    BackupDamaged,
    BackupForeign,
    backups,
    base_folder,
    check_files,
    print_of,
    read_reached,
    segments,
)
from atlas.backup.verified import LIST, verify_folder
from atlas.embedded import DATABASE, data_folder
from atlas.errors import AtlasError
from atlas.node import ACCESS, CONF, SINGLE_ACCESS
from atlas.programs import ProgramFailed, Programs, give_to_server, programs_of
from atlas.sealed import unseal
from atlas.statements import Statements

SQL: Final = Statements(__file__)
STARTS_WITHIN_S: Final = 600
OUT_OF_REACH: Final = "recovery ended before configured recovery target was reached"
# What a server says of itself to its peers and archives is not true of the one restored from it.
ALONE: Final = ("synchronous_standby_names=", "primary_conninfo=", "primary_slot_name=", "archive_mode=off", "listen_addresses=")
# True of the server that was backed up and of its processes, not of this one.
LEFTOVERS: Final = ("standby.signal", "postmaster.pid", CONF, ".handle_pids.json")
# The embedded server keeps its socket in its data folder; the lock beside it names a process that, as a zombie, seems to live.
SOCKETS: Final = ".s.PGSQL.*"
# In a home: people to erase again once its schema is new enough, before anything is served.
ERASE_AGAIN: Final = "erase-again.jsonl"


class HomeTaken(AtlasError):
    """There is a database already; a restore never writes over one."""


class MomentOutOfReach(AtlasError):
    """The backups and the log do not hold this moment."""


@dataclass(frozen=True)
class Restored:
    """What was made. `secret_is_there`: the installation's own secret came with it or was there; nothing else opens what it encrypted.

    `erased_again`: of how many people an erasure was repeated; None where that waits for the first start, which brings an older schema up.
    """

    backup: str
    home: Path
    at: datetime | None
    secret_is_there: bool
    erased_again: int | None


async def restore(
    folder: Path, home: Path, *, key: bytes | None = None, at: datetime | None = None, erasures: Path | None = None
) -> Restored:
    """Restores into `home`, where no database may be, and holds everything that would go out until a lead releases it.

    Without `at` as new as the log goes. Whoever was erased after that moment is erased again: the folder's list says who,
    and `erasures`, one that was kept elsewhere.

    Raises HomeTaken, BackupForeign, BackupDamaged, SealBroken, MomentOutOfReach, ProgramFailed.
    """
    data = await asyncio.to_thread(_room_for, home)
    backup = await asyncio.to_thread(_chosen, folder, key, at)
    lost = lost_with(at or _newest(folder, backup), [one for file in (folder / ERASURES, erasures) if file for one in listed(file)])
    await asyncio.to_thread(_check_secret, home, backup)
    programs = programs_of(backup.postgres)
    with tempfile.TemporaryDirectory(prefix="bedrock-restore-", dir=data.parent) as scratch:
        working = Path(scratch)
        await asyncio.to_thread(_unpacked, folder, backup, key, working)
        await asyncio.to_thread(verify_folder, working / "data", working / LIST)
        await asyncio.to_thread(_log_unpacked, folder, key, working)
        async with _recovered(programs, working, at) as url:
            again = await erase_again(url, lost)
        has_secret = await asyncio.to_thread(_secret_restored, working, home)
        if again is None and lost:
            await asyncio.to_thread(appended, home / ERASE_AGAIN, lost)
        (working / "data").rename(data)
    return Restored(backup.name, home, at, has_secret, again if lost else 0)


async def erase_before_serving(home: Path, url: str) -> int:
    """What a restore left for when the schema was brought up; how many were erased again."""
    waiting = home / ERASE_AGAIN
    if not await asyncio.to_thread(waiting.exists):
        return 0
    again = await erase_again(url, await asyncio.to_thread(listed, waiting))
    if again is None:
        raise BackupForeign(f"{waiting} names people to erase again, and this schema cannot: nothing is served")
    await asyncio.to_thread(waiting.unlink)
    return again


def _newest(folder: Path, backup: Backup) -> datetime:
    reached = read_reached(folder)
    return max(backup.ended_at, reached.at) if reached else backup.ended_at


def _room_for(home: Path) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    data = data_folder(home.resolve())
    if (data / "PG_VERSION").exists():
        raise HomeTaken(f"{data} holds a database already; restore into an empty home")
    data.parent.mkdir(parents=True, exist_ok=True)
    if data.exists():
        data.rmdir()
    return data


def _chosen(folder: Path, key: bytes | None, at: datetime | None) -> Backup:
    """The newest backup that ended before the moment, whole and believed."""
    whole = backups(folder, key)
    if not whole:
        raise BackupForeign(f"{folder} holds no backup of Bedrock's")
    reached = read_reached(folder)
    if reached and reached.system != whole[-1].system:
        raise BackupForeign(f"the log in {folder} is of another installation than its backups")
    fitting = [backup for backup in whole if at is None or backup.ended_at <= at]
    if not fitting:
        raise MomentOutOfReach(f"the oldest backup is from {whole[0].ended_at.isoformat()}; nothing here knows an earlier moment")
    if at is not None and (reached is None or reached.at < at):
        until = reached.at.isoformat() if reached else "no moment at all"
        raise MomentOutOfReach(f"the log in {folder} is kept up to {until}")
    check_files(base_folder(folder) / fitting[-1].name, fitting[-1])
    return fitting[-1]


def _unpacked(folder: Path, backup: Backup, key: bytes | None, working: Path) -> None:
    source = base_folder(folder) / backup.name
    data = working / "data"
    data.mkdir(mode=0o700)
    (data / "pg_wal").mkdir(mode=0o700)
    for name in backup.files:
        clear = _clear(source / name, working, key)
        if clear.name == "base.tar.gz":
            _extracted(clear, data)
        elif clear.name == "pg_wal.tar.gz":
            _extracted(clear, data / "pg_wal")
        elif clear.name.endswith(".tar.gz"):
            raise BackupForeign(f"{clear.name} is a tablespace; Bedrock makes none and restores none")


def _extracted(archive: Path, into: Path) -> None:
    try:
        with tarfile.open(archive) as packed:
            packed.extractall(into, filter="data")
    except (tarfile.TarError, gzip.BadGzipFile, EOFError) as broken:
        raise BackupDamaged(f"{archive.name} cannot be unpacked: {broken}") from broken


def _clear(path: Path, working: Path, key: bytes | None) -> Path:
    """The file in clear: itself, or unsealed beside where it is needed."""
    if path.suffix != SEALED:
        return Path(shutil.copyfile(path, working / path.name))
    if key is None:
        raise BackupForeign(f"{path} is encrypted: BEDROCK_BACKUP_KEY is needed")
    clear = working / path.name.removesuffix(SEALED)
    unseal(path, clear, key)
    return clear


def _log_unpacked(folder: Path, key: bytes | None, working: Path) -> None:
    """The kept log under PostgreSQL's own names; the last piece, which is not full yet, counts as one."""
    log = working / "log"
    log.mkdir(mode=0o700)
    for name, path in segments(folder):
        if path.name.endswith(".making") or path.name.endswith(".making.sealed"):
            continue
        clear = _clear(path, working, key)
        target = log / name.removesuffix(".partial")
        if not target.exists():
            with gzip.open(clear) as packed, target.open("wb") as segment:
                shutil.copyfileobj(packed, segment, 1024 * 1024)
        clear.unlink()


@asynccontextmanager
async def _recovered(programs: Programs, working: Path, at: datetime | None) -> AsyncIterator[str]:
    """Plays the log forward until the moment, or to its end; the owner's URL of what came of it, while the block runs."""
    data = working / "data"
    (data / "recovery.signal").touch()
    for leftover in (*LEFTOVERS, *(path.name for path in data.glob(SOCKETS))):
        (data / leftover).unlink(missing_ok=True)
    if (data / SINGLE_ACCESS).exists():
        (data / SINGLE_ACCESS).rename(data / ACCESS)
    await asyncio.to_thread(lambda: give_to_server([working, *working.rglob("*")]))
    settings = [f"restore_command=cp '{working}/log/%f' '%p'", "recovery_target_timeline=latest", *ALONE]
    target = [f"recovery_target_time={at.astimezone(UTC).isoformat()}", "recovery_target_action=promote"] if at else []
    try:
        await _played(programs, data, [*settings, *target], at)
    except ProgramFailed:
        if at is None or OUT_OF_REACH not in (data / "log").read_text(errors="replace"):
            raise
        # Nothing was committed after the moment, up to where the log is known to be kept: its end is the moment.
        (data / "recovery.signal").touch()
        await _played(programs, data, settings, at)
    async with serving(programs, data, list(ALONE)) as url:
        yield url


async def _played(programs: Programs, data: Path, settings: list[str], at: datetime | None) -> None:
    async with serving(programs, data, settings) as url:
        await _promoted(url)
        await _held(url, at)


@asynccontextmanager
async def serving(programs: Programs, data: Path, settings: list[str]) -> AsyncIterator[str]:
    """The server on `data` while the block runs, on a socket in a folder of its own; the owner's URL of its database."""
    with tempfile.TemporaryDirectory(prefix="pg") as sockets:
        give_to_server([Path(sockets)])
        options = " ".join(f"-c {_quoted(setting)}" for setting in ("listen_addresses=", f"unix_socket_directories={sockets}", *settings))
        arguments = ("-D", data, "-l", data / "log", "-w", "-t", str(STARTS_WITHIN_S), "-o", options)
        await programs.run("pg_ctl", *arguments, "start", as_server=True)
        try:
            yield conninfo.make_conninfo("", host=sockets, user="postgres", dbname=DATABASE)
        finally:
            await programs.run("pg_ctl", "-D", data, "-w", "-m", "fast", "stop", as_server=True)


def _quoted(setting: str) -> str:
    return "'" + setting.replace("'", "'\\''") + "'"


async def _promoted(url: str) -> None:
    """Returns once recovery is over. Raises ProgramFailed where the server gave up on the way."""
    async with asyncio.timeout(STARTS_WITHIN_S):
        while True:
            try:
                async with await AsyncConnection.connect(url, autocommit=True) as conn:
                    row = await (await conn.execute("SELECT pg_is_in_recovery()")).fetchone()
                    if row == (False,):
                        return
            except psycopg.OperationalError as error:
                if "starting up" not in str(error) and "not yet accepting" not in str(error):
                    raise ProgramFailed("postgres", 1, str(error)) from error
            await asyncio.sleep(0.05)


async def _held(url: str, at: datetime | None) -> None:
    """What waits to go out may have gone out after the moment: nothing goes until somebody has looked, and then it is asked for first."""
    async with await AsyncConnection.connect(url) as conn:
        row = await (await conn.execute("SELECT to_regclass('actions.kill_switch') IS NOT NULL")).fetchone()
        if row == (True,):
            reason = f"restored as of {at.isoformat()}" if at else "restored from a backup"
            await SQL.run(conn, "hold_everything", reason=reason)
            await SQL.run(conn, "ask_before_sending")


def _check_secret(home: Path, backup: Backup) -> None:
    """Raises BackupForeign where the home has the secret of another installation."""
    path = home / "secret"
    if path.exists() and print_of(bytes.fromhex(path.read_text().strip())) != backup.secret_print:
        raise BackupForeign(f"{path} is the secret of another installation than the backup's")


def _secret_restored(working: Path, home: Path) -> bool:
    path, kept = home / "secret", working / "secret"
    if path.exists():
        return True
    if not kept.exists():
        return False
    # Never readable by others, not even for a moment.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as secret:
        secret.write(kept.read_text())
    return True
