"""What is acknowledged can be had again as it was at a moment, and what is not a whole backup of ours is refused by name."""

import gzip
import hashlib
import json
import os
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from atlas import embedded
from atlas.backup.base import Place, prune, refuse_foreign
from atlas.backup.log import ship
from atlas.backup.manifest import (
    BackupDamaged,
    BackupForeign,
    backups,
    base_folder,
    check_files,
    log_folder,
    read_manifest,
    segments,
    write_manifest,
)
from atlas.backup.restore import HomeTaken, MomentOutOfReach, restore
from atlas.backup.verified import verify_folder
from atlas.errors import InvalidField
from atlas.sealed import MAGIC, SealBroken, seal, sealing_key, unseal
from evals.drills.commands import open_folder
from evals.drills.restore import RestoreDrill, restore_drill
from tests.conftest import in_memory_where_there_is_room

KEY = bytes(range(32))


@dataclass(frozen=True)
class Drilled:
    """A drill that was played once, and the folders it left."""

    drill: RestoreDrill
    folder: Path

    @property
    def backups(self) -> Path:
        return self.folder / "backups"

    @property
    def newest(self) -> Path:
        return next(base_folder(self.backups).iterdir())


@pytest.fixture(scope="module")
async def drilled() -> AsyncIterator[Drilled]:
    with open_folder(in_memory_where_there_is_room()) as folder:
        yield Drilled(await restore_drill(folder, 0.6, KEY), folder)


@pytest.fixture
def copied(drilled: Drilled) -> Iterator[Path]:
    """The drill's backups, to be tampered with."""
    with open_folder(in_memory_where_there_is_room()) as folder:
        yield Path(shutil.copytree(drilled.backups, folder / "backups"))


def test_every_write_acknowledged_before_the_moment_is_restored(drilled: Drilled) -> None:
    assert drilled.drill.before > 0
    assert drilled.drill.lost == 0


def test_no_write_begun_after_the_moment_is_restored(drilled: Drilled) -> None:
    assert drilled.drill.after > 0
    assert drilled.drill.from_after == 0


def test_the_audit_trail_of_what_was_restored_holds(drilled: Drilled) -> None:
    assert drilled.drill.audit_entries > 0
    assert drilled.drill.broken_links == 0


def test_nothing_goes_out_of_a_restored_house_until_somebody_lets_it(drilled: Drilled) -> None:
    running = embedded.start(drilled.folder / "restored")
    with psycopg.connect(running.url) as conn:
        held = conn.execute(
            "SELECT scope, reason LIKE 'restored%%' FROM actions.kill_switch WHERE name = '*' AND is_on ORDER BY scope"
        ).fetchall()
    running.stop()

    assert held == [("action", True), ("agent", True), ("channel", True)]


def test_a_sealed_backup_holds_no_word_of_the_database_in_clear(drilled: Drilled) -> None:
    kept = [path for path in drilled.backups.rglob("*") if path.is_file() and path.suffix != ".json"]

    assert {path.name for path in drilled.newest.iterdir()} >= {"base.tar.gz.sealed", "pg_wal.tar.gz.sealed", "secret.sealed"}
    assert [path.name for path in kept if not path.read_bytes().startswith(MAGIC)] == []


async def test_a_home_that_has_a_database_is_never_written_over(drilled: Drilled) -> None:
    with pytest.raises(HomeTaken, match="holds a database already"):
        await restore(drilled.backups, drilled.folder / "live", key=KEY)


async def test_a_sealed_backup_is_refused_without_its_key(drilled: Drilled, tmp_path: Path) -> None:
    with pytest.raises(BackupForeign, match="BEDROCK_BACKUP_KEY is needed"):
        await restore(drilled.backups, tmp_path / "home")


async def test_a_sealed_backup_is_refused_with_another_key(drilled: Drilled, tmp_path: Path) -> None:
    with pytest.raises(BackupDamaged, match="sealed with another key"):
        await restore(drilled.backups, tmp_path / "home", key=bytes(32))


async def test_a_folder_that_holds_no_backup_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackupForeign, match="holds no backup of Bedrock's"):
        await restore(tmp_path, tmp_path / "home")


async def test_a_backup_with_one_octet_changed_is_refused_by_the_name_of_the_file(copied: Path, tmp_path: Path) -> None:
    damaged = next(base_folder(copied).rglob("base.tar.gz.sealed"))
    octets = bytearray(damaged.read_bytes())
    octets[len(octets) // 2] ^= 1
    damaged.write_bytes(octets)

    with pytest.raises(BackupDamaged, match=r"base\.tar\.gz\.sealed is not as it was written"):
        await restore(copied, tmp_path / "home", key=KEY)


async def test_a_backup_with_a_file_missing_is_refused_by_its_name(copied: Path, tmp_path: Path) -> None:
    next(base_folder(copied).rglob("pg_wal.tar.gz.sealed")).unlink()

    with pytest.raises(BackupDamaged, match=r"pg_wal\.tar\.gz\.sealed is missing"):
        await restore(copied, tmp_path / "home", key=KEY)


async def test_a_manifest_that_somebody_edited_is_refused(copied: Path, tmp_path: Path) -> None:
    manifest = next(base_folder(copied).rglob("manifest.json"))
    told = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**told, "migrations": []}))

    with pytest.raises(BackupDamaged, match="not as it was written"):
        await restore(copied, tmp_path / "home", key=KEY)


