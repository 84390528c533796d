"""Datagrams to notifications. No BER of our own: cryptography's ASN.1 for well-formed messages, pyasn1 for whatever else is legal.

cryptography reads DER, which nearly every agent writes, in 24 µs a trap; pyasn1 reads all of BER (long-form lengths, SNMPv1) in 730 µs.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Annotated, Any, Final, Literal

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier
from pyasn1.codec.ber import decoder, encoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import univ
from pysnmp.proto import api, rfc1902
from pysnmp.proto.api import v1, v2c
from pysnmp.proto.proxy import rfc2576

from api.inbound.snmp.notification import Notification, NotUnderstood, Value, notification_of

# pyasn1 takes up to half a second for 64 KB of small variables, and everybody would wait; no honest agent sends a tenth of that.
LONGEST_SLOW: Final = 8192

VERSION_1: Final = 0
VERSION_2C: Final = 1
VERSION_3: Final = 3

# Tags of RFC 2578 as single octets; they all are.
IP_ADDRESS: Final = b"\x40"
OCTETS: Final = frozenset({b"\x04", b"\x44"})
INTEGER: Final = b"\x02"
UNSIGNED: Final = frozenset({b"\x41", b"\x42", b"\x43", b"\x46", b"\x47"})
OBJECT_IDENTIFIER: Final = b"\x06"


@asn1.sequence
class _Binding:
    name: ObjectIdentifier
    value: asn1.TLV


@asn1.sequence
class _Pdu:
    request_id: asn1.TLV
    error_status: asn1.TLV
    error_index: asn1.TLV
    bindings: list[_Binding]


@asn1.sequence
class _Message:
    version: int
    community: bytes
    pdu: (
        Annotated[asn1.Variant[_Pdu, Literal["trap"]], asn1.Implicit(7)]
        | Annotated[asn1.Variant[_Pdu, Literal["inform"]], asn1.Implicit(6)]
        | Annotated[asn1.Variant[_Pdu, Literal["response"]], asn1.Implicit(2)]
    )


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of SNMPv1 or v2c: who may send it, what it says, and the answer it wants (informs only)."""

    community: bytes
    notification: Notification
    answer: bytes | None


def decode(datagram: bytes) -> Heard:
    """Reads a v1 or v2c notification. Raises NotUnderstood, saying why."""
    try:
        message = asn1.decode_der(_Message, datagram)
    except (ValueError, OverflowError):
        return _decode_slowly(datagram)
    if message.version != VERSION_2C or message.pdu.tag == "response":
        return _decode_slowly(datagram)
    try:
        bindings = tuple((each.name.dotted_string, _value(each.value)) for each in message.pdu.value.bindings)
    except ValueError:
        return _decode_slowly(datagram)
    answer = _answer(message) if message.pdu.tag == "inform" else None
    return Heard(message.community, notification_of(bindings), answer)


def _value(tlv: asn1.TLV) -> Value:
    tag, content = bytes(tlv.tag_bytes), bytes(tlv.data)
    if tag in OCTETS:
        return content
    if tag == INTEGER:
        return int.from_bytes(content, "big", signed=True)
    if tag in UNSIGNED:
        return int.from_bytes(content, "big")
    if tag == OBJECT_IDENTIFIER:
        return _object_identifier(tlv, content)
    if tag == IP_ADDRESS and len(content) == 4:
        return str(IPv4Address(content))
    return content


def _object_identifier(tlv: asn1.TLV, content: bytes) -> str:
    # zeroDotZero, which agents send for "none", is the one identifier that the Rust side refuses.
    return "0.0" if content == b"\x00" else tlv.parse(ObjectIdentifier).dotted_string


def _answer(inform: _Message) -> bytes:
    return asn1.encode_der(_Message(version=inform.version, community=inform.community, pdu=asn1.Variant(inform.pdu.value, "response")))


def version_of(datagram: bytes) -> int:
    """0 for SNMPv1, 1 for v2c, 3 for v3. Raises NotUnderstood where it is not even the start of an SNMP message."""
    try:
        return int(api.decodeMessageVersion(datagram))
    except Exception as error:
        # pyasn1 answers malformed input with whatever its innards raise, TypeError and AttributeError included.
        raise NotUnderstood("not an SNMP message: malformed BER") from error


def _decode_slowly(datagram: bytes) -> Heard:
    if len(datagram) > LONGEST_SLOW:
        raise NotUnderstood(f"{len(datagram)} octets of malformed or oversized BER")
    version = version_of(datagram)
    try:
        if version == VERSION_2C:
            return _decode_v2c(datagram)
        if version == VERSION_1:
            return _decode_v1(datagram)
    except NotUnderstood:
        raise
    except Exception as error:
        raise NotUnderstood(f"malformed BER: {type(error).__name__}") from error
    raise NotUnderstood(f"SNMP message version {version} is not one of v1, v2c, v3")


def _decode_v2c(datagram: bytes) -> Heard:
    message, _ = decoder.decode(datagram, asn1Spec=v2c.Message())
    pdu = v2c.apiMessage.get_pdu(message)
    community = bytes(v2c.apiMessage.get_community(message))
    if pdu.tagSet == v2c.InformRequestPDU.tagSet:
        return Heard(community, _notification(pdu), encoder.encode(v2c.apiMessage.get_response(message)))
    if pdu.tagSet == v2c.SNMPv2TrapPDU.tagSet:
        return Heard(community, _notification(pdu), None)
    raise NotUnderstood(f"an SNMP {type(pdu).__name__}, not a trap or an inform")


def _decode_v1(datagram: bytes) -> Heard:
    message, _ = decoder.decode(datagram, asn1Spec=v1.Message())
    pdu = v1.apiMessage.get_pdu(message)
    community = bytes(v1.apiMessage.get_community(message))
    if pdu.tagSet != v1.TrapPDU.tagSet:
        raise NotUnderstood(f"an SNMPv1 {type(pdu).__name__}, not a trap")
    return Heard(community, _notification(rfc2576.v1_to_v2(pdu, snmpTrapCommunity=community)), None)


def _notification(pdu: Any) -> Notification:
    return notification_of(plain_bindings(v2c.apiPDU.get_varbinds(pdu)))


def plain_bindings(varbinds: Any) -> tuple[tuple[str, Value], ...]:
    """pysnmp's bindings as plain names and values."""
    return tuple((str(name), _plain(value)) for name, value in varbinds)


def _plain(value: Any) -> Value:
    if isinstance(value, rfc1902.IpAddress):
        return str(IPv4Address(bytes(value)))
    if isinstance(value, univ.OctetString):
        return bytes(value)
    if isinstance(value, univ.ObjectIdentifier):
        return str(value)
    try:
        return int(value)
    except (TypeError, ValueError, PyAsn1Error):
        return b""
