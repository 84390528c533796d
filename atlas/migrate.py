"""Applies migrations/ in order, each once, whoever starts first; makes the login roles and sets their keys."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from procrastinate.schema import SchemaManager
from psycopg import sql

from atlas.connection import login_of, password_of, principal_key
from atlas.errors import AtlasError
from atlas.principal import Zone

MIGRATIONS: Final = Path(__file__).parent / "migrations"
# Any fixed number: two processes that migrate at once queue on it.
LOCK: Final = 0x6265_6472
BLOCK: Final = 64
# Where a migration wants the job queue's own schema, as the installed version brings it.
JOB_QUEUE: Final = "-- include: procrastinate"


class MigrationChanged(AtlasError):
    """A migration that was already applied is no longer the same text."""


@dataclass(frozen=True)
class Applied:
    """Names of the migrations that this run applied; empty where everything was there."""

    names: tuple[str, ...]


def migrate(url: str, secret: bytes) -> Applied:
    """Brings the database at `url` (as its owner) to the newest schema. Safe to run twice and from two processes at once."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        _make_roles(conn, secret)
        conn.execute(
            "CREATE TABLE IF NOT EXISTS public.migration"
            " (name text PRIMARY KEY, text_md5 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        done: dict[str, str] = dict(conn.execute("SELECT name, text_md5 FROM public.migration").fetchall())
        applied = [path.name for path in sorted(MIGRATIONS.glob("*.sql")) if _apply(conn, path, done)]
        _set_keys(conn, secret)
    return Applied(tuple(applied))


def _make_roles(conn: psycopg.Connection, secret: bytes) -> None:
    for zone in Zone:
        role = sql.Identifier(login_of(zone))
        # Roles belong to the server: another database of the same server may have made them.
        with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            conn.execute(sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(role))
        conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(password_of(zone, secret))))


def _apply(conn: psycopg.Connection, path: Path, done: dict[str, str]) -> bool:
    text = path.read_text()
    (digest,) = conn.execute("SELECT md5(%s)", (text,)).fetchone() or ("",)
    if path.name in done:
        if done[path.name] != digest:
            raise MigrationChanged(f"{path.name} was applied with another text; write a new migration instead")
        return False
    with conn.transaction():
        conn.execute(text.replace(JOB_QUEUE, SchemaManager.get_schema()).encode())
        conn.execute("INSERT INTO public.migration (name, text_md5) VALUES (%s, %s)", (path.name, digest))
    return True


def _set_keys(conn: psycopg.Connection, secret: bytes) -> None:
    """The halves of RFC 2104, so that PostgreSQL can check a MAC with nothing but sha256."""
    key = principal_key(secret).ljust(BLOCK, b"\0")
    conn.execute(
        "INSERT INTO atlas.principal_key (inner_pad, outer_pad) VALUES (%s, %s)"
        " ON CONFLICT (only_one) DO UPDATE SET inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad"
        " WHERE atlas.principal_key.inner_pad <> excluded.inner_pad",
        (bytes(byte ^ 0x36 for byte in key), bytes(byte ^ 0x5C for byte in key)),
    )
