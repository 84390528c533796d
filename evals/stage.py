"""Where scenarios play: a server of its own, the world made once, and copies of it that are lent out, each to one scenario at a time."""

import asyncio
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
from psycopg import conninfo, sql

from agents.checkpoints import KeptInAtlas
from agents.consultation import Consultants, consultants
from agents.embeddings import Encoder, WordCounts, local_encoder
from agents.model import CircuitBreaker, Provider
from agents.model_router import ModelRouter
from agents.roster import examples, roster
from agents.router import Router
from agents.supervisor import Graph, Supervisor, conversation_graph
from atlas import embedded
from atlas.connection import Atlas
from atlas.identity import CorrelationId
from atlas.migrate import migrate
from atlas.principal import Principal
from evals.difference import begin, lay, undone
from evals.world.happened import HAPPENED
from evals.world.seed import seed
from forge.matrix_in_force import put_in_force
from forge.propose import Forge, MatrixInForce, Proposed, propose
from forge.register import Register
from governance import matrix

SUBSCRIBERS: Final = 4_000
TIMEZONE: Final = ZoneInfo("Europe/London")
WORLD: Final = "world_harbour"
# A server that lives for one evaluation has nothing to lose: copies are made in a tenth of the time.
FOR_A_DAY: Final = (
    "ALTER SYSTEM SET fsync = off",
    "ALTER SYSTEM SET full_page_writes = off",
    "ALTER SYSTEM SET synchronous_commit = off",
    "ALTER SYSTEM SET autovacuum = off",
    "SELECT pg_reload_conf()",
)


@dataclass(frozen=True)
class Cast:
    """Router, agents and graph: built once, for they hold nothing of any world."""

    router: Router
    consultants: Consultants
    graph: Graph
    has_provider: bool = False


async def cast_of(provider: Provider | None, encoder: Encoder, clock: Callable[[], float] = time.monotonic) -> Cast:
    """The agents as the prompts are now; an `encoder` that has read most of the examples before makes them sooner."""
    members = roster()
    router = await Router.of(examples(members), encoder, WordCounts())
    breaker = CircuitBreaker(clock)
    consulted = consultants(members, router, provider, breaker)
    by_model = ModelRouter.of(members, provider, breaker) if provider else None
    return Cast(router, consulted, conversation_graph(router, consulted, by_model), provider is not None)


@dataclass(frozen=True)
class Stage:
    """A server with the world in a database that others are copied from, as it is and as each `given` left it."""

    server: embedded.EmbeddedServer
    secret: bytes
    shipped: matrix.Matrix
    encoder: Encoder
    cast: Cast
    worlds: dict[tuple[str, ...], str]
    making: asyncio.Lock = field(default_factory=asyncio.Lock)
    opened: AsyncExitStack = field(default_factory=AsyncExitStack)
    idle: dict[tuple[str, ...], list["Scene"]] = field(default_factory=dict)

    def url_of(self, database: str) -> str:
        return conninfo.make_conninfo(self.server.url_of("postgres"), dbname=database)


@asynccontextmanager
async def stage(provider: Provider | None = None, subscribers: int = SUBSCRIBERS) -> AsyncIterator[Stage]:
    """Starts a server in a temporary folder, makes the world once, and stops it at the end."""
    secret = uuid.uuid4().bytes + uuid.uuid4().bytes
    with tempfile.TemporaryDirectory(prefix="bedrock-eval-") as temporary:
        server = await asyncio.to_thread(_started, Path(temporary))
        try:
            known = await asyncio.to_thread(local_encoder)
            one = Stage(server, secret, matrix.load(matrix.SHIPPED), known, await cast_of(provider, known), {(): WORLD})
            await asyncio.to_thread(_make_world, one, subscribers)
            async with _opened(one, WORLD) as (atlas, _):
                await put_in_force(atlas, one.shipped)
            await asyncio.to_thread(lay, one.url_of(WORLD))
            async with one.opened:
                yield one
        finally:
            await asyncio.to_thread(server.stop)


