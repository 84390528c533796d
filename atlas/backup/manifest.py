"""What a folder of backups holds, and whether it is what was written: names, sizes, digests, and a seal over all of it."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from atlas.errors import AtlasError

FORMAT: Final = "bedrock-backup/1"
MANIFEST: Final = "manifest.json"
SEGMENT: Final = re.compile(r"[0-9A-F]{24}")
# Without a key the seal finds damage, not malice: then it is a digest under a name that everybody knows.
NO_KEY: Final = b"bedrock backup without a key"


class BackupForeign(AtlasError):
    """It is no backup of ours, or one of another installation or another version of PostgreSQL."""


class BackupDamaged(AtlasError):
    """It is not what was written, or not all of it is there."""


@dataclass(frozen=True)
class FileKept:
    """A file of a backup as it lies there. `size` in octets."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Backup:
    """One base backup. `ended_at`: from here on, by the database's clock, a moment can be restored. `secret_print` tells secrets apart."""

    name: str
    ended_at: datetime
    bedrock: str
    postgres: int
    system: str
    first_segment: str
    is_sealed: bool
    secret_print: str
    migrations: tuple[str, ...]
    files: dict[str, FileKept]


@dataclass(frozen=True)
class Reached:
    """Up to where the log is kept: everything that was committed before `at`, by the database's clock, is in it."""

    at: datetime
    system: str


def base_folder(folder: Path) -> Path:
    return folder / "base"


def log_folder(folder: Path) -> Path:
    return folder / "wal"


def print_of(secret: bytes) -> str:
    return hmac.new(secret, b"backup", hashlib.sha256).hexdigest()[:16]


def file_kept(path: Path) -> FileKept:
    with path.open("rb") as file:
        return FileKept(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def write_manifest(into: Path, backup: Backup, key: bytes | None) -> None:
    told = {"format": FORMAT, **asdict(backup), "ended_at": backup.ended_at.isoformat()}
    (into / MANIFEST).write_text(json.dumps({**told, "seal": _seal(told, key)}, indent=1))


def read_manifest(folder: Path, key: bytes | None) -> Backup:
    """Raises BackupForeign and BackupDamaged; the files are not looked at yet."""
    try:
        told: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    except FileNotFoundError:
        raise BackupForeign(f"{folder} holds no backup of Bedrock's: it has no {MANIFEST}") from None
    except ValueError:
        raise BackupDamaged(f"{folder / MANIFEST} cannot be read") from None
    seal = told.pop("seal", "")
    if told.pop("format", None) != FORMAT:
        raise BackupForeign(f"{folder} is of another format than {FORMAT}")
    if told.get("is_sealed") and key is None:
        raise BackupForeign(f"{folder} is encrypted: BEDROCK_BACKUP_KEY is needed")
    if not hmac.compare_digest(str(seal), _seal({"format": FORMAT, **told}, key if told.get("is_sealed") else None)):
        raise BackupDamaged(f"{folder / MANIFEST} is not as it was written, or was sealed with another key")
    files = {name: FileKept(**kept) for name, kept in told.pop("files").items()}
    told["ended_at"] = datetime.fromisoformat(told["ended_at"])
    return Backup(**{**told, "migrations": tuple(told["migrations"]), "files": files})


def _seal(told: dict[str, Any], key: bytes | None) -> str:
    written = json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(key or NO_KEY, written, hashlib.sha256).hexdigest()


def check_files(folder: Path, backup: Backup) -> None:
    """Raises BackupDamaged, naming the file."""
    for name, kept in backup.files.items():
        path = folder / name
        if not path.exists():
            raise BackupDamaged(f"{path} is missing")
        if file_kept(path) != kept:
            raise BackupDamaged(f"{path} is not as it was written")


def backups(folder: Path, key: bytes | None) -> list[Backup]:
    """Every whole backup of the folder, oldest first. What was cut off while it was made has no manifest and does not count."""
    found = (path.parent for path in base_folder(folder).glob(f"*/{MANIFEST}") if path.parent.suffix != ".making")
    return sorted((read_manifest(path, key) for path in found), key=lambda backup: backup.ended_at)


def read_reached(folder: Path) -> Reached | None:
    """None where the log is not kept."""
    path = log_folder(folder) / "reached.json"
    if not path.exists():
        return None
    told = json.loads(path.read_text())
    return Reached(datetime.fromisoformat(told["at"]), told["system"])


def segments(folder: Path) -> Iterator[tuple[str, Path]]:
    """The kept pieces of the log by PostgreSQL's own name for them, histories of timelines included."""
    for path in sorted(log_folder(folder).glob("0*")):
        yield path.name.partition(".gz")[0], path


def is_older(segment: str, than: str) -> bool:
    """Of two names of segments, timelines left aside: what comes earlier in the log."""
    return bool(SEGMENT.match(segment)) and segment[8:24] < than[8:24]
