"""A database with the demo ISP in it, made once a run and copied for each test."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
import pytest
from psycopg import AsyncConnection, conninfo, sql

from atlas.connection import Atlas
from atlas.embedded import EmbeddedServer
from evals.world.seed import seed
from tests.conftest import SECRET

SUBSCRIBERS: Final = 4_000
NOW: Final = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def harbour_template(server: EmbeddedServer, template: str) -> Iterator[str]:
    """The name of a database in which the demo ISP was made at NOW."""
    name = f"harbour_{datetime.now(UTC):%H%M%S%f}"
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        seed(conninfo.make_conninfo(server.url_of("postgres"), dbname=name), subscribers=SUBSCRIBERS, now=NOW)
        yield name
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def harbour_url(server: EmbeddedServer, harbour_template: str) -> str:
    """The demo ISP itself, for tests that only read."""
    return conninfo.make_conninfo(server.url_of("postgres"), dbname=harbour_template)


@pytest.fixture
def harbour_copy_url(server: EmbeddedServer, harbour_template: str) -> Iterator[str]:
    """A copy of the demo ISP that a test may change."""
    name = f"copy_{datetime.now(UTC):%H%M%S%f}"
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(harbour_template)))
        yield conninfo.make_conninfo(server.url_of("postgres"), dbname=name)
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
async def harbour(harbour_url: str) -> AsyncIterator[Atlas]:
    async with Atlas.open(harbour_url, SECRET, most=4) as opened:
        yield opened


@pytest.fixture
async def harbour_owner(harbour_url: str) -> AsyncIterator[AsyncConnection[tuple[Any, ...]]]:
    async with await AsyncConnection.connect(harbour_url, autocommit=True) as conn:
        yield conn
