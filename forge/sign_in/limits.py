"""How often somebody may try: per account, per address and over the whole door, counted in Atlas by the database's clock."""

import hashlib
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from atlas.connection import Atlas
from atlas.errors import NotPermitted
from atlas.principal import executor
from atlas.staff import writes
from atlas.statements import Connection

log = structlog.get_logger()

DOOR: Final = executor("sign_in")


class TriedTooOften(NotPermitted):
    """Too many tries; the next is heard after `wait`."""

    def __init__(self, wait: timedelta) -> None:
        self.wait_s = max(1, math.ceil(wait.total_seconds()))
        super().__init__(f"too many tries; the next is heard in {spoken(self.wait_s)}")


@dataclass(frozen=True)
class Limit:
    """The `free`-th try of a window is the last without a wait after it; each wait is twice the one before, up to `longest`."""

    scope: str
    free: int
    window: timedelta
    first: timedelta
    longest: timedelta


# Five tries, then half a minute, a minute, ... a quarter of an hour: a hundred guesses a day, and whoever owns the account waits
# fifteen minutes at worst, or not at all at a browser they have used before.
ACCOUNT: Final = Limit("account", 5, timedelta(days=1), timedelta(seconds=30), timedelta(minutes=15))
# A code has a million values and three are right at a time: the same hundred guesses a day make 3 in 10,000.
CODE: Final = Limit("code", 5, timedelta(days=1), timedelta(seconds=30), timedelta(minutes=15))
# A whole call centre behind one address signs in within ten minutes of a shift's start.
ADDRESS: Final = Limit("address", 60, timedelta(minutes=5), timedelta(seconds=15), timedelta(minutes=5))
# Each try costs 19 MiB and 30 ms of a core; more than this at once is a flood and not a shift.
WHOLE: Final = Limit("whole", 600, timedelta(minutes=1), timedelta(seconds=2), timedelta(seconds=10))


def key_of(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()


async def count(atlas: Atlas, limit: Limit, *parts: str) -> None:
    """Counts one try, committed before the answer is known, so that tries side by side are counted too. Raises TriedTooOften."""
    async with atlas.transaction(DOOR) as conn:
        wait = await writes.count_attempt(
            conn, limit.scope, key_of(*parts), free=limit.free, window=limit.window, first=limit.first, longest=limit.longest
        )
    if wait is not None:
        log.warning("tried_too_often", scope=limit.scope, wait_s=wait.total_seconds())
        raise TriedTooOften(wait)


async def forgive(conn: Connection, limit: Limit, *parts: str) -> None:
    await writes.forgive_attempts(conn, limit.scope, key_of(*parts))


def spoken(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"
