"""The SNMP door: traps and informs on one UDP port."""

from datetime import datetime

from api.inbound.batch import AlarmIntake
from api.inbound.reading import Reading
from api.inbound.snmp.parsing import Traps, parse_trap
from api.inbound.udp import Clock, UdpListener, listen_udp
from atlas.nms.records import Door


async def listen(host: str, port: int, traps: Traps, intake: AlarmIntake, clock: Clock) -> UdpListener:
    """Takes SNMPv1, v2c and v3 notifications on `host`:`port` (0: any free port). Raises OSError where it cannot listen there."""

    def hear(datagram: bytes, source: str, received_at: datetime) -> Reading:
        return parse_trap(datagram, source, received_at, traps)

    return await listen_udp(host, port, Door.SNMP, hear, intake, clock)
