"""Looks at devices over SNMP: one GET of sysUpTime, which says that a device answers and since when it runs."""

import ipaddress
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch.asyncio import (
    CommunityData,
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    UsmUserData,
    get_cmd,
)

from forge.outside.ports import Probe

SYS_UP_TIME: Final = "1.3.6.1.2.1.1.3.0"
PORT: Final = 161
# A device that takes longer is as good as silent to whoever waits for the diagnosis.
TIMEOUT_S: Final = 1.0
RETRIES: Final = 1
# TimeTicks are hundredths of a second.
TICK: Final = timedelta(milliseconds=10)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class SnmpProber:
    """A Prober. Asks only addresses inside `allowed`: an inventory is data, and data must not send us anywhere."""

    credentials: CommunityData | UsmUserData
    allowed: Sequence[Network]
    port: int = PORT
    timeout_s: float = TIMEOUT_S
    engine: SnmpEngine = field(default_factory=SnmpEngine, compare=False)

    async def probe(self, key: str, device: str, address: str | None) -> Probe:  # noqa: ARG002 - a question needs no key
        """Whether the device answers, how fast, and for how long it has run. Asked twice at most."""
        if address is None:
            return _silent(device, "it has no management address")
        host = ipaddress.ip_interface(address).ip
        if not any(host in network for network in self.allowed):
            return _silent(device, "its address is outside the management networks")
        target = await UdpTransportTarget.create((str(host), self.port), timeout=self.timeout_s, retries=RETRIES)
        asked_at = time.perf_counter()
        try:
            trouble, status, _, bindings = await get_cmd(
                self.engine, self.credentials, target, ContextData(), ObjectType(ObjectIdentity(SYS_UP_TIME)), lookupMib=False
            )
        except PySnmpError as error:
            return _silent(device, type(error).__name__)
        round_trip = timedelta(seconds=time.perf_counter() - asked_at)
        if trouble:
            return _silent(device, str(trouble))
        # An agent that answers with an error answers: it is reachable.
        return Probe(True, round_trip, {"asked": "snmp", **_read(status, bindings)})

    def close(self) -> None:
        self.engine.close_dispatcher()


def _silent(device: str, why: str) -> Probe:
    return Probe(False, None, {"asked": "snmp", "device": device, "why": why})


def _read(status: Any, bindings: Sequence[Any]) -> dict[str, Any]:
    if status or not bindings:
        return {"error": str(status)}
    ticks = bindings[0][1]
    return {"up_s": (int(ticks) * TICK).total_seconds()} if hasattr(ticks, "__int__") else {"error": str(ticks)}
