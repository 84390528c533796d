"""A small disk for PostgreSQL's data, which can be filled while it works; where the machine lets us mount one."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger()

SIZE_MB: Final = 3_000
MEGABYTE: Final = 2**20


@dataclass(frozen=True)
class SmallDisk:
    """`home` is on it where `is_small`; else it is a folder like any other and is never filled."""

    home: Path
    is_small: bool

    @classmethod
    @contextmanager
    def mounted(cls, folder: Path, size_mb: int = SIZE_MB) -> Iterator["SmallDisk"]:
        home = folder / "disk"
        home.mkdir()
        is_small = os.name == "posix" and os.geteuid() == 0 and _mount(home, size_mb)
        home.chmod(0o755)
        if not is_small:
            log.warning("disk_not_filled", why="only root may mount a disk small enough to fill")
        try:
            yield cls(home, is_small)
        finally:
            if is_small:
                subprocess.run(("umount", "--lazy", str(home)), check=False, capture_output=True)  # noqa: S603, S607 - the system's own

    @property
    def ballast(self) -> Path:
        return self.home / "filled"

    def fill(self, leave_mb: int) -> None:
        """Leaves only so much room."""
        room = os.statvfs(self.home)
        octets = room.f_bavail * room.f_frsize - leave_mb * MEGABYTE
        if self.is_small and octets > 0:
            # PostgreSQL writes meanwhile: where it was faster the disk is full, which is what was wanted.
            with self.ballast.open("wb") as file, suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, octets)

    def empty(self) -> None:
        self.ballast.unlink(missing_ok=True)


def _mount(where: Path, size_mb: int) -> bool:
    command = ("mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=0755", "tmpfs", str(where))
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 - the system's own
