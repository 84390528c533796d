"""A real PostgreSQL for every test: one embedded server, one migrated template, a fresh copy of it each time."""

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection, conninfo, sql

from atlas import embedded
from atlas.connection import Atlas
from atlas.migrate import MIGRATIONS, PERSONAL_MAP, migrate

ROOM = 4 * 1024**3
SECRET = b"a secret that only tests know...."


@pytest.fixture(scope="session")
def server() -> Iterator[embedded.EmbeddedServer]:
    """Kept between runs and shared by runs at the same time; each test has a database of its own."""
    folder = in_memory_where_there_is_room() / f"bedrock-tests-{os.getuid()}"
    folder.mkdir(mode=0o755, exist_ok=True)
    running = embedded.start(folder)
    with psycopg.connect(running.url_of("postgres"), autocommit=True) as conn:
        # Tests stop no power plug: durability is proven where it is the subject, on servers of their own.
        conn.execute("ALTER SYSTEM SET fsync = off")
        conn.execute("ALTER SYSTEM SET max_wal_size = '256MB'")
        conn.execute("SELECT pg_reload_conf()")
    yield running
    running.stop()


def in_memory_where_there_is_room() -> Path:
    """Linux keeps /dev/shm in memory; a thousand databases made and dropped there cost no disk a thing."""
    memory = Path("/dev/shm")  # noqa: S108
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > ROOM else Path(tempfile.gettempdir())


@pytest.fixture(scope="session")
def template(server: embedded.EmbeddedServer) -> str:
    """The name of a database with every migration applied and nothing in it."""
    text = "".join(path.read_text() for path in (*sorted(MIGRATIONS.glob("*.sql")), PERSONAL_MAP))
    name = "template_" + hashlib.sha256(text.encode()).hexdigest()[:12]
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(42)")
        if not conn.execute("SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate", (name,)).fetchone():
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
            conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            migrate(conninfo.make_conninfo(server.url_of("postgres"), dbname=name), SECRET)
            conn.execute(sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE true").format(sql.Identifier(name)))
    return name


@pytest.fixture
def database_url(server: embedded.EmbeddedServer, template: str) -> Iterator[str]:
    """The owner's URL of a fresh, migrated, empty database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as conn:
        # Files copied whole: ten times faster than through the log, for a template that nobody writes to.
        copied = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        conn.execute(copied.format(sql.Identifier(name), sql.Identifier(template)))
        yield conninfo.make_conninfo(server.url_of("postgres"), dbname=name)
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
async def atlas(database_url: str) -> AsyncIterator[Atlas]:
    async with Atlas.open(database_url, SECRET, most=4) as opened:
        yield opened


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[AsyncConnection[tuple[Any, ...]]]:
    async with await AsyncConnection.connect(database_url, autocommit=True) as conn:
        yield conn
