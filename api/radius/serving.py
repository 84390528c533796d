"""Runs FreeRADIUS on Atlas: renders its configuration, starts it, starts it again when it dies or when a BNG is added."""

import asyncio
import contextlib
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import psycopg
import structlog

from api.operations.measures import OBSERVED
from api.radius.rendering import Listening, client, rendered
from api.settings import Settings, value_of
from atlas.cmdb.reads import nases
from atlas.cmdb.records.sessions import Nas
from atlas.connection import Atlas, zone_url
from atlas.errors import AtlasError, InvalidField
from atlas.principal import Zone, executor
from forge.sign_in.sealing import SealBroken

log = structlog.get_logger()

PROGRAMS: Final = ("freeradius", "radiusd")
# Debian keeps it where only root's path leads.
BESIDE: Final = "/usr/sbin:/usr/local/sbin"
READY: Final = b"Ready to process requests"
STARTS_WITHIN_S: Final = 15.0
ENDS_WITHIN_S: Final = 5.0
LOOK_EVERY_S: Final = 1.0


class RadiusFailed(AtlasError):
    """FreeRADIUS did not start; what it said is in the message."""


class RadiusMissing(AtlasError):
    """FreeRADIUS is not installed here."""

    def __init__(self) -> None:
        super().__init__("FreeRADIUS is not installed: `make radius-packages` or `apt-get install freeradius freeradius-postgresql`")


def program() -> str | None:
    """The server as it is installed here, with its PostgreSQL driver or without; None where it is not."""
    found = (shutil.which(name) or shutil.which(name, path=BESIDE) for name in PROGRAMS)
    return next((path for path in found if path), None)


@dataclass
class Server:
    """FreeRADIUS while it runs. `generation` counts its starts; `failure` is what it said when it last did not start."""

    listening: Listening
    process: asyncio.subprocess.Process | None = None
    clients: list[Nas] = field(default_factory=list)
    generation: int = 0
    failure: str = ""
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def address(self) -> str:
        return f"udp://{self.listening.host}:{self.listening.auth_port}+{self.listening.acct_port}"


@asynccontextmanager
async def serve_radius(settings: Settings) -> AsyncIterator[dict[str, str]]:
    """The part `radius`: FreeRADIUS on the settings' database while the block runs; where. Raises RadiusMissing."""
    url = value_of(settings.database_url) or ""
    async with Atlas.open(url, settings.secret, (Zone.EXECUTOR,), most=2) as atlas:
        listening = Listening(
            settings.host, settings.radius_auth_port, settings.radius_acct_port, zone_url(url, Zone.RADIUS, settings.secret)
        )
        with OBSERVED.watching(atlas):
            async with radius_running(atlas, listening) as server:
                yield {"radius": server.address if server.ready.is_set() else f"not answering yet: {server.failure}"}


@asynccontextmanager
async def radius_running(atlas: Atlas, listening: Listening) -> AsyncIterator[Server]:
    """FreeRADIUS at these ports (0: any free one) until the block ends; kept running, and told of every BNG that is added meanwhile.

    Raises RadiusMissing. One that does not start is tried again: `ready` says whether it answers.
    """
    found = program()
    if found is None:
        raise RadiusMissing
    server = Server(
        replace(
            listening, auth_port=free_port(listening.host, listening.auth_port), acct_port=free_port(listening.host, listening.acct_port)
        )
    )
    with tempfile.TemporaryDirectory(prefix="bedrock-radius-") as folder:
        await _attempted(server, found, Path(folder), atlas, await _clients(atlas))
        keeping = asyncio.create_task(_kept(server, found, Path(folder), atlas))
        try:
            yield server
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await _ended(server)


def free_port(host: str, wanted: int) -> int:
    """`wanted`, or for 0 a UDP port that nobody has at this moment."""
    if wanted:
        return wanted
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


async def _kept(server: Server, found: str, folder: Path, atlas: Atlas) -> None:
    """Starts it again when it dies, and with other clients when the BNGs are others: FreeRADIUS reads its clients only at its start."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        with contextlib.suppress(psycopg.Error, TimeoutError, OSError):
            clients = await _clients(atlas)
            has_died = server.process is None or server.process.returncode is not None
            if _known(clients) == _known(server.clients) and not has_died:
                continue
            log.warning("radius_restarts", died=has_died, bngs=len(clients))
            server.ready.clear()
            await _ended(server)
            await _attempted(server, found, folder, atlas, clients)


async def _attempted(server: Server, found: str, folder: Path, atlas: Atlas, clients: list[Nas]) -> None:
    """Another server may have the ports: the rest of the platform runs all the same, and this is tried again."""
    try:
        await _started(server, found, folder, atlas, clients)
    except RadiusFailed as failure:
        if server.failure != str(failure):
            log.warning("radius_failed", why=str(failure))
        server.failure = str(failure)


def _known(clients: list[Nas]) -> list[tuple[int, str, bytes]]:
    """All that FreeRADIUS is told of its clients."""
    return [(one.device_id, one.address, one.sealed_secret) for one in clients]


async def _clients(atlas: Atlas) -> list[Nas]:
    async with atlas.transaction(executor("radius")) as conn:
        return await nases(conn)


async def _started(server: Server, found: str, folder: Path, atlas: Atlas, clients: list[Nas]) -> None:
    """Raises RadiusFailed."""
    rendered(folder, server.listening, [one for one in clients if _opens(one, atlas.secret)], atlas.secret)
    server.clients = clients
    server.process = await asyncio.create_subprocess_exec(
        found, "-f", "-l", "stdout", "-d", str(folder), "-n", "radiusd", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said: list[bytes] = []
    try:
        async with asyncio.timeout(STARTS_WITHIN_S):
            await _until_ready(server.process, said)
    except TimeoutError:
        await _ended(server)
        raise RadiusFailed(f"FreeRADIUS was not ready after {STARTS_WITHIN_S:.0f} s: {_last(said)}") from None
    server.generation += 1
    server.ready.set()
    log.info("radius_started", bngs=len(clients), auth_port=server.listening.auth_port, acct_port=server.listening.acct_port)


def _opens(nas: Nas, installation: bytes) -> bool:
    """One BNG whose secret is not ours to open must not leave the others without an answer."""
    try:
        client(nas, installation)
    except (SealBroken, InvalidField) as error:
        log.warning("bng_left_out", device_id=nas.device_id, error=type(error).__name__)
        return False
    return True


async def _until_ready(process: asyncio.subprocess.Process, said: list[bytes]) -> None:
    assert process.stdout is not None, "started with a pipe"
    async for line in process.stdout:
        said.append(line)
        if READY in line:
            # What it says from now on is of no use to anybody, but a full pipe would stop it.
            asyncio.get_running_loop().create_task(_drained(process.stdout))
            return
    raise RadiusFailed(f"FreeRADIUS did not start: {_last(said)}")


async def _drained(stream: asyncio.StreamReader) -> None:
    while await stream.read(65536):
        pass


def _last(said: list[bytes]) -> str:
    return " | ".join(line.decode(errors="replace").strip() for line in said[-5:]) or "it said nothing"


async def _ended(server: Server) -> None:
    process = server.process
    if process is None or process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(ENDS_WITHIN_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
