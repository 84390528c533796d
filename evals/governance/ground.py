"""A database of its own for each evaluation of the gate: migrated, empty, and gone afterwards."""

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import psycopg
from psycopg import conninfo, sql

from atlas import embedded
from atlas.migrate import migrate

SECRET: Final = b"a secret of this evaluation alone."


@asynccontextmanager
async def ground() -> AsyncIterator[str]:
    """The owner's URL of such a database, on an embedded server that is stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="bedrock-gate-") as folder:
        server = await asyncio.to_thread(_started, Path(folder))
        try:
            yield await asyncio.to_thread(_migrated, server)
        finally:
            await asyncio.to_thread(server.stop)


def _started(folder: Path) -> embedded.EmbeddedServer:
    # The server runs as somebody else where we are root.
    folder.chmod(0o755)
    return embedded.start(folder)


def _migrated(server: embedded.EmbeddedServer) -> str:
    name = f"gate_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as conn:
        # Nothing here outlives the evaluation: durability is measured elsewhere.
        conn.execute("ALTER SYSTEM SET fsync = off")
        conn.execute("SELECT pg_reload_conf()")
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = conninfo.make_conninfo(server.url_of("postgres"), dbname=name)
    migrate(url, SECRET)
    return url