async def test_a_log_of_another_installation_is_refused(copied: Path, tmp_path: Path) -> None:
    (copied / "wal" / "reached.json").write_text(json.dumps({"at": datetime.now(UTC).isoformat(), "system": "1"}))

    with pytest.raises(BackupForeign, match="another installation"):
        await restore(copied, tmp_path / "home", key=KEY)


async def test_the_secret_of_another_installation_is_not_kept_beside_a_restored_database(copied: Path) -> None:
    home = copied.parent / "home"
    home.mkdir()
    (home / "secret").write_text("ab" * 32)

    with pytest.raises(BackupForeign, match="secret of another installation"):
        await restore(copied, home, key=KEY)


async def test_a_moment_before_the_first_backup_and_one_after_the_log_are_out_of_reach(drilled: Drilled, tmp_path: Path) -> None:
    with pytest.raises(MomentOutOfReach, match="the oldest backup is from"):
        await restore(drilled.backups, tmp_path / "home", key=KEY, at=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(MomentOutOfReach, match="is kept up to"):
        await restore(drilled.backups, tmp_path / "home", key=KEY, at=datetime.now(UTC) + timedelta(days=1))


def test_another_installation_does_not_back_up_into_this_ones_folder(drilled: Drilled) -> None:
    with pytest.raises(BackupForeign, match="another installation"):
        refuse_foreign(Place(drilled.backups, b"", KEY), "another")


def test_the_oldest_backups_go_and_the_log_that_only_they_need(copied: Path) -> None:
    place = Place(copied, b"", KEY, keep=1)
    newest = next(base_folder(copied).iterdir())
    older = newest.with_name("20200101T000000.000000Z")
    shutil.copytree(newest, older)
    known = read_manifest(newest, KEY)
    write_manifest(older, replace(known, name=older.name, ended_at=known.ended_at - timedelta(days=1)), KEY)
    unneeded = copied / "wal" / "000000010000000000000000.gz.sealed"
    unneeded.write_bytes(b"")

    assert prune(place) == [older.name]
    assert [backup.name for backup in backups(copied, KEY)] == [newest.name]
    assert unneeded.name not in [path.name for _, path in segments(copied)]
    check_files(newest, known)


def test_a_piece_of_the_log_that_is_filled_while_it_is_shipped_is_shipped_whole(tmp_path: Path) -> None:
    spool, place = tmp_path / "spool", Place(tmp_path / "backups", b"")
    log_folder(place.folder).mkdir(parents=True)
    spool.mkdir()
    piece = "000000010000000000000001"
    # As the receiver leaves it for a moment: the name it had is listed, and what it meant is gone.
    (spool / f"{piece}.partial").symlink_to(spool / "gone")
    (filled := tmp_path / "filled").write_bytes(b"log")
    filling = threading.Timer(0.05, lambda: [filled.rename(spool / piece), (spool / f"{piece}.partial").unlink()])

    filling.start()
    ship(spool, place, "a system", datetime.now(UTC))
    filling.join()

    assert gzip.decompress((log_folder(place.folder) / f"{piece}.gz").read_bytes()) == b"log"


def test_a_file_that_postgresql_did_not_send_so_is_noticed_once_it_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("18\n")
    listed = tmp_path / "backup_manifest"
    listed.write_bytes(_list_of("PG_VERSION", b"17\n"))

    with pytest.raises(BackupDamaged, match="PG_VERSION is not as PostgreSQL sent it"):
        verify_folder(tmp_path / "data", listed)


def _list_of(name: str, octets: bytes) -> bytes:
    digest = hashlib.sha256
    files = [{"Path": name, "Size": len(octets), "Checksum-Algorithm": "SHA256", "Checksum": digest(octets).hexdigest()}]
    head = (json.dumps({"Files": files})[:-1] + ", ").encode()
    return head + b'"Manifest-Checksum": "' + digest(head).hexdigest().encode() + b'"}'


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 1024 * 1024 + 1])
def test_what_is_sealed_opens_as_it_was(tmp_path: Path, size: int) -> None:
    (tmp_path / "clear").write_bytes(os.urandom(size))

    seal(tmp_path / "clear", tmp_path / "sealed", KEY)
    unseal(tmp_path / "sealed", tmp_path / "again", KEY)

    assert (tmp_path / "again").read_bytes() == (tmp_path / "clear").read_bytes()


def test_a_sealed_file_that_was_cut_at_a_chunk_does_not_open(tmp_path: Path) -> None:
    (tmp_path / "clear").write_bytes(bytes(3 * 1024 * 1024))
    seal(tmp_path / "clear", tmp_path / "sealed", KEY)
    whole = (tmp_path / "sealed").read_bytes()
    (tmp_path / "sealed").write_bytes(whole[: 32 + 2 * (1024 * 1024 + 16)])

    with pytest.raises(SealBroken, match="does not open"):
        unseal(tmp_path / "sealed", tmp_path / "again", KEY)
    assert not (tmp_path / "again").exists()


def test_a_key_that_is_no_key_is_refused_before_anything_is_written() -> None:
    with pytest.raises(InvalidField, match="64 hexadecimal digits"):
        sealing_key("hunter2")
