"""The schema moves on under running code: what adds is applied beside it, what takes away only when nobody needs it any more."""

import asyncio
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo, sql

from api.inbound.batch import AlarmIntake
from api.inbound.reading import Reading
from atlas import embedded
from atlas.connection import Atlas
from atlas.migrate import MIGRATIONS, MigrationChanged, contract, migrate
from atlas.migration_rules import FIRST_RELEASE, breaks_old_code, is_contract
from atlas.nms.records import AlarmEvent, AlarmType, Door, ProbableCause, Severity
from atlas.principal import Zone
from tests.conftest import SECRET


@pytest.fixture
def empty_url(server: embedded.EmbeddedServer) -> Iterator[str]:
    """A database with nothing in it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield conninfo.make_conninfo(server.url_of("postgres"), dbname=name)
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def folder_of(tmp_path: Path, **files: str) -> Path:
    """The foundation's first migration, and these after it."""
    folder = tmp_path / "migrations"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(MIGRATIONS / "0001_foundation.sql", folder)
    for name, text in files.items():
        (folder / f"{name.removeprefix('m')}.sql").write_text(text)
    return folder


def event(number: int) -> AlarmEvent:
    return AlarmEvent(
        device="olt-1",
        managed_object=f"port {number}",
        probable_cause=ProbableCause.LOSS_OF_SIGNAL,
        severity=Severity.MINOR,
        alarm_type=AlarmType.COMMUNICATIONS,
        text="told while the schema moves on",
        received_at=datetime.now(UTC),
        door=Door.TMF642,
    )


def test_every_migration_since_the_first_release_only_adds_or_is_named_a_contract() -> None:
    later = [path for path in MIGRATIONS.glob("*.sql") if int(path.name[:4]) > FIRST_RELEASE and not is_contract(path.name)]

    assert {path.name: breaks_old_code(path.read_text()) for path in later if breaks_old_code(path.read_text())} == {}


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("DROP TABLE crm.contact", "drops a table"),
        ("ALTER TABLE crm.contact DROP COLUMN address", "drops a column"),
        ("DROP FUNCTION actions.claim", "drops what old code may call"),
        ("ALTER TABLE crm.contact RENAME COLUMN address TO place", "renames"),
        ("ALTER TABLE crm.contact ADD COLUMN verified_at timestamptz NOT NULL", "without a default"),
        ("ALTER TABLE crm.contact ALTER COLUMN address SET NOT NULL", "may still leave it out"),
        ("ALTER TABLE crm.contact ALTER COLUMN address TYPE varchar(80)", "rewrites the table"),
        ("ALTER TABLE crm.contact ADD CONSTRAINT known CHECK (address <> '')", "not NOT VALID"),
        ("CREATE INDEX contact_address ON crm.contact (address)", "without CONCURRENTLY"),
        ("UPDATE crm.contact SET address = lower(address)", "every row in one transaction"),
        ("LOCK TABLE crm.contact", "locks a table whole"),
    ],
)
def test_what_old_code_could_not_run_beside_is_named(statement: str, why: str) -> None:
    (found,) = breaks_old_code(f"-- a comment with DROP TABLE in it\n{statement};")

    assert why in found


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE crm.contact ADD COLUMN verified_at timestamptz",
        "ALTER TABLE crm.contact ADD COLUMN is_verified boolean NOT NULL DEFAULT false",
        "ALTER TABLE crm.contact ADD CONSTRAINT known CHECK (address <> '') NOT VALID",
        "CREATE INDEX CONCURRENTLY contact_address ON crm.contact (address)",
        "CREATE TABLE crm.letter (id bigint NOT NULL); CREATE INDEX letter_id ON crm.letter (id); ALTER TABLE crm.letter ADD UNIQUE (id)",
        "DROP FUNCTION crm.f(int); CREATE FUNCTION crm.f(int, int) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$",
        "CREATE FUNCTION crm.g() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE scratch; END $$",
        "UPDATE crm.contact SET address = lower(address) WHERE id < 1000",
    ],
)
def test_what_only_adds_passes(statement: str) -> None:
    assert breaks_old_code(statement) == []


