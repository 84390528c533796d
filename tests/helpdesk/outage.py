"""An outage for tests: the small plant of tests/itsm, cut at its OLT, with one incident open."""

from dataclasses import dataclass

from atlas.connection import Atlas
from atlas.helpdesk.records import Told
from atlas.identity import AlarmId, DeviceId, IncidentId
from atlas.itsm.records import Root
from atlas.principal import executor
from atlas.statements import Connection, row_of
from forge.actions.itsm.incidents import OpenIncident, ReviseIncident
from tests import carried
from tests.given import NOW, Owner
from tests.itsm.plant import Plant, planted


@dataclass(frozen=True)
class Outage:
    incident_id: IncidentId
    plant: Plant


def cut(plant: Plant, **changes: object) -> OpenIncident:
    fields: dict[str, object] = {
        "cause": "feeder",
        "is_outage": True,
        "root": Root("device", plant.olt),
        "confidence": 0.95,
        "hypotheses": (),
        "alarms": (AlarmId(plant.alarm),),
        "devices": tuple(DeviceId(device) for device in (plant.olt, *plant.splitters)),
        "lines": (),
        "first_alarm_at": NOW,
    }
    return OpenIncident(**{**fields, **changes})  # type: ignore[arg-type]


async def outage(atlas: Atlas, owner: Owner, **changes: object) -> Outage:
    """Four customers without service, two in either area."""
    plant = await planted(owner)
    opened = await carried.out(atlas, cut(plant, **changes), NOW)
    return Outage(IncidentId(opened["incident_id"]), plant)


def half_back(now: Outage, version: int = 1) -> ReviseIncident:
    """The first splitter returned; the second is still out."""
    return ReviseIncident(
        now.incident_id,
        version,
        cause="feeder",
        is_outage=True,
        root=Root("device", now.plant.olt),
        confidence=0.95,
        hypotheses=(),
        alarms=(AlarmId(now.plant.alarm),),
        devices=(DeviceId(now.plant.splitters[1]),),
        lines=(),
    )


async def notices(atlas: Atlas, purpose: str) -> list[Told]:
    """Every notice of this purpose, by customer."""
    async with atlas.transaction(executor("tests")) as conn:
        return await _notices(conn, purpose)


async def _notices(conn: Connection, purpose: str) -> list[Told]:
    async with conn.cursor(row_factory=row_of(Told)) as cursor:
        await cursor.execute(
            "SELECT id AS notice_id, customer_id, incident_id, purpose, channel, language, words, state, queued_at, sent_at"
            " FROM helpdesk.notice WHERE purpose = %s ORDER BY customer_id",
            (purpose,),
        )
        return await cursor.fetchall()
