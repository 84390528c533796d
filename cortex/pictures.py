"""Takes a picture of the network: a few reads and no thinking; keeps the topology warm."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import structlog

from atlas.cmdb.reads import lines, network, topology_version
from atlas.connection import Atlas
from atlas.identity import DeviceId
from atlas.itsm.reads import devices_answering, open_incidents
from atlas.itsm.records import StandingIncident
from atlas.nms.reads import open_alarms, open_windows
from atlas.nms.records import MaintenanceWindow, OpenAlarm
from atlas.principal import executor
from atlas.statements import Connection
from cortex.topology import Topology

log = structlog.get_logger()


@dataclass(frozen=True)
class Picture:
    """The network at one moment: its plant, every alarm that stands, every incident in progress, and which of their devices are back.

    `windows` are the maintenance windows open at that moment.
    """

    at: datetime
    topology: Topology
    alarms: tuple[OpenAlarm, ...]
    incidents: tuple[StandingIncident, ...]
    answering: frozenset[DeviceId] = frozenset()
    windows: tuple[MaintenanceWindow, ...] = ()


class WarmTopology:
    """The plant as it was when its version was last read; built anew, beside the event loop, when the version grew."""

    def __init__(self) -> None:
        self._version = -1
        self._topology: Topology | None = None
        self._building = asyncio.Lock()

    async def at(self, conn: Connection) -> Topology:
        version = await topology_version(conn)
        async with self._building:
            if self._topology is None or version != self._version:
                plant, subscribers = await network(conn), await lines(conn)
                self._topology = await asyncio.to_thread(Topology.build, plant, subscribers)
                self._version = version
                log.info("topology_warmed", version=version, devices=len(plant.device_id), subscribers=len(subscribers.subscriber_id))
        return self._topology


async def take_picture(atlas: Atlas, warm: WarmTopology) -> Picture:
    """Six statements in one transaction; two more only when the plant changed."""
    async with atlas.transaction(executor("cortex")) as conn:
        return await picture_of(conn, warm)


async def picture_of(conn: Connection, warm: WarmTopology) -> Picture:
    topology = await warm.at(conn)
    alarms = await open_alarms(conn)
    incidents = await open_incidents(conn)
    answering = await devices_answering(conn)
    windows = await open_windows(conn)
    at = await database_time(conn)
    return Picture(at, topology, tuple(alarms), tuple(incidents), frozenset(answering), tuple(windows))


async def database_time(conn: Connection) -> datetime:
    cursor = await conn.execute("SELECT now()")
    row = await cursor.fetchone()
    assert row is not None, "SELECT now() always answers"
    moment: datetime = row[0]
    return moment
