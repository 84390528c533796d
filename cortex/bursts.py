"""When to look: a burst is looked at when it pauses, and a storm when it is over, for half of one explains nothing."""

import asyncio
from typing import Final

from atlas.connection import Atlas
from atlas.nms.reads import newest_alarm
from atlas.nms.records import NewestAlarm
from atlas.principal import executor

# A cut's alarms come closer together than this, and a look costs about as much.
PAUSE_S: Final = 0.035
SETTLED_S: Final = 0.02
# ... and at the latest after this, however long it lasts: the first seconds decide whom we call.
LATEST_S: Final = 0.4
# So many more alarms than when we began to wait are a storm. Each of its parts looks like a fault of its own until the others are there;
# hundreds of incidents opened and folded again would cost more than the wait.
STORM: Final = 500
LATEST_IN_A_STORM_S: Final = 1.5


# So many changes at once, and so many alarms more since the picture was taken: it was overtaken, and half of what it shows is not so.
MANY_CHANGES: Final = 8
OVERTAKING: Final = 100


async def is_overtaken(atlas: Atlas, standing: int) -> bool:
    """Whether a picture of so many standing alarms shows but the beginning of a storm that went on meanwhile."""
    return (await _newest_alarm(atlas)).standing - standing >= OVERTAKING


async def burst_paused(atlas: Atlas, pause_s: float = PAUSE_S, latest_s: float = LATEST_S) -> None:
    """Returns when no alarm came for `pause_s` and none was on its way into Atlas either; or after `latest_s`, later in a storm."""
    clock = asyncio.get_running_loop().time
    began, first, seen = clock(), None, None
    while True:
        newest = await _newest_alarm(atlas)
        first = newest if first is None else first
        left = pause_s - newest.age.total_seconds()
        # A door that is busy with a burst commits late: an old alarm that we had not seen is news all the same.
        if left <= 0 and newest.heard_at == seen and not newest.more_to_come:
            return
        seen = newest.heard_at
        latest = max(latest_s, LATEST_IN_A_STORM_S) if newest.standing - first.standing > STORM else latest_s
        wait = max(left, SETTLED_S)
        if clock() + wait > began + latest:
            return
        await asyncio.sleep(wait)


async def _newest_alarm(atlas: Atlas) -> NewestAlarm:
    async with atlas.transaction(executor("cortex")) as conn:
        return await newest_alarm(conn)
