"""Keys of actions about many."""

import hashlib
from collections.abc import Iterable


def short(parts: Iterable[str]) -> str:
    """Any number of parts in a key of one length: an index entry holds no more than 2,700 bytes."""
    return hashlib.sha256(",".join(parts).encode()).hexdigest()[:32]
