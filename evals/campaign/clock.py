"""The parts' clock, moved while they run, by libfaketime where it is installed (Debian: faketime)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger()

LIBRARY: Final = "faketime/libfaketimeMT.so.1"
PLACES: Final = (Path("/usr/lib/x86_64-linux-gnu"), Path("/usr/lib/aarch64-linux-gnu"), Path("/usr/lib"), Path("/usr/local/lib"))


def installed() -> Path | None:
    """Where Debian's package faketime puts its library, if it did."""
    return next((place / LIBRARY for place in PLACES if (place / LIBRARY).exists()), None)


@dataclass(frozen=True)
class MovedClock:
    """`file` says by how much; processes with `environment` read it at each look at the clock. What measures durations is left alone."""

    file: Path
    library: Path | None

    def __post_init__(self) -> None:
        if self.library is None:
            log.warning("clock_not_moved", why="libfaketime is not installed; apt install faketime")
        self.move(0)

    @property
    def can_move(self) -> bool:
        return self.library is not None

    @property
    def environment(self) -> dict[str, str]:
        if self.library is None:
            return {}
        return {
            "LD_PRELOAD": str(self.library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def move(self, seconds: float) -> None:
        """By so much from the true time, in every part, from now on."""
        self.file.write_text(f"{seconds:+.3f}\n")
