"""Several workers and webs on one database: each message goes out once whoever takes it, and every open page hears of it.

The long form gives each process a network of its own where the machine allows (Linux, root, `ip`): they share nothing but PostgreSQL.
"""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from psycopg import AsyncConnection

from api.serve import database, environment_of
from api.settings import Settings
from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.identity import StaffId
from atlas.principal import Zone
from atlas.statements import Statements
from console.room import SESSION
from forge.sign_in.sessions import begun

SQL: Final = Statements(__file__)
PARTS: Final = ("worker", "worker-2", "web", "web-2")
WITHIN_S: Final = 60.0


class NoNetworks(AtlasError):
    """This machine gives processes no networks of their own: that needs Linux, root and the program `ip`."""


@dataclass(frozen=True)
class SeveralDrill:
    """What came of it. `times` is the most often that any one message went out; `pages_told` of the pages that were open, one a web."""

    notices: int
    sent: int
    times: int
    pages: int
    pages_told: int
    jobs_left: int
    seconds: float
    networks: int

    @property
    def passed(self) -> bool:
        return self.sent == self.notices and self.times == 1 and self.pages_told == self.pages and self.jobs_left == 0


@dataclass(frozen=True)
class Sent:
    """How the messages stand."""

    sent: int
    times: int
    jobs_left: int


async def several(url: str, secret: bytes, consoles: Sequence[str], notices: int, networks: int = 0) -> SeveralDrill:
    """Leaves work for the workers that run on `url`, with a page open at each of `consoles`, and waits until it is done."""
    async with AsyncExitStack() as stack:
        atlas = await stack.enter_async_context(Atlas.open(url, secret, (Zone.EXECUTOR,), most=2))
        owner = await stack.enter_async_context(await AsyncConnection.connect(url, autocommit=True))
        member = StaffId(await SQL.value(owner, "hire"))
        token = await begun(atlas, member)
        opened = [asyncio.Event() for _ in consoles]
        pages = [asyncio.create_task(_told(console, token.secret, event)) for console, event in zip(consoles, opened, strict=True)]
        async with asyncio.timeout(WITHIN_S):
            await asyncio.gather(*(event.wait() for event in opened))
        began = time.perf_counter()
        await SQL.run(owner, "queue_notices", notices=notices)
        told = await asyncio.gather(*pages, return_exceptions=True)
        standing = await _settled(owner, notices)
    return SeveralDrill(
        notices=notices,
        sent=standing.sent,
        times=standing.times,
        pages=len(consoles),
        pages_told=sum(one is True for one in told),
        jobs_left=standing.jobs_left,
        seconds=time.perf_counter() - began,
        networks=networks,
    )


async def _told(console: str, cookie: str, opened: asyncio.Event) -> bool:
    """Whether a page that is open at this web hears of messages; `opened` once it listens."""
    headers = {"Host": "localhost", "Cookie": f"{SESSION}={cookie}"}
    async with (
        asyncio.timeout(WITHIN_S),
        httpx.AsyncClient(base_url=console, timeout=WITHIN_S, headers=headers) as client,
        client.stream("GET", "/live") as page,
    ):
        opened.set()
        if page.status_code != httpx.codes.OK:
            return False
        async for line in page.aiter_lines():
            if line.startswith("data:") and ("helpdesk.notice" in line or "everything" in line):
                return True
    return False


async def _settled(owner: AsyncConnection[tuple[object, ...]], notices: int) -> Sent:
    """How it stands when all is sent and no job is left, or after a minute as it then is."""
    began = time.perf_counter()
    while True:
        standing = await SQL.one(owner, Sent, "standing")
        if (standing.sent >= notices and standing.jobs_left == 0) or time.perf_counter() - began > WITHIN_S:
            return standing
        await asyncio.sleep(0.05)


async def several_in_networks(folder: Path, notices: int) -> SeveralDrill:
    """Two workers and two webs, each a process in a network of its own. Raises NoNetworks."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None:
        raise NoNetworks("processes cannot be given networks of their own here: that needs Linux, root and the program `ip`")
    settings = Settings(home=folder / "home", database_url=None, ballast_mb=0)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database(settings))
        addresses = [
            await stack.enter_async_context(_in_network(number, name, settings, url)) for number, name in enumerate(PARTS, start=1)
        ]
        consoles = [address for address in addresses if address]
        return await several(url, settings.secret, consoles, notices, networks=len(PARTS))


@asynccontextmanager
async def _in_network(number: int, name: str, settings: Settings, url: str) -> AsyncIterator[str]:
    """A part in its own network, a wire to us its only way out; the address of its console, or ''."""
    network, ours, theirs = f"bedrock-{os.getpid()}-{number}", f"10.213.{number}.1", f"10.213.{number}.2"
    wire = f"bd{os.getpid() % 10_000}-{number}"
    await _ip("netns", "add", network)
    try:
        await _ip("link", "add", wire, "type", "veth", "peer", "name", "eth0", "netns", network)
        await _ip("addr", "add", f"{ours}/30", "dev", wire)
        await _ip("link", "set", wire, "up")
        for device in ("lo", "eth0"):
            await _ip("-n", network, "link", "set", device, "up")
        await _ip("-n", network, "addr", "add", f"{theirs}/30", "dev", "eth0")
        own = {"DATABASE_URL": url, "BEDROCK_PART": name, "BEDROCK_HOST": theirs, "BEDROCK_PORT": "8080"}
        part = await asyncio.create_subprocess_exec(
            *("ip", "netns", "exec", network, sys.executable, "-m", "api.part", name.partition("-")[0]),
            env={**os.environ, **environment_of(settings), **own},
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            await _ready(part, name)
            yield f"http://{theirs}:8080" if name.startswith("web") else ""
        finally:
            part.terminate()
            await part.wait()
    finally:
        await _ip("netns", "del", network)


async def _ready(part: asyncio.subprocess.Process, name: str) -> None:
    assert part.stdout is not None, "started with a pipe"
    async with asyncio.timeout(WITHIN_S):
        if not await part.stdout.readline():
            raise NoNetworks(f"{name} did not come up in its network; its log says why")


async def _ip(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec("ip", *arguments, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    if process.returncode:
        raise NoNetworks(f"ip {' '.join(arguments)}: {said.decode(errors='replace').strip()}")
