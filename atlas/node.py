"""One PostgreSQL server of a pair: its own folder, address and settings; started, stopped, asked, promoted, fenced."""

import asyncio
import contextlib
import hashlib
import hmac
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]
import psycopg
from psycopg import AsyncConnection, conninfo

from atlas.embedded import DATABASE
from atlas.errors import AtlasError
from atlas.programs import Programs, give_to_server

OWNER: Final = "postgres"
CONF: Final = "bedrock-node.conf"
STANDBY: Final = "standby.signal"
# Over loopback or a rack's own wire an answer takes a millisecond; a server that needs longer than this is not one to wait for.
ANSWERS_WITHIN_S: Final = 1.0
STARTS_WITHIN_S: Final = 120
GONE_WITHIN_S: Final = 2.0
SETTINGS: Final = """
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
cluster_name = '{application}'
hot_standby = on
synchronous_commit = on
synchronous_standby_names = '{acknowledged_by}'
primary_conninfo = '{follows}'
primary_slot_name = '{slot}'
# A peer that fell silent is noticed before a person would.
wal_sender_timeout = 5s
wal_receiver_timeout = 5s
wal_retrieve_retry_interval = 500ms
# So much of the log is kept that a server which comes back is rewound rather than copied anew.
wal_keep_size = 512MB
password_encryption = 'scram-sha-256'
"""
ACCESS: Final = "pg_hba.conf"
SINGLE_ACCESS: Final = "pg_hba.conf.single"
WHO_MAY_COME: Final = """
host all all {host}/32 scram-sha-256
host replication postgres {host}/32 scram-sha-256
"""
STATE: Final = """
SELECT pg_is_in_recovery(),
       (SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'),
       (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')),
       (SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_flush_lsn(), flush_lsn)), 0)::bigint FROM pg_stat_replication
         WHERE NOT pg_is_in_recovery())
"""


class NodeFailed(AtlasError):
    """A server of the pair does not do what it was told."""


@dataclass(frozen=True)
class NodeState:
    """What a server says of itself. `behind_octets`: what its furthest standby has not yet made durable."""

    is_standby: bool
    streaming: int
    acknowledging: int
    behind_octets: int


def owner_password(secret: bytes) -> str:
    return hmac.new(secret, b"login:owner", hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Node:
    """One server: `name` within the pair, its folder and where it listens."""

    name: str
    folder: Path
    host: str
    port: int

    @property
    def application(self) -> str:
        """How it names itself to its peer; also the name of its place in the peer's log."""
        return f"bedrock_{self.name}"

    def url(self, secret: bytes, **more: Any) -> str:
        parts: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": OWNER,
            "password": owner_password(secret),
            "dbname": DATABASE,
        }
        return conninfo.make_conninfo("", **{**parts, "connect_timeout": 2, **more})

    @property
    def is_fenced(self) -> bool:
        """It can come up as a standby only: no write is taken, whoever starts it."""
        return (self.folder / STANDBY).exists()

    def configure(self, secret: bytes, *, follows: "Node | None", acknowledged_by: "Node | None") -> None:
        """Writes its settings whole. `acknowledged_by`: no commit is acknowledged before that one has it on disk too."""
        following = "" if follows is None else follows.url(secret, dbname=None, application_name=self.application)
        written = SETTINGS.format(
            host=self.host,
            port=self.port,
            application=self.application,
            follows=following.replace("'", "''"),
            slot="" if follows is None else self.application,
            acknowledged_by="" if acknowledged_by is None else acknowledged_by.application,
        )
        self._write(CONF, written)
        if (self.folder / ACCESS).exists() and not (self.folder / SINGLE_ACCESS).exists():
            self._write(SINGLE_ACCESS, (self.folder / ACCESS).read_text())
        self._write(ACCESS, WHO_MAY_COME.format(host=self.host))
        main = self.folder / "postgresql.conf"
        if CONF not in main.read_text():
            with main.open("a") as settings:
                settings.write(f"include_if_exists = '{CONF}'\n")

    def _write(self, name: str, words: str) -> None:
        making, path = self.folder / f"{name}.making", self.folder / name
        making.write_text(words)
        making.chmod(0o600)
        give_to_server([making])
        making.rename(path)

    def release(self) -> None:
        """It is a single server again, as before it was first configured."""
        (self.folder / CONF).unlink(missing_ok=True)
        if (self.folder / SINGLE_ACCESS).exists():
            (self.folder / SINGLE_ACCESS).rename(self.folder / ACCESS)

    def fence(self) -> None:
        """Ends the server without a word, orphans included, and lets it come back as a standby only."""
        (self.folder / STANDBY).touch()
        give_to_server([self.folder / STANDBY])
        killed = [
            one for one in psutil.process_iter(["name", "cwd"]) if one.info["name"] == "postgres" and one.info["cwd"] == str(self.folder)
        ]
        for process in killed:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(killed, timeout=GONE_WITHIN_S)
        if not self.processes():
            # PostgreSQL takes a corpse that nobody has taken away for a living server.
            (self.folder / "postmaster.pid").unlink(missing_ok=True)

    def processes(self) -> list[psutil.Process]:
        """Its postmaster and all of its children; empty where it is down."""
        with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
            postmaster = psutil.Process(int((self.folder / "postmaster.pid").read_text().split()[0]))
            if postmaster.status() != psutil.STATUS_ZOMBIE and str(self.folder) in postmaster.cmdline():
                return [postmaster, *postmaster.children(recursive=True)]
        return []

    async def start(self, programs: Programs) -> None:
        """Raises ProgramFailed."""
        if await asyncio.to_thread(self.processes):
            return
        arguments = ("-D", self.folder, "-l", self.folder / "log", "-w", "-t", str(STARTS_WITHIN_S), "start")
        await programs.run("pg_ctl", *arguments, as_server=True)

    async def stop(self, programs: Programs) -> None:
        if await asyncio.to_thread(self.processes):
            await programs.run("pg_ctl", "-D", self.folder, "-w", "-m", "fast", "stop", as_server=True)

    @asynccontextmanager
    async def asked(self, secret: bytes, within_s: float = ANSWERS_WITHIN_S) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection as the owner. Raises NodeFailed where it does not answer in time."""
        try:
            async with asyncio.timeout(within_s), await AsyncConnection.connect(self.url(secret), autocommit=True) as conn:
                yield conn
        except (psycopg.Error, TimeoutError, OSError) as error:
            raise NodeFailed(f"node {self.name} does not answer: {type(error).__name__} {error}") from error

    async def state(self, secret: bytes) -> NodeState:
        """Raises NodeFailed."""
        async with self.asked(secret) as conn:
            row = await (await conn.execute(STATE)).fetchone()
        assert row is not None, "a server knows its state"
        return NodeState(bool(row[0]), int(row[1]), int(row[2]), int(row[3]))

    async def reload(self, secret: bytes) -> None:
        async with self.asked(secret) as conn:
            await conn.execute("SELECT pg_reload_conf()")

    async def promote(self, secret: bytes) -> None:
        """From here on it takes writes. Raises NodeFailed."""
        async with self.asked(secret, within_s=10) as conn:
            row = await (await conn.execute("SELECT pg_promote(true, 8)")).fetchone()
        if row != (True,):
            raise NodeFailed(f"node {self.name} would not be promoted")


def owned_by_server(folder: Path) -> None:
    """Hands a whole folder to the user that the server runs as, without what only a server of one's own needs."""
    (folder / ".handle_pids.json").unlink(missing_ok=True)
    give_to_server([folder, *folder.rglob("*")])
    os.chmod(folder, 0o700)
