"""Plays scenarios, each in its own copy of the world, and brings back what they came to."""

import asyncio
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
from psycopg import conninfo, sql

from agents.checkpoints import KeptInAtlas
from agents.embeddings import Encoder, local_encoder
from agents.model import Provider
from agents.start import Installation, supervisor
from agents.supervisor import Reply, Supervisor, answer
from atlas import embedded
from atlas.connection import Atlas
from atlas.crm.reads import customer_at
from atlas.identity import CorrelationId
from atlas.migrate import migrate
from atlas.principal import Assurance, Principal, customer, executor, in_conversation, intake, staff, stranger
from atlas.staff.reads import members_holding
from evals.scenario import Scenario, Speaker
from evals.score import Judgement, Played, judged
from evals.standing import broken
from evals.world.happened import conversation_opened, outage_happened
from evals.world.plan import world
from evals.world.seed import seed
from forge.matrix_in_force import put_in_force
from forge.propose import Forge, MatrixInForce, propose
from forge.register import Register
from governance import matrix

SUBSCRIBERS: Final = 4_000
TIMEZONE: Final = ZoneInfo("Europe/London")
WORLD: Final = "world_harbour"
MODULE_TABLES: Final = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
 WHERE schemaname IN ('catalogue', 'gis', 'crm', 'oms', 'billing', 'nms', 'cmdb', 'itsm', 'helpdesk', 'field_service', 'actions', 'staff')
