"""What is rehearsed at the start of a process leaves functions and plans ready, and nothing else."""

from api.inbound.rehearsal import rehearse as rehearse_storing
from atlas.connection import Atlas
from atlas.principal import executor
from cortex.pictures import WarmTopology
from forge.propose import Forge
from forge.rehearsal import rehearse
from tests.given import NOW, Owner

LEFT = """
SELECT (SELECT count(*) FROM actions.action), (SELECT count(*) FROM actions.audit WHERE event <> 'matrix_in_force'),
       (SELECT count(*) FROM itsm.incident), (SELECT count(*) FROM nms.alarm), (SELECT count(*) FROM nms.quarantine),
       (SELECT count(*) FROM nms.writer), (SELECT count(*) FROM jobs.procrastinate_jobs)
"""


async def left(owner: Owner) -> tuple[int, ...] | None:
    return await (await owner.execute(LEFT)).fetchone()


async def prepared(atlas: Atlas) -> int:
    """How many of the statements of a look one of its connections keeps prepared."""
    async with atlas.transaction(executor("tests")) as conn:
        found = await conn.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement ~ '^SELECT (alarm.id|incident.id|max)'")
        row = await found.fetchone()
    return int(row[0]) if row else 0


async def test_the_opening_of_an_incident_is_rehearsed_and_taken_back(forge: Forge, owner: Owner) -> None:
    await rehearse(forge, WarmTopology())

    assert (await left(owner), await prepared(forge.atlas)) == ((0,) * 7, 3)


async def test_the_storing_of_an_alarm_is_rehearsed_and_taken_back(atlas: Atlas, owner: Owner) -> None:
    await rehearse_storing(atlas, NOW)

    assert await left(owner) == (0,) * 7
