"""Keeps the platform's logs out of the picture that is being drawn."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def logs_kept_in(path: Path) -> Iterator[None]:
    """Standard error, of this process and all it starts, goes to `path` while the block runs: one stray line tears a live table."""
    sys.stderr.flush()
    before = os.dup(2)
    with path.open("ab") as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)
