"""What is kept of people, and for how long."""

from datetime import datetime, timedelta
from typing import Final

import structlog

from atlas.connection import Atlas
from atlas.principal import executor
from atlas.statements import Statements

SQL = Statements(__file__)
log = structlog.get_logger()

KEEPER: Final = executor("privacy")
# A conversation is taken up again within a day, and no request in the matrix waits for a fortnight; both go on from Atlas.
CHECKPOINTS_LIVE: Final = timedelta(days=14)
# Threads at a time: no transaction of ours holds its locks for long.
BATCH: Final = 500


async def expire_checkpoints(atlas: Atlas, now: datetime, live: timedelta = CHECKPOINTS_LIVE) -> int:
    """Forgets every thread that nothing was written to for as long as `live`; how many. What they were about stays in Atlas."""
    gone = 0
    while True:
        async with atlas.transaction(KEEPER) as conn:
            batch = int(await SQL.value(conn, "expire_checkpoints", before=now - live, most=BATCH))
        gone += batch
        if batch < BATCH:
            log.info("checkpoints_expired", threads=gone)
            return gone
