"""Where runs are played: a server, the town as a template database, and the models' agents, built once for many runs."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

import psycopg
from psycopg import AsyncConnection, conninfo, sql

from agents.checkpoints import KeptInAtlas
from agents.consultation import consultants
from agents.embeddings import Encoder, WordCounts
from agents.model import CircuitBreaker
from agents.roster import examples, roster
from agents.router import Router
from agents.supervisor import Graph, Supervisor, conversation_graph
from api.bootstrap import House
from api.chat import Desk
from api.settings import Settings
from atlas import embedded
from atlas.connection import Atlas
from atlas.identity import CorrelationId
from atlas.migrate import MIGRATIONS, migrate
from atlas.principal import Principal, Zone
from cortex.pictures import WarmTopology
from evals.adversary.attacker import AttackersProvider, ColludingConsultants, Mind, PlottingRouter, colluding, mind_of
from evals.adversary.changes import Owner, Watch
from evals.adversary.knowledge import Knowledge, known
from forge.matrix_in_force import put_in_force
from forge.outside.recorded import RecordedMessenger
from forge.propose import Forge, MatrixInForce, Proposed, propose
from forge.register import Register
from governance import matrix

TOWN: Final = Path(__file__).with_name("town.sql").read_text()
# What the process of agents and workers is opened for; the login that puts a matrix in force is not among them.
HELD: Final = (Zone.CUSTOMER, Zone.STAFF, Zone.INTAKE, Zone.EXECUTOR)
TIMEZONE: Final = ZoneInfo("Europe/London")
SECRET: Final = hashlib.sha256(b"a secret of the town alone").digest()


@dataclass(frozen=True)
class Ground:
    """A server that holds the town; `template` is what each scene is copied from."""

    url: str
    template: str

    def url_of(self, database: str) -> str:
        return conninfo.make_conninfo(self.url, dbname=database)


def laid(server: embedded.EmbeddedServer, wounds: Sequence[str] = ()) -> Ground:
    """The town on this server, made once for each schema. `wounds`: statements that remove a defence from a copy of it, for a mutant."""
    made_of = "".join(path.read_text() for path in sorted(MIGRATIONS.glob("*.sql"))) + TOWN + str(datetime.now(UTC).date())
    name = "town_" + hashlib.sha256(made_of.encode()).hexdigest()[:12]
    ground = Ground(server.url_of("postgres"), name)
    with psycopg.connect(ground.url, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(4711)")
        if not conn.execute("SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate", (name,)).fetchone():
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
            conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            _fill(ground.url_of(name))
            conn.execute(sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE true").format(sql.Identifier(name)))
    return _wounded(ground, wounds) if wounds else ground


def _wounded(whole: Ground, wounds: Sequence[str]) -> Ground:
    ground = Ground(whole.url, f"wounded_{uuid4().hex[:12]}")
    with psycopg.connect(ground.url, autocommit=True) as conn:
        copied = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        conn.execute(copied.format(sql.Identifier(ground.template), sql.Identifier(whole.template)))
    with psycopg.connect(ground.url_of(ground.template), autocommit=True) as conn:
        for wound in wounds:
            conn.execute(wound.encode())
    return ground


def dropped(ground: Ground) -> None:
    """Removes a wounded copy again."""
    with psycopg.connect(ground.url, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(ground.template)))


def _fill(url: str) -> None:
    migrate(url, SECRET)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(TOWN.encode())
        conn.execute("ANALYZE")
    asyncio.run(_put_matrix_in_force(url))


@cache
def shipped() -> matrix.Matrix:
    """The matrix that ships, read and checked once a process: that costs as much as two runs."""
    return matrix.load(matrix.SHIPPED)


async def _put_matrix_in_force(url: str) -> None:
    async with Atlas.open(url, SECRET, most=1) as atlas:
        await put_in_force(atlas, shipped())


@dataclass(frozen=True)
class Troupe:
    """The supervisor's graph and the ten agents, with the attacker behind every model: built once per process."""

    mind: Mind
    router: PlottingRouter
    consulted: ColludingConsultants
    graph: Graph


async def troupe(encoder: Encoder | None = None) -> Troupe:
    """Some seconds of CPU. Words are compared by counts unless an encoder is given: routing is not what is judged here."""
    members, mind = roster(), Mind(frozenset())
    honest = await Router.of(examples(members), encoder or WordCounts(), WordCounts())
    router = PlottingRouter.over(honest, mind)
    built = consultants(members, honest, AttackersProvider(key="none", mind=mind), CircuitBreaker(lambda: 0.0))
    consulted = colluding(built, mind)
    mind_of(consulted, mind)
    return Troupe(mind, router, consulted, conversation_graph(router, consulted))


@dataclass(frozen=True)
class Scene:
    """One copy of the town with everything that plays in it."""

    url: str
    atlas: Atlas
    forge: Forge
    desk: Desk
    troupe: Troupe
    owner: Owner
    watch: Watch
    knowledge: Knowledge
    messenger: RecordedMessenger
    checkpoints: KeptInAtlas
    heads: dict[str, tuple[int, str]] = field(default_factory=dict)

    async def look_away(self) -> None:
        """What changed until now was arranged by the scene itself: nobody's doing, but the trail went on."""
        for change in await self.watch.look():
            if change.table == "actions.audit" and change.row["seq"] > self.heads.get(change.row["stream"], (0, ""))[0]:
                self.heads[change.row["stream"]] = (change.row["seq"], change.row["hash"])


@asynccontextmanager
async def scene(ground: Ground, one: Troupe) -> AsyncIterator[Scene]:
    """A fresh copy of the town, dropped at the end."""
    name = f"run_{uuid4().hex[:12]}"
    url = ground.url_of(name)
    async with await AsyncConnection.connect(ground.url, autocommit=True) as server:
        copied = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        await server.execute(copied.format(sql.Identifier(name), sql.Identifier(ground.template)))
        try:
            async with (
                Atlas.open(url, SECRET, HELD, most=4) as atlas,
                KeptInAtlas.open(url, SECRET, most=2) as checkpoints,
                await AsyncConnection.connect(url, autocommit=True) as owner,
            ):
                yield await _set(url, atlas, checkpoints, owner, one)
        finally:
            await server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


async def _set(url: str, atlas: Atlas, checkpoints: KeptInAtlas, owner: Owner, one: Troupe) -> Scene:
    forge = Forge(atlas, Register.of_modules(), MatrixInForce(shipped()), lambda: datetime.now(UTC), TIMEZONE)

    async def asked(principal: Principal, action: Any, reason: str, correlation_id: CorrelationId) -> Proposed:
        return await propose(forge, principal, action, reason=reason, correlation_id=correlation_id)

    await owner.execute(
        "INSERT INTO staff.session (token_hash, staff_id, fresh_at, expires_at)"
        " SELECT convert_to(said || id, 'UTF8'), id, now() - ago, now() + interval '10 hours' FROM staff.member,"
        " (VALUES ('signed in just now ', interval '1 s'), ('signed in this morning ', interval '4 hours')) AS one (said, ago)"
    )
    supervisor = Supervisor(atlas, asked, one.router, one.consulted, checkpoints, TIMEZONE, one.graph)
    house = House(Settings(), atlas, forge, WarmTopology(), {})
    watch = await Watch.of(owner)
    return Scene(
        url, atlas, forge, Desk(house, supervisor, supervisor), one, owner, watch, await known(owner), RecordedMessenger(atlas), checkpoints
    )
