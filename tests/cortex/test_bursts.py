"""When the network is looked at: once a burst pauses, and not while some of it is still on its way into Atlas."""

import asyncio

from atlas import principal
from atlas.connection import Atlas
from atlas.nms.reads import newest_alarm
from atlas.nms.writes import record_alarms
from cortex.bursts import OVERTAKING, burst_paused, is_overtaken
from cortex.pictures import WarmTopology
from cortex.watch import look_at_burst
from tests import given
from tests.nms.test_writes import heard


async def test_where_nothing_stands_nobody_waits_for_more(atlas: Atlas) -> None:
    looking = asyncio.create_task(burst_paused(atlas, pause_s=60, latest_s=60))

    done, _ = await asyncio.wait([looking], timeout=30)

    assert looking in done


async def test_alarms_that_a_door_is_storing_are_more_to_come(atlas: Atlas, owner: given.Owner) -> None:
    await given.device(owner, "olt-1")

    async with atlas.transaction(principal.intake("test")) as storing, atlas.transaction(principal.executor("cortex")) as looking:
        await record_alarms(storing, [heard()])
        newest = await newest_alarm(looking)

    assert newest.more_to_come


async def test_what_a_door_has_stored_is_not_waited_for(atlas: Atlas, owner: given.Owner) -> None:
    await given.device(owner, "olt-1")
    async with atlas.transaction(principal.intake("test")) as conn:
        await record_alarms(conn, [heard()])

    async with atlas.transaction(principal.executor("cortex")) as conn:
        newest = await newest_alarm(conn)

    assert (newest.standing, newest.more_to_come) == (1, False)


async def test_a_burst_is_looked_at_only_once_its_last_batch_is_committed(atlas: Atlas, owner: given.Owner) -> None:
    await given.device(owner, "olt-1")

    async with atlas.transaction(principal.intake("test")) as conn:
        await record_alarms(conn, [heard()])
        looking = asyncio.create_task(burst_paused(atlas, pause_s=0.01, latest_s=30))
        await asyncio.sleep(0.1)
        was_looked_at = looking.done()
    await looking

    assert not was_looked_at


async def test_a_picture_that_a_storm_overtook_is_told_from_one_that_it_did_not(atlas: Atlas, owner: given.Owner) -> None:
    await given.device(owner, "olt-1")
    async with atlas.transaction(principal.intake("test")) as conn:
        await record_alarms(conn, [heard(port=f"port-{number}") for number in range(OVERTAKING)])

    assert (await is_overtaken(atlas, standing=0), await is_overtaken(atlas, standing=1)) == (True, False)


async def test_an_atlas_without_plant_can_be_looked_at(atlas: Atlas) -> None:
    assert await look_at_burst(atlas, WarmTopology()) == []
