"""What has happened in a world before a scenario begins: somebody wrote to us; the whitepaper's cable was cut."""

from datetime import UTC, datetime
from uuid import UUID

from atlas.connection import Atlas
from atlas.helpdesk.writes import record_inbound
from atlas.identity import IncidentId
from atlas.nms.records import AlarmEvent, AlarmType, Door
from atlas.nms.writes import record_alarms
from atlas.principal import Principal, executor, intake
from cortex.pictures import WarmTopology
from cortex.watch import look
from evals.fault.scene import scene_of_cut
from evals.fault.told import Told, told_of_cut
from evals.world.plan import world
from forge.graph import open_bookmarks
from forge.playbooks.outage import play
from forge.propose import Forge
from forge.respond import respond


async def conversation_opened(atlas: Atlas, principal: Principal, channel: str, words: str) -> UUID:
    """The first message is on record; the thread it opened."""
    async with atlas.transaction(intake("evals")) as conn:
        inbound = await record_inbound(
            conn,
            channel=channel,
            address=None,
            customer_id=principal.customer_id,
            staff_id=principal.staff_id,
            words=words or "…",
            at=datetime.now(UTC),
            author=principal.reference,
        )
    return inbound.thread


async def outage_happened(atlas: Atlas, forge: Forge) -> list[IncidentId]:
    """The cut as far as it has come when people begin to write: alarms heard, the incident open, its playbook played once."""
    async with atlas.transaction(executor("evals")) as conn:
        cut = await scene_of_cut(conn, world().zone.backhaul)
    now = datetime.now(UTC)
    async with atlas.transaction(intake("evals")) as conn:
        await record_alarms(conn, [_heard(told, now) for told in told_of_cut(cut)])
    for change in await look(atlas, WarmTopology()):
        await respond(forge, change)
    incidents = await _open_incidents(atlas)
    async with open_bookmarks(atlas) as bookmarks:
        for incident_id in incidents:
            await play(forge, bookmarks, incident_id)
    return incidents


async def _open_incidents(atlas: Atlas) -> list[IncidentId]:
    async with atlas.transaction(executor("evals")) as conn, conn.cursor() as cursor:
        await cursor.execute("SELECT id FROM itsm.incident WHERE state = 'inProgress' ORDER BY id")
        return [IncidentId(row[0]) for row in await cursor.fetchall()]


def _heard(told: Told, now: datetime) -> AlarmEvent:
    kind = AlarmType.COMMUNICATIONS
    return AlarmEvent(told.device.address, told.managed_object, told.cause, told.severity, kind, told.words, now, Door.TMF642)
