"""Questions about alarms: what stands, and what waits in quarantine."""

from datetime import timedelta
from typing import Final

from atlas.identity import IncidentId
from atlas.nms.records import AlarmPulse, MaintenanceWindow, NewestAlarm, OpenAlarm, PortDoubt, Quarantined, StandingAlarm
from atlas.statements import Connection, Statements

SQL: Final = Statements(__file__)


async def open_alarms(conn: Connection) -> list[OpenAlarm]:
    """Every alarm that stands, oldest first; one customer's ONT or modem counts as the splitter, sector or node it hangs from."""
    return await SQL.all(conn, OpenAlarm, "open_alarms")


async def alarm_pulse(conn: Connection) -> AlarmPulse:
    return await SQL.one(conn, AlarmPulse, "alarm_pulse")


async def newest_alarm(conn: Connection) -> NewestAlarm:
    """When the last of the alarms that stand was heard."""
    return await SQL.one(conn, NewestAlarm, "newest_alarm")


async def quarantined(conn: Connection, most: int = 100) -> list[Quarantined]:
    """What could not be taken and still waits, newest first, at most `most`."""
    return await SQL.all(conn, Quarantined, "quarantined", most=most)


async def open_windows(conn: Connection) -> list[MaintenanceWindow]:
    """Maintenance windows open at this moment, by the database's clock."""
    return await SQL.all(conn, MaintenanceWindow, "open_windows")


async def alarms_of_incident(conn: Connection, incident_id: IncidentId, most: int = 300) -> list[StandingAlarm]:
    """The alarms an incident holds or held, those that stand first, oldest first."""
    return await SQL.all(conn, StandingAlarm, "alarms_of_incident", incident_id=incident_id, most=most)


async def standing_alarms(conn: Connection, device: str | None = None, most: int = 50) -> list[StandingAlarm]:
    """Alarms that stand, on the device of that name or anywhere: the gravest first, then the latest."""
    return await SQL.all(conn, StandingAlarm, "standing_alarms", device=device, most=most)


async def port_doubts(conn: Connection, within: timedelta, most: int = 500) -> list[PortDoubt]:
    """Ports at which boxes asked of late and that did not fit, by BNG, what was asked last first."""
    return await SQL.all(conn, PortDoubt, "port_doubts", within=within, most=most)
