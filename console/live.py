"""One LISTEN for the whole process, and a stream of what changed for every open page."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from psycopg import OperationalError

from atlas.connection import Atlas
from atlas.principal import Zone

log = structlog.get_logger()

# Changes closer together than this are told together: an eye cannot tell them apart, and a storm is one line instead of thousands.
BREATH_S: Final = 0.1
PAUSE_S: Final = 1.0


class Changes:
    """What changed in Atlas, told to every page that is open; a page that is slow gets them folded, never queued without end."""

    def __init__(self, atlas: Atlas, zone: Zone = Zone.STAFF) -> None:
        self._atlas = atlas
        self._zone = zone
        self._pages: dict[asyncio.Event, set[str]] = {}

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listens while the block runs."""
        listener = asyncio.create_task(self.listen())
        try:
            yield
        finally:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)

    async def listen(self) -> None:
        """Runs for as long as the process; listens again after the connection was lost, and says that anything may have changed."""
        while True:
            try:
                async for topic in self._atlas.changes(self._zone):
                    self._tell({topic})
            except OperationalError as error:
                log.warning("changes_lost", reason=type(error).__name__)
            await asyncio.sleep(PAUSE_S)
            self._tell({"everything"})

    def _tell(self, topics: set[str]) -> None:
        for wake, pending in self._pages.items():
            pending |= topics
            wake.set()

    async def stream(self, at_least_every_s: float | None = None, *, looks_first: bool = False) -> AsyncIterator[frozenset[str]]:
        """The topics that changed since the last answer, for one page, until it goes away; none at all where so long nothing changed.

        `looks_first`: none at once, for a page that has read nothing yet: what changes while it reads is told after it.
        """
        wake: asyncio.Event = asyncio.Event()
        self._pages[wake] = set()
        try:
            if looks_first:
                yield frozenset()
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(at_least_every_s):
                        await wake.wait()
                        await asyncio.sleep(BREATH_S)
                wake.clear()
                topics, self._pages[wake] = frozenset(self._pages[wake]), set()
                yield topics
        finally:
            del self._pages[wake]
