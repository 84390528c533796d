"""Applies migrations/ in order, each once, whoever starts first; makes the login roles and sets their keys.

Old code runs beside: no migration waits long for a lock that others would queue behind, and what takes away (atlas/migration_rules.py) is
applied by `contract`, on a fresh database or when nobody runs the old code any more.
"""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from procrastinate.schema import SchemaManager
from psycopg import sql
from psycopg.errors import DeadlockDetected, LockNotAvailable

from atlas.connection import login_of, password_of, principal_key
from atlas.errors import AtlasError
from atlas.migration_rules import ALONE, is_contract
from atlas.principal import Zone
from atlas.privacy.records import PersonalMap
from atlas.privacy.rules import parsed_map

MIGRATIONS: Final = Path(__file__).parent / "migrations"
# What is kept of people, as data that a release brings along: written anew whenever the schema is brought up.
PERSONAL_MAP: Final = Path(__file__).parent / "privacy" / "map.yaml"
# Any fixed number: two processes that migrate at once queue on it.
LOCK: Final = 0x6265_6472
BLOCK: Final = 64
# Where a migration wants the job queue's own schema, as the installed version brings it.
JOB_QUEUE: Final = "-- include: procrastinate"
# Whoever comes after us waits behind us: this long at most, then they go first and we come again.
WAITS_FOR_A_LOCK: Final = "2s"
ASKS_AGAIN_S: Final = 0.05
TRIES: Final = 30
AGAIN_AFTER_S: Final = 1.0


class DatabaseBusy(AtlasError):
    """Somebody held what a migration must lock, all the time that it tried."""


class MigrationChanged(AtlasError):
    """A migration that was already applied is no longer the same text."""


@dataclass(frozen=True)
class Applied:
    """Names of the migrations that this run applied; empty where everything was there."""

    names: tuple[str, ...]


def migrate(url: str, secret: bytes, folder: Path = MIGRATIONS) -> Applied:
    """Brings the database at `url` (as its owner) to the newest schema that code of the release before can run beside.

    Safe to run twice and from two processes at once. A fresh database gets everything. Raises MigrationChanged and DatabaseBusy.
    """
    return _brought_up(url, secret, folder, lambda name, is_fresh: is_fresh or not is_contract(name))


def contract(url: str, secret: bytes, folder: Path = MIGRATIONS) -> Applied:
    """Takes away what only code of the release before needed: nobody runs it any more."""
    return _brought_up(url, secret, folder, lambda _name, _is_fresh: True)


def _brought_up(url: str, secret: bytes, folder: Path, is_wanted: Callable[[str, bool], bool]) -> Applied:
    with psycopg.connect(url, autocommit=True) as conn:
        _await_lock(conn)
        conn.execute("SELECT set_config('lock_timeout', %s, false)", (WAITS_FOR_A_LOCK,))
        _make_roles(conn, secret)
        conn.execute(
            "CREATE TABLE IF NOT EXISTS public.migration"
            " (name text PRIMARY KEY, text_md5 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        done: dict[str, str] = dict(conn.execute("SELECT name, text_md5 FROM public.migration").fetchall())
        wanted = [path for path in sorted(folder.glob("*.sql")) if is_wanted(path.name, not done)]
        applied = [path.name for path in wanted if _apply(conn, path, done)]
        _set_keys(conn, secret)
        if conn.execute("SELECT to_regclass('privacy.place') IS NOT NULL").fetchone() == (True,):
            _write_map(conn, parsed_map(PERSONAL_MAP.read_text()))
    return Applied(tuple(applied))


def _await_lock(conn: psycopg.Connection) -> None:
    """Asks again and again: whoever waits inside PostgreSQL holds a snapshot, and an index made CONCURRENTLY waits for that in turn."""
    while conn.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone() != (True,):
        time.sleep(ASKS_AGAIN_S)


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
    _patiently(path.name, lambda: _applied(conn, path.name, text, digest))
    return True


def _applied(conn: psycopg.Connection, name: str, text: str, digest: str) -> None:
    if text.startswith(ALONE):
        conn.execute(text.encode())
        conn.execute("INSERT INTO public.migration (name, text_md5) VALUES (%s, %s)", (name, digest))
        return
    with conn.transaction():
        conn.execute(text.replace(JOB_QUEUE, SchemaManager.get_schema()).encode())
        conn.execute("INSERT INTO public.migration (name, text_md5) VALUES (%s, %s)", (name, digest))


def _patiently(name: str, work: Callable[[], None]) -> None:
    """Raises DatabaseBusy."""
    for _ in range(TRIES):
        try:
            return work()
        except (LockNotAvailable, DeadlockDetected):
            time.sleep(AGAIN_AFTER_S)
    raise DatabaseBusy(f"{name} could not lock what it changes in {TRIES} tries of {WAITS_FOR_A_LOCK}; nothing of it was applied")


def _is_there(conn: psycopg.Connection, table: str) -> bool:
    """An older schema than this code's lacks what came later."""
    return conn.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone() == (True,)


def _set_keys(conn: psycopg.Connection, secret: bytes) -> None:
    """The halves of RFC 2104, so that PostgreSQL can check a MAC with nothing but sha256."""
    if not _is_there(conn, "atlas.zone_key"):
        return
    for zone in Zone:
        key = principal_key(zone, secret).ljust(BLOCK, b"\0")
        conn.execute(
            "INSERT INTO atlas.zone_key (zone, inner_pad, outer_pad) VALUES (%s, %s, %s)"
            " ON CONFLICT (zone) DO UPDATE SET inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad"
            " WHERE atlas.zone_key.inner_pad <> excluded.inner_pad",
            (zone.value, bytes(byte ^ 0x36 for byte in key), bytes(byte ^ 0x5C for byte in key)),
        )


def _write_map(conn: psycopg.Connection, known: PersonalMap) -> None:
    """Puts the map of what is kept of people in force: only the owner may, so nobody erases by a map of their own."""
    if not _is_there(conn, "privacy.place"):
        return
    with conn.transaction(), conn.cursor() as cursor:
        cursor.execute("DELETE FROM privacy.place; DELETE FROM privacy.treatment; DELETE FROM privacy.retention_rule")
        cursor.executemany(
            "INSERT INTO privacy.place (place, position, whose, erasure, needed_for, because) VALUES (%s, %s, %s, %s, %s, %s)",
            [(one.place, at, list(one.whose), one.erasing, list(one.needed_for), one.because) for at, one in enumerate(known.personal)],
        )
        cursor.executemany(
            "INSERT INTO privacy.treatment (place, name, treatment) VALUES (%s, %s, %s)",
            [(one.place, name, how) for one in (*known.personal, *known.nobodys) for name, how in one.treatments],
        )
        cursor.executemany(
            "INSERT INTO privacy.retention_rule (rule, position, place, since, only_if, keep, how, basis)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [(one.rule, at, one.place, one.since, one.only_if, one.keep, one.how, one.basis) for at, one in enumerate(known.retention)],
        )
