"""`bedrock serve`: Atlas, then doors, workers, agents and web, each in a process of its own; one that dies is started again."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import structlog
from pydantic import SecretStr

from api.operations.disk import ballast_held
from api.radius.serving import program
from api.settings import Settings, value_of
from atlas import embedded
from atlas.backup.restore import erase_before_serving
from atlas.errors import AtlasError
from atlas.keeper import kept
from atlas.migrate import migrate
from atlas.standby import Pair, keeping, pair_of, pair_running

log = structlog.get_logger()

# Draining takes as long as the slowest honest piece of work; what is cut off after this is repeated from Atlas.
DRAIN_S: Final = 20
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 10.0
LOOK_AT_POSTGRESQL_EVERY_S: Final = 0.25
WEBS_APART: Final = 100


class PartFailed(AtlasError):
    """A part of the platform did not come up."""


@dataclass
class Part:
    """One process of the platform: what it is, and the addresses it said it listens on."""

    name: str
    surroundings: Mapping[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    addresses: dict[str, str] = field(default_factory=dict)
    ready: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Running:
    """The platform while it runs."""

    parts: dict[str, Part]

    @property
    def addresses(self) -> dict[str, str]:
        return {name: address for part in self.parts.values() for name, address in part.addresses.items()}

    def pid_of(self, name: str) -> int:
        process = self.parts[name].process
        assert process is not None, "a running platform has all its parts"
        return process.pid

    async def back(self, name: str) -> None:
        """Returns once the part that died is ready again."""
        part = self.parts[name]
        part.ready.clear()
        await _up(part)


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[str]:
    """The owner's URL of a migrated database: the operator's own, a pair, or the embedded one; the latter two are kept running."""
    async with AsyncExitStack() as stack:
        url = value_of(settings.database_url)
        pair = pair_of(settings.home.resolve())
        if url is None and pair is not None:
            url = await stack.enter_async_context(paired(pair, settings.secret))
        elif url is None:
            server = await asyncio.to_thread(embedded.start, settings.home)
            stack.push_async_callback(asyncio.to_thread, server.stop)
            await stack.enter_async_context(_kept_serving(server))
            await stack.enter_async_context(ballast_held(settings))
            url = server.url
        await asyncio.to_thread(migrate, url, settings.secret)
        await erase_before_serving(settings.home, url)
        yield url


@asynccontextmanager
async def _kept_serving(server: embedded.EmbeddedServer) -> AsyncIterator[None]:
    """Starts the embedded PostgreSQL again when it dies; a server of the operator's own has its own keeper."""
    keeping = asyncio.create_task(_revived(server))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _revived(server: embedded.EmbeddedServer) -> None:
    while True:
        await asyncio.sleep(LOOK_AT_POSTGRESQL_EVERY_S)
        if not server.is_running:
            is_back = await asyncio.to_thread(server.revive)
            log.warning("postgresql_died", is_back=is_back)


def parts_of(settings: Settings) -> list[str]:
    """The processes to start: doors, FreeRADIUS where it is installed, as many workers and webs as asked (`worker`, `worker-2`, ...)."""
    radius = ["radius"] if settings.radius != "off" and program() else []
    return ["doors", *radius, *_numbered("worker", settings.workers), "agents", *_numbered("web", settings.webs)]


def _numbered(name: str, how_many: int) -> list[str]:
    return [name, *(f"{name}-{number}" for number in range(2, how_many + 1))]


def own_of(settings: Settings, name: str) -> dict[str, str]:
    """What one process is told that the others are not: its name, and the ports that are its own."""
    number = int(name.partition("-")[2] or 1) - 1
    port = settings.port + WEBS_APART * number if settings.port and name.startswith("web") else settings.port
    watched = settings.metrics_port + parts_of(settings).index(name) if settings.metrics_port else 0
    return {"BEDROCK_PART": name, "BEDROCK_PORT": str(port), "BEDROCK_METRICS_PORT": str(watched)}


@asynccontextmanager
async def paired(pair: Pair, secret: bytes) -> AsyncIterator[str]:
    """Both servers of a pair, run and kept by us unless somebody does already; the URL that finds whichever takes writes."""
    async with AsyncExitStack() as stack:
        if await stack.enter_async_context(keeping(pair.home)):
            await stack.enter_async_context(pair_running(pair, secret))
            await stack.enter_async_context(kept(pair, secret))
        yield pair.url(secret)


@asynccontextmanager
async def platform(
    settings: Settings,
    url: str,
    tell: Callable[[str], None] = lambda _: None,
    surroundings: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> AsyncIterator[Running]:
    """Every part running. Stops them in order at the end: doors first, so that nothing new comes in.

    `surroundings`: environment variables for one part alone, such as a way to Atlas of its own.
    """
    parts = [Part(name, surroundings.get(name, {})) for name in parts_of(settings)]
    keepers = [asyncio.create_task(_kept_running(part, settings, url)) for part in parts]
    try:
        for part in parts:
            tell(f"starting {part.name}")
            await _up(part)
        yield Running({part.name: part for part in parts})
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        for part in parts:
            await _drained(part)


async def _up(part: Part) -> None:
    try:
        async with asyncio.timeout(60):
            await part.ready.wait()
    except TimeoutError:
        raise PartFailed(f"{part.name} did not come up within a minute; its log says why") from None


async def _kept_running(part: Part, settings: Settings, url: str) -> None:
    pause = FIRST_PAUSE_S
    while True:
        part.process = await _started(part, settings, url)
        started = asyncio.get_running_loop().time()
        await _listened(part)
        code = await part.process.wait()
        if asyncio.get_running_loop().time() - started > LONGEST_PAUSE_S:
            pause = FIRST_PAUSE_S
        log.warning("part_died", part=part.name, code=code, restarts_in_s=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)


async def _started(part: Part, settings: Settings, url: str) -> asyncio.subprocess.Process:
    environment = {**os.environ, **environment_of(settings), "DATABASE_URL": url, **own_of(settings, part.name), **part.surroundings}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "api.part",
        part.name.partition("-")[0],
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """What was read once, handed on, so that all parts agree even if the environment or .env changes meanwhile."""
    handed = {}
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        if value is None:
            # Said by leaving it out: there is no word for nothing that every kind of setting reads as nothing.
            continue
        written = value_of(value) if isinstance(value, SecretStr) else json.dumps(value) if isinstance(value, tuple) else str(value)
        alias = type(settings).model_fields[name].validation_alias
        handed[alias if isinstance(alias, str) else f"BEDROCK_{name.upper()}"] = written or ""
    return handed


async def _listened(part: Part) -> None:
    """Reads the one line of JSON a part prints when it is ready, then leaves its output to be drained until it ends."""
    assert part.process is not None, "listened to once started"
    assert part.process.stdout is not None, "started with a pipe"
    while line := await part.process.stdout.readline():
        with contextlib.suppress(json.JSONDecodeError):
            part.addresses.update(json.loads(line))
            part.ready.set()


async def _drained(part: Part) -> None:
    if part.process is None or part.process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        part.process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(DRAIN_S):
            await part.process.wait()
    except TimeoutError:
        log.warning("part_killed", part=part.name, after_s=DRAIN_S)
        part.process.kill()
        await part.process.wait()


async def until_stopped() -> None:
    """Returns on Ctrl-C or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
