"""Tells a BNG of a session that must end or be of another speed: Disconnect-Request and CoA-Request (RFC 5176), by pyrad.

A Provisioner for two orders about sessions; whatever else is asked of the network goes on to `otherwise`. Every order may be given again:
the session is named, ending it twice ends it once, and the same speed twice is the same speed.
"""

import io
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyrad.client_async import ClientAsync
from pyrad.dictionary import Dictionary
from pyrad.packet import CoAACK, CoARequest, DisconnectACK, DisconnectRequest, Packet

from atlas.cmdb.reads import nas_of, session_ended
from atlas.cmdb.records.sessions import Nas
from atlas.connection import Atlas
from atlas.identity import DeviceId
from atlas.principal import executor
from forge.outside.ports import CHANGE, DISCONNECT, Never, NoAnswer, NotNow, Provisioner
from forge.sign_in.sealing import opened

OUTSIDE: Final = executor("outside")
# Sent three times, two seconds apart: an errand must be over within its worst case of twelve.
TIMEOUT_S: Final = 2.0
RETRIES: Final = 2

# RFC 5176 section 3.6: what a NAK means for the order.
SESSION_GONE: Final = 503
RESOURCES: Final = 506
ERROR_CAUSES: Final = {
    401: "it knows an attribute not",
    402: "it misses an attribute",
    403: "it takes itself for another",
    404: "the request is invalid",
    405: "it does not do this",
    406: "it does not do this extension",
    501: "it is forbidden",
    502: "it could be routed nowhere",
    SESSION_GONE: "it has no such session",
    504: "the session cannot be removed",
    505: "a proxy failed",
    RESOURCES: "it has no room at the moment",
    507: "it begins anew",
    508: "several sessions at once",
}

# What we send and read, and nothing else: numbers and types of RFC 2865, 2866, 5176, and of two makers (IANA enterprise numbers).
ATTRIBUTES: Final = """
ATTRIBUTE User-Name 1 string
ATTRIBUTE NAS-IP-Address 4 ipaddr
ATTRIBUTE Framed-IP-Address 8 ipaddr
ATTRIBUTE Reply-Message 18 string
ATTRIBUTE Calling-Station-Id 31 string
ATTRIBUTE Proxy-State 33 octets
ATTRIBUTE Acct-Session-Id 44 string
ATTRIBUTE Event-Timestamp 55 date
ATTRIBUTE Message-Authenticator 80 octets
ATTRIBUTE Error-Cause 101 integer
VENDOR WISPr 14122
BEGIN-VENDOR WISPr
ATTRIBUTE WISPr-Bandwidth-Max-Up 7 integer
ATTRIBUTE WISPr-Bandwidth-Max-Down 8 integer
END-VENDOR WISPr
VENDOR Mikrotik 14988
BEGIN-VENDOR Mikrotik
ATTRIBUTE Mikrotik-Rate-Limit 8 string
END-VENDOR Mikrotik
"""
UNSIGNED: Final = 2**32 - 1

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def dictionary() -> Dictionary:
    return Dictionary(io.StringIO(ATTRIBUTES))


@dataclass(frozen=True)
class RadiusProvisioner:
    """`allowed`: where BNGs may be; an inventory is data, and data must not send us anywhere."""

    atlas: Atlas
    allowed: Sequence[Network]
    otherwise: Provisioner
    timeout_s: float = TIMEOUT_S
    retries: int = RETRIES

    async def provision(self, key: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """What the BNG answered: `answer` is ACK, or gone where it has no such session any more. Raises NotNow, Never, NoAnswer."""
        if operation not in (DISCONNECT, CHANGE):
            return await self.otherwise.provision(key, operation, arguments)
        session = arguments.get("session")
        if session is None:
            return {"answer": "no session", "why": "the line was not signed in: its next session has it"}
        nas = await self._nas(DeviceId(session["nas"]))
        code = DisconnectRequest if operation == DISCONNECT else CoARequest
        reply = await self._answer(nas, code, _asked(operation, session, arguments))
        return _understood(operation, nas, reply)

    async def find(self, key: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """A session that is over was ended, whoever ended it. A speed is asked for again: the same twice is the same."""
        if operation not in (DISCONNECT, CHANGE):
            return await self.otherwise.find(key, operation, arguments)
        session = arguments.get("session")
        if session is None:
            return None
        async with self.atlas.transaction(OUTSIDE) as conn:
            is_over = await session_ended(conn, session["accounting"])
        return {"answer": "over", "why": "the BNG has reported its end"} if is_over else None

    async def _nas(self, device_id: DeviceId) -> Nas:
        async with self.atlas.transaction(OUTSIDE) as conn:
            nas = await nas_of(conn, device_id)
        if nas is None:
            raise Never(f"no secret is shared with device {device_id}")
        if not any(ipaddress.ip_address(nas.address) in network for network in self.allowed):
            raise Never(f"{nas.name} is outside the management networks")
        return nas

    async def _answer(self, nas: Nas, code: int, asked: dict[str, Any]) -> Packet:
        secret = opened(self.atlas.secret, nas.seal_purpose, nas.sealed_secret)
        client = ClientAsync(
            nas.address, coa_port=nas.coa_port, secret=secret, dict=dictionary(), retries=self.retries, timeout=self.timeout_s
        )
        await client.initialize_transports(enable_coa=True)
        try:
            packet = client.CreateCoAPacket(code=code, message_authenticator=True)
            for name, value in asked.items():
                packet[name] = value
            return await client.SendPacket(packet)
        except (TimeoutError, OSError) as silence:
            raise NoAnswer(f"{nas.name} did not answer") from silence
        finally:
            await client.deinitialize_transports()


def _asked(operation: str, session: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """The session by every name the BNG gave it, and for another speed that speed in both tongues."""
    named = {"User-Name": session["username"], "Acct-Session-Id": session["session_id"], "Framed-IP-Address": session.get("framed_address")}
    asked = {name: value for name, value in named.items() if value}
    if operation == DISCONNECT:
        return asked
    up_kbps, down_kbps = arguments["up_kbps"], arguments["down_kbps"]
    return {
        **asked,
        "Mikrotik-Rate-Limit": rate_limit(up_kbps, down_kbps),
        "WISPr-Bandwidth-Max-Up": min(up_kbps * 1000, UNSIGNED),
        "WISPr-Bandwidth-Max-Down": min(down_kbps * 1000, UNSIGNED),
    }


def rate_limit(up_kbps: int, down_kbps: int) -> str:
    """As in Mikrotik-Rate-Limit and catalogue.access_policy: from the customer first."""
    return f"{up_kbps}k/{down_kbps}k"


def _understood(operation: str, nas: Nas, reply: Packet) -> dict[str, Any]:
    """Raises NotNow where it has no room, Never where it refuses for good."""
    if reply.code in (CoAACK, DisconnectACK):
        return {"answer": "ACK", "bng": nas.name}
    cause = int(reply["Error-Cause"][0]) if "Error-Cause" in reply else 0
    why = ERROR_CAUSES.get(cause, "it does not say why")
    if cause == SESSION_GONE:
        return {"answer": "NAK", "error_cause": cause, "why": why, "bng": nas.name}
    refusal = f"{nas.name} answered NAK to {operation}: {why} (Error-Cause {cause})"
    raise NotNow(refusal) if cause == RESOURCES else Never(refusal)