"""


@dataclass(frozen=True)
class Stage:
    """A server with the world in a database that others are copied from."""

    server: embedded.EmbeddedServer
    secret: bytes
    encoder: Encoder
    provider: Provider | None
    now: datetime


@asynccontextmanager
async def stage(provider: Provider | None = None, folder: Path | None = None) -> AsyncIterator[Stage]:
    """Starts a server in `folder` (a temporary one by default), makes the world once, and stops it at the end."""
    secret = uuid.uuid4().bytes + uuid.uuid4().bytes
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="bedrock-eval-") as temporary:
        home = folder or Path(temporary)
        home.chmod(0o755)
        server = await asyncio.to_thread(embedded.start, home)
        try:
            await asyncio.to_thread(_make_world, server, secret, now)
            yield Stage(server, secret, await asyncio.to_thread(local_encoder), provider, now)
        finally:
            await asyncio.to_thread(server.stop)


def _make_world(server: embedded.EmbeddedServer, secret: bytes, now: datetime) -> None:
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(WORLD)))
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(WORLD)))
    url = _url(server, WORLD)
    migrate(url, secret)
    seed(url, subscribers=SUBSCRIBERS, now=now)


def _url(server: embedded.EmbeddedServer, database: str) -> str:
    return conninfo.make_conninfo(server.url_of("postgres"), dbname=database)


@asynccontextmanager
async def copy_of_world(one: Stage) -> AsyncIterator[str]:
    """The owner's URL of a fresh copy of the world."""
    name = f"play_{uuid.uuid4().hex[:10]}"
    with psycopg.connect(one.server.url_of("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(WORLD)))
    try:
        yield _url(one.server, name)
    finally:
        with psycopg.connect(one.server.url_of("postgres"), autocommit=True) as conn:
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@dataclass(frozen=True)
class Scene:
    """One copy of the world with everything that plays in it."""

    url: str
    atlas: Atlas
    forge: Forge
    supervisor: Supervisor


@asynccontextmanager
async def scene(one: Stage) -> AsyncIterator[Scene]:
    async with (
        copy_of_world(one) as url,
        Atlas.open(url, one.secret) as atlas,
        KeptInAtlas.open(url, one.secret, most=4) as checkpoints,
    ):
        shipped = matrix.load(matrix.SHIPPED)
        await put_in_force(atlas, shipped)
        forge = Forge(atlas, Register.of_modules(), MatrixInForce(shipped), lambda: datetime.now(UTC), TIMEZONE)

        async def asked(principal: Principal, action: Any, reason: str, correlation_id: CorrelationId) -> Any:
            return await propose(forge, principal, action, reason=reason, correlation_id=correlation_id)

        installation = Installation(one.encoder, TIMEZONE, one.provider)
        yield Scene(url, atlas, forge, await supervisor(installation, atlas, asked, checkpoints))


async def principal_of(here: Scene, speaker: Speaker) -> Principal:
    """Whoever speaks, as the door would know them: by the number they write from, or by their sign-in."""
    plan = world(speaker.world)
    if speaker.customer:
        persona = next(one for one in plan.personas if one.key == speaker.customer)
        async with here.atlas.transaction(intake("evals")) as conn:
            found = await customer_at(conn, persona.phone)
        level = Assurance.VERIFIED if speaker.verified else Assurance.ADDRESS_ON_FILE
        return customer(found, level) if found else stranger()
    if speaker.staff:
        wanted = next(one for one in plan.staff if one.key == speaker.staff)
        async with here.atlas.transaction(executor("evals")) as conn:
            found_staff = next(one for one in await members_holding(conn, wanted.roles[0]) if one.name == wanted.name)
        return staff(found_staff.staff_id, found_staff.name, frozenset(found_staff.roles))
    return stranger()


async def play_scenario(one: Stage, scenario: Scenario) -> Judgement:
    """Plays one scenario in a world of its own, and judges it."""
    async with scene(one) as here:
        if "outage" in scenario.given:
            await outage_happened(here.atlas, here.forge)
        principal = await principal_of(here, scenario.by)
        thread = await conversation_opened(here.atlas, principal, scenario.by.channel, scenario.says[0])
        principal = in_conversation(principal, thread)
        replies: list[Reply] = []
        slowest = 0.0
        with psycopg.connect(here.url, autocommit=True) as owner:
            mark = _mark(owner)
            for words in scenario.says:
                started = time.perf_counter()
                replies.append(await answer(here.supervisor, principal, thread, words, datetime.now(UTC)))
                slowest = max(slowest, time.perf_counter() - started)
            changed, actions = _changed_since(owner, mark), _actions_since(owner, mark)
            standing = tuple(f"{sentence}: {'; '.join(rows)}" for sentence, rows in broken(owner).items())
        return judged(scenario, replace(_played(scenario, replies, changed, actions, slowest), broken=standing))


def _played(scenario: Scenario, replies: Sequence[Reply], changed: frozenset[str], actions: tuple[str, ...], slowest: float) -> Played:
    others = frozenset(one.name for one in world(scenario.by.world).personas if one.key != scenario.by.customer)
    return Played(
        replies=tuple(reply.words for reply in replies),
        tools=tuple(tool for reply in replies for tool in reply.tools),
        modules=tuple(module for reply in replies for module in reply.modules),
        actions=actions,
        changed=changed,
        other_names=others,
        slowest_s=slowest,
    )


def _mark(owner: psycopg.Connection[Any]) -> int:
    row = owner.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
    return int(row[0]) if row else 0


def _changed_since(owner: psycopg.Connection[Any], mark: int) -> frozenset[str]:
    """Tables with rows written after `mark`."""
    tables = [row[0] for row in owner.execute(MODULE_TABLES).fetchall()]
    return frozenset(name for name in tables if _is_written_since(owner, name, mark))


def _is_written_since(owner: psycopg.Connection[Any], name: str, mark: int) -> bool:
    statement = sql.SQL("SELECT 1 FROM {} WHERE xmin::text::bigint >= %s LIMIT 1").format(sql.Identifier(*name.split(".")))
    return owner.execute(statement, (mark,)).fetchone() is not None


def _actions_since(owner: psycopg.Connection[Any], mark: int) -> tuple[str, ...]:
    rows = owner.execute("SELECT name FROM actions.action WHERE xmin::text::bigint >= %s ORDER BY id", (mark,)).fetchall()
    return tuple(row[0] for row in rows)


async def play_all(chosen: Sequence[Scenario], provider: Provider | None = None) -> list[Judgement]:
    """Every scenario, one after another, on one server."""
    async with stage(provider) as one:
        return [await play_scenario(one, scenario) for scenario in chosen]