def _started(home: Path) -> embedded.EmbeddedServer:
    home.chmod(0o755)
    return embedded.start(home)


def _make_world(one: Stage, subscribers: int) -> None:
    with psycopg.connect(one.url_of("postgres"), autocommit=True) as conn:
        for setting in FOR_A_DAY:
            conn.execute(setting.encode())
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(WORLD)))
    url = one.url_of(WORLD)
    migrate(url, one.secret)
    seed(url, subscribers=subscribers, now=datetime.now(UTC))


@asynccontextmanager
async def _opened(one: Stage, database: str) -> AsyncIterator[tuple[Atlas, Forge]]:
    async with Atlas.open(one.url_of(database), one.secret) as atlas:
        yield atlas, Forge(atlas, Register.of_modules(), MatrixInForce(one.shipped), lambda: datetime.now(UTC), TIMEZONE)


async def _copied(one: Stage, template: str) -> str:
    name = f"play_{uuid.uuid4().hex[:10]}"
    copied = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(name), sql.Identifier(template))
    async with await psycopg.AsyncConnection.connect(one.url_of("postgres"), autocommit=True) as conn:
        await conn.execute(copied)
    return name


async def _world_after(one: Stage, given: Sequence[str]) -> str:
    """The database in which all of `given` has happened: made when it is first asked for."""
    async with one.making:
        wanted = tuple(sorted(set(given)))
        if wanted not in one.worlds:
            name = await _copied(one, WORLD)
            async with _opened(one, name) as (atlas, forge):
                for what in wanted:
                    await HAPPENED[what](atlas, forge)
            one.worlds[wanted] = name
        return one.worlds[wanted]


@dataclass(frozen=True)
class Scene:
    """One copy of the world with everything that plays in it. `url`: the owner's."""

    url: str
    atlas: Atlas
    forge: Forge
    supervisor: Supervisor
    opened: AsyncExitStack
    has_provider: bool = False


@asynccontextmanager
async def scene(one: Stage, given: Sequence[str] = ()) -> AsyncIterator[Scene]:
    """A copy of the world after `given` that nobody else plays in; what was played is taken back row by row, and the copy lent again.

    A copy in which that fails is left aside: the next scenario has a new one.
    """
    wanted = tuple(sorted(set(given)))
    idle = one.idle.setdefault(wanted, [])
    here = idle.pop() if idle else await _new_scene(one, wanted)
    cast = one.cast
    played_by = replace(here.supervisor, router=cast.router, consultants=cast.consultants, graph=cast.graph)
    try:
        yield replace(here, supervisor=played_by, has_provider=cast.has_provider)
        with psycopg.connect(here.url, autocommit=True) as owner:
            undone(owner)
    except BaseException:
        # Left aside, it holds no connection: else some that fail would take the server's last one from all that follow.
        await here.opened.aclose()
        raise
    idle.append(here)


async def _new_scene(one: Stage, given: tuple[str, ...]) -> Scene:
    name = await _copied(one, await _world_after(one, given))
    opened = await one.opened.enter_async_context(AsyncExitStack())
    atlas, forge = await opened.enter_async_context(_opened(one, name))
    checkpoints = await opened.enter_async_context(KeptInAtlas.open(one.url_of(name), one.secret, most=4))

    async def asked(principal: Principal, action: Any, reason: str, correlation_id: CorrelationId) -> Proposed:
        return await propose(forge, principal, action, reason=reason, correlation_id=correlation_id)

    with psycopg.connect(one.url_of(name), autocommit=True) as owner:
        begin(owner)
    cast = one.cast
    supervisor = Supervisor(atlas, asked, cast.router, cast.consultants, checkpoints, TIMEZONE, cast.graph)
    return Scene(one.url_of(name), atlas, forge, supervisor, opened)
