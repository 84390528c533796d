"""Traps and informs as real equipment sends them, for the demo, the benchmarks and the tests: pysnmp builds every octet."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any, Final

from pyasn1.codec.ber import encoder
from pysnmp.carrier.base import AbstractTransportDispatcher
from pysnmp.entity import config, engine
from pysnmp.proto import rfc1902
from pysnmp.proto.api import v2c

from api.inbound.snmp.notification import SNMP_TRAP_ADDRESS, SNMP_TRAP_OID, SYS_UP_TIME
from api.inbound.snmp.usm import AUTH, DOMAIN, PRIV, SnmpUser
from atlas.nms.records import ProbableCause, Severity

Binding = tuple[str, Any]

BEDROCK_ALARM: Final = "1.3.6.1.4.1.32473.642.0.1"
BEDROCK_OBJECTS: Final = "1.3.6.1.4.1.32473.642.1"
LINK_DOWN: Final = "1.3.6.1.6.3.1.1.5.3"
LINK_UP: Final = "1.3.6.1.6.3.1.1.5.4"
# Any address will do: what is encoded here is sent by others.
RECEIVER: Final = ("127.0.0.1", 162)
# ItuPerceivedSeverity (RFC 3877)
SEVERITY_NUMBERS: Final[Mapping[Severity, int]] = {
    Severity.CLEARED: 1,
    Severity.INDETERMINATE: 2,
    Severity.CRITICAL: 3,
    Severity.MAJOR: 4,
    Severity.MINOR: 5,
    Severity.WARNING: 6,
}


def encode_trap(
    trap_oid: str,
    bindings: Sequence[Binding],
    uptime_ticks: int,
    community: str = "public",
    agent: str | None = None,
    inform_id: int | None = None,
) -> bytes:
    """A v2c trap (an inform where `inform_id` is given). `agent` is the device a relay speaks for (RFC 3584).

    Values: int, text or octets; IPv4Address; ObjectIdentifier or any other pysnmp value for the rest.
    """
    message = v2c.Message()
    v2c.apiMessage.set_defaults(message)
    v2c.apiMessage.set_community(message, community.encode())
    v2c.apiMessage.set_pdu(message, _pdu(trap_oid, bindings, uptime_ticks, agent, inform_id))
    return bytes(encoder.encode(message))


def _pdu(trap_oid: str, bindings: Sequence[Binding], uptime_ticks: int, agent: str | None, inform_id: int | None) -> Any:
    pdu = v2c.SNMPv2TrapPDU() if inform_id is None else v2c.InformRequestPDU()
    v2c.apiTrapPDU.set_defaults(pdu)
    if inform_id is not None:
        v2c.apiPDU.set_request_id(pdu, inform_id)
    relayed = [(SNMP_TRAP_ADDRESS, IPv4Address(agent))] if agent else []
    everything = [
        (SYS_UP_TIME, rfc1902.TimeTicks(uptime_ticks % 2**32)),
        (SNMP_TRAP_OID, rfc1902.ObjectIdentifier(trap_oid)),
        *((name, _value(value)) for name, value in (*bindings, *relayed)),
    ]
    v2c.apiPDU.set_varbinds(pdu, [(rfc1902.ObjectIdentifier(name), value) for name, value in everything])
    return pdu


def _value(value: Any) -> Any:
    if isinstance(value, int):
        return rfc1902.Integer32(value)
    if isinstance(value, IPv4Address):
        return rfc1902.IpAddress(str(value))
    if isinstance(value, str):
        return rfc1902.OctetString(value.encode())
    if isinstance(value, bytes):
        return rfc1902.OctetString(value)
    return value


def bedrock_alarm(
    managed_object: str, cause: ProbableCause, severity: Severity, event_at: datetime | None = None, reference: str = "", text: str = ""
) -> list[Binding]:
    """The variables of BEDROCK-ALARM-MIB::bedrockAlarm."""
    values = (managed_object, cause.value, SEVERITY_NUMBERS[severity], event_at and date_and_time_octets(event_at), reference, text)
    return [(f"{BEDROCK_OBJECTS}.{number}.0", value) for number, value in enumerate(values, 1) if value is not None]


def link_state(name: str, index: int, is_up: bool) -> list[Binding]:
    """The variables of IF-MIB::linkDown and linkUp, with ifDescr, as routers send them."""
    column = "1.3.6.1.2.1.2.2.1"
    return [
        (f"{column}.1.{index}", index),
        (f"{column}.7.{index}", 1),
        (f"{column}.8.{index}", 1 if is_up else 2),
        (f"{column}.2.{index}", name),
    ]


def date_and_time_octets(at: datetime) -> bytes:
    """SNMPv2-TC DateAndTime, eleven octets, in UTC."""
    at = at.astimezone(UTC)
    return at.year.to_bytes(2, "big") + bytes((at.month, at.day, at.hour, at.minute, at.second, at.microsecond // 100_000)) + b"+\0\0"


class _Outbox(AbstractTransportDispatcher):  # type: ignore[misc]  # pysnmp has no types
    """Stands where pysnmp expects its network, and keeps what it sends."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.receive: Any = None

    def register_recv_callback(self, recv_callback: Any, _recv_id: Any = None) -> None:
        self.receive = recv_callback

    def send_message(self, message: Any, _domain: Any, _address: Any) -> None:
        self.sent.append(bytes(message))


class SecureSender:
    """A device that sends SNMPv3 traps as `user`, being its own authority under `engine_id` (5 to 32 octets)."""

    def __init__(self, user: SnmpUser, engine_id: bytes) -> None:
        self.user = user
        self.engine = engine.SnmpEngine(rfc1902.OctetString(engine_id))
        self.outbox = _Outbox()
        self.engine.register_transport_dispatcher(self.outbox)
        config.add_v3_user(self.engine, user.name, AUTH[user.auth], user.auth_key or None, PRIV[user.priv], user.priv_key or None)

    def trap(self, trap_oid: str, bindings: Sequence[Binding], uptime_ticks: int, agent: str | None = None) -> bytes:
        return self._sent(_pdu(trap_oid, bindings, uptime_ticks, agent, None), awaits_answer=False)

    def inform(self, trap_oid: str, bindings: Sequence[Binding], uptime_ticks: int, inform_id: int) -> bytes:
        """The first one to a receiver only asks who it is; when its answer was `hear`d, the same inform goes out in earnest."""
        return self._sent(_pdu(trap_oid, bindings, uptime_ticks, None, inform_id), awaits_answer=True)

    def hear(self, answer: bytes) -> None:
        self.outbox.receive(self.outbox, DOMAIN, RECEIVER, answer)

    def _sent(self, pdu: Any, *, awaits_answer: bool) -> bytes:
        name, level = rfc1902.OctetString(self.user.name), self.user.level
        self.engine.message_dispatcher.send_pdu(
            self.engine, DOMAIN, RECEIVER, 3, 3, name, level, b"", b"", 1, pdu, awaits_answer, cbFun=lambda *_: None
        )
        return self.outbox.sent.pop()
