"""Questions about alarms: what stands, and what waits in quarantine."""

from typing import Final

from atlas.nms.records import AlarmPulse, OpenAlarm, Quarantined
from atlas.statements import Connection, Statements

SQL: Final = Statements(__file__)


async def open_alarms(conn: Connection) -> list[OpenAlarm]:
    """Every alarm that stands, oldest first; one customer's ONT or modem counts as the splitter, sector or node it hangs from."""
    return await SQL.all(conn, OpenAlarm, "open_alarms")


async def alarm_pulse(conn: Connection) -> AlarmPulse:
    return await SQL.one(conn, AlarmPulse, "alarm_pulse")


async def quarantined(conn: Connection, most: int = 100) -> list[Quarantined]:
    """What could not be taken and still waits, newest first, at most `most`."""
    return await SQL.all(conn, Quarantined, "quarantined", most=most)