async def test_a_database_of_the_last_release_moves_on_while_a_door_keeps_writing(empty_url: str, tmp_path: Path) -> None:
    released = tmp_path / "released"
    released.mkdir()
    for path in MIGRATIONS.glob("000[1-8]_*.sql"):
        shutil.copy(path, released)
    migrate(empty_url, SECRET, released)
    with psycopg.connect(empty_url) as conn:
        conn.execute("INSERT INTO gis.area (name, latitude, longitude) VALUES ('Harbour', 50.7, -3.5)")
        conn.execute("INSERT INTO cmdb.device (name, kind, area_id) SELECT 'olt-1', 'olt', id FROM gis.area")
    kept = 0
    async with Atlas.open(empty_url, SECRET, (Zone.INTAKE,), most=2) as atlas, AlarmIntake(atlas).running() as intake:
        moving = asyncio.create_task(asyncio.to_thread(migrate, empty_url, SECRET))
        while not moving.done() or kept < 10:
            await intake.take(Reading((event(kept),), ()))
            kept += 1
        applied = await moving
    with psycopg.connect(empty_url) as conn:
        there = conn.execute("SELECT count(*) FROM nms.alarm").fetchone()

    later = {path.name for path in MIGRATIONS.glob("*.sql") if not is_contract(path.name)}
    assert set(applied.names) == later - {path.name for path in released.iterdir()}
    assert there == (kept,)


def test_a_migration_gives_way_to_whoever_holds_the_table_and_is_applied_when_they_are_done(empty_url: str, tmp_path: Path) -> None:
    migrate(empty_url, SECRET, folder_of(tmp_path, m0002_plate="CREATE TABLE public.plate (n int)"))
    adding = folder_of(tmp_path, m0002_plate="CREATE TABLE public.plate (n int)", m0003_more="ALTER TABLE public.plate ADD COLUMN m int")
    holder = psycopg.connect(empty_url)
    holder.execute("INSERT INTO public.plate VALUES (1)")
    moving = threading.Thread(target=migrate, args=(empty_url, SECRET, adding))

    moving.start()
    with psycopg.connect(empty_url, autocommit=True) as behind:
        # Whoever queues behind the migration is let through once it gives way, though the holder still holds.
        behind.execute("SET statement_timeout = '10s'")
        while behind.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'").fetchone() == (0,):
            time.sleep(0.01)
        behind.execute("INSERT INTO public.plate VALUES (2)")
    holder.commit()
    holder.close()
    moving.join()

    with psycopg.connect(empty_url) as conn:
        assert conn.execute("SELECT count(*), count(m) FROM public.plate").fetchone() == (2, 0)


def test_what_takes_away_waits_until_it_is_asked_for(empty_url: str, tmp_path: Path) -> None:
    made = {"m0002_plate": "CREATE TABLE public.plate (n int, old int)"}
    taking_away = "ALTER TABLE public.plate DROP COLUMN old"
    migrate(empty_url, SECRET, folder_of(tmp_path, **made))
    whole = folder_of(tmp_path, **made, m0003_contract_old=taking_away, m0004_new="CREATE TABLE public.fork (n int)")

    expanded = migrate(empty_url, SECRET, whole)
    contracted = contract(empty_url, SECRET, whole)

    assert expanded.names == ("0004_new.sql",)
    assert contracted.names == ("0003_contract_old.sql",)


def test_a_fresh_database_gets_everything_at_once(empty_url: str, tmp_path: Path) -> None:
    whole = folder_of(
        tmp_path, m0002_plate="CREATE TABLE public.plate (n int, old int)", m0003_contract_old="ALTER TABLE public.plate DROP COLUMN old"
    )

    assert migrate(empty_url, SECRET, whole).names == ("0001_foundation.sql", "0002_plate.sql", "0003_contract_old.sql")


def test_an_index_on_a_table_in_use_is_made_outside_a_transaction(empty_url: str, tmp_path: Path) -> None:
    text = "-- outside a transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS plate_n ON public.plate (n)"
    folder = folder_of(tmp_path, m0002_plate="CREATE TABLE public.plate (n int)", m0003_index=text)

    migrate(empty_url, SECRET, folder)

    with psycopg.connect(empty_url) as conn:
        assert conn.execute("SELECT to_regclass('public.plate_n') IS NOT NULL").fetchone() == (True,)


def test_several_that_migrate_at_once_apply_each_migration_once(empty_url: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, m0002_plate="CREATE TABLE public.plate (n int)")
    applied: list[str] = []
    started = [threading.Thread(target=lambda: applied.extend(migrate(empty_url, SECRET, folder).names)) for _ in range(3)]
    for each in started:
        each.start()
    for each in started:
        each.join()

    assert sorted(applied) == ["0001_foundation.sql", "0002_plate.sql"]


def test_a_migration_that_was_applied_with_another_text_stops_everything(empty_url: str, tmp_path: Path) -> None:
    migrate(empty_url, SECRET, folder_of(tmp_path, m0002_plate="CREATE TABLE public.plate (n int)"))

    with pytest.raises(MigrationChanged, match=r"0002_plate\.sql"):
        migrate(empty_url, SECRET, folder_of(tmp_path, m0002_plate="CREATE TABLE public.plate (m int)"))
