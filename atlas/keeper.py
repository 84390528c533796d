"""Watches a pair: fails over when the primary is gone, lets it write alone when the standby is, and takes back what comes again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog

from atlas.node import NodeFailed, NodeState
from atlas.programs import ProgramFailed, embedded_programs
from atlas.standby import Pair, acknowledged_alone, acknowledged_by_both, fail_over, pair_of, taken_back

log = structlog.get_logger()

LOOK_EVERY_S: Final = 0.3
# One lost answer is a full moment of a busy machine, four in a row are a server that hangs; of one whose process is gone two are enough.
MISSES: Final = 4
MISSES_OF_THE_DEAD: Final = 2
# Writes wait for the standby meanwhile: longer than its own restart over a short log, shorter than a caller's patience.
STANDBY_MAY_BE_AWAY_S: Final = 4.0
TRY_AGAIN_S: Final = 5.0
# As much log as a caught-up standby may still have to write down.
CAUGHT_UP: Final = 1024 * 1024


@dataclass
class Keeper:
    """Keeps one pair. `pair` is what is true at this moment."""

    pair: Pair
    secret: bytes
    misses: int = 0
    away_since: float | None = None
    tried_at: float = field(default=float("-inf"))

    async def keep(self) -> None:
        """Runs for ever; what fails is logged and met again at the next look."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except (NodeFailed, ProgramFailed, OSError) as error:
                log.warning("pair_not_kept", error=type(error).__name__, why=str(error)[:200])

    async def look(self) -> None:
        """One look, and what follows from it."""
        known = await asyncio.to_thread(pair_of, self.pair.home)
        if known is not None and known.term > self.pair.term:
            # A person promoted the standby.
            self.pair, self.misses, self.away_since = known, 0, None
        try:
            state = await self.pair.primary.state(self.secret)
        except NodeFailed:
            self.misses += 1
            if self.misses >= MISSES or (self.misses >= MISSES_OF_THE_DEAD and not self.pair.primary.processes()):
                await self._without_primary()
            return
        self.misses = 0
        await (self._both(state) if self.pair.is_synchronous else self._alone(state))

    async def _without_primary(self) -> None:
        if self.pair.is_synchronous:
            self.pair = await fail_over(self.pair, self.secret)
            self.misses = 0
            return
        # The standby may lack acknowledged writes: the one disk that has them all is started again, and a person may decide otherwise.
        log.error("failover_refused", primary=self.pair.primary.name, standby=self.pair.standby.name)
        await self.pair.primary.start(embedded_programs())

    async def _both(self, state: NodeState) -> None:
        now = asyncio.get_running_loop().time()
        if state.acknowledging:
            self.away_since = None
        elif self.away_since is None:
            self.away_since = now
        elif now - self.away_since > STANDBY_MAY_BE_AWAY_S:
            self.pair, self.away_since = await acknowledged_alone(self.pair, self.secret), None
            log.warning("standby_away", primary=self.pair.primary.name, standby=self.pair.standby.name)

    async def _alone(self, state: NodeState) -> None:
        now = asyncio.get_running_loop().time()
        if state.streaming and state.behind_octets < CAUGHT_UP:
            self.pair = await acknowledged_by_both(self.pair, self.secret)
        elif not state.streaming and now - self.tried_at > TRY_AGAIN_S:
            self.tried_at = now
            self.pair = await taken_back(self.pair, self.secret, embedded_programs())
        else:
            return
        if self.pair.is_synchronous:
            log.info("standby_back", primary=self.pair.primary.name, standby=self.pair.standby.name, term=self.pair.term)


@asynccontextmanager
async def kept(pair: Pair, secret: bytes) -> AsyncIterator[Keeper]:
    """Keeps the pair while the block runs."""
    keeper = Keeper(pair, secret)
    watching = asyncio.create_task(keeper.keep())
    try:
        yield keeper
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
