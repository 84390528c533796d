"""Every moment at which a process that speaks with PostgreSQL may die: before a statement leaves, once it left, once it was answered."""

import os
import signal
from dataclasses import dataclass
from typing import Any, TypeVar

from psycopg.abc import PQGen
from psycopg.waiting import Wait

from atlas.watchdog import INTERVAL_S, WatchedConnection

RV = TypeVar("RV")


@dataclass
class Points:
    """This process dies at point `kill_at`, by the signal that nobody can catch."""

    passed: int = 0
    kill_at: int = -1

    def point(self) -> None:
        if self.passed == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed += 1


HERE = Points()


class MortalConnection(WatchedConnection[tuple[Any, ...]]):
    """Counts the moments of this process, over all of its connections."""

    async def wait(self, gen: PQGen[RV], interval: float = INTERVAL_S, timeout: float | None = None) -> RV:  # noqa: ASYNC109
        HERE.point()
        answer = await super().wait(_once_sent(gen), interval=interval, timeout=timeout)
        HERE.point()
        return answer


def _once_sent(gen: PQGen[RV]) -> PQGen[RV]:
    """The same exchange; a moment passes when all was sent and nothing is heard yet: the server will do it, and we shall not know."""
    is_sent = False
    try:
        wanted = next(gen)
        while True:
            if not is_sent and wanted == Wait.R:
                is_sent = True
                HERE.point()
            wanted = gen.send((yield wanted))
    except StopIteration as end:
        answer: RV = end.value
        return answer
