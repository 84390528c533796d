"""Compares a backup with PostgreSQL's own list of what is in it, file by file, as pg_verifybackup does.

Done here because that program does not run in every build of the embedded server.
"""

import hashlib
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Final

from atlas.backup.manifest import BackupDamaged

LIST: Final = "backup_manifest"
# The log has its own checksums, record by record, and is not in the list.
NOT_LISTED: Final = ("pg_wal/", LIST)


def verify_archive(archive: Path, listed_in: Path) -> None:
    """Every file of a packed backup. Raises BackupDamaged, naming the first that is not as PostgreSQL sent it."""
    with tarfile.open(archive) as packed:
        files = ((member.name.removeprefix("./"), packed.extractfile(member)) for member in packed if member.isfile())
        _compare(_listed(listed_in), ((name, _digest(file)) for name, file in files if file is not None))


def verify_folder(folder: Path, listed_in: Path) -> None:
    """The same of an unpacked one."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    _compare(_listed(listed_in), ((str(path.relative_to(folder)), _digest(path.open("rb"))) for path in files))


def _listed(listed_in: Path) -> dict[str, str]:
    octets = listed_in.read_bytes()
    told = json.loads(octets)
    covered, _, _ = octets.rpartition(b'"Manifest-Checksum"')
    if hashlib.sha256(covered).hexdigest() != told["Manifest-Checksum"]:
        raise BackupDamaged(f"{listed_in.name} is not as PostgreSQL wrote it")
    return {file["Path"]: file["Checksum"] for file in told["Files"] if file.get("Checksum-Algorithm") == "SHA256"}


def _compare(listed: dict[str, str], found: Iterable[tuple[str, str]]) -> None:
    missing = dict(listed)
    for name, digest in found:
        if name.startswith(NOT_LISTED):
            continue
        if missing.pop(name, None) != digest:
            raise BackupDamaged(f"{name} is not as PostgreSQL sent it")
    if missing:
        raise BackupDamaged(f"{min(missing)} is missing, and {len(missing) - 1} more")


def _digest(file: IO[bytes]) -> str:
    with file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
