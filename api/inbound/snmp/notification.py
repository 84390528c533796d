"""One trap or inform as it was heard, before anybody says what it means."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

SYS_UP_TIME: Final = "1.3.6.1.2.1.1.3.0"
SNMP_TRAP_OID: Final = "1.3.6.1.6.3.1.1.4.1.0"
SNMP_TRAP_ENTERPRISE: Final = "1.3.6.1.6.3.1.1.4.3.0"
SNMP_TRAP_ADDRESS: Final = "1.3.6.1.6.3.18.1.3.0"
SNMP_TRAP_COMMUNITY: Final = "1.3.6.1.6.3.18.1.4.0"
# Said of the trap itself (RFC 3416, RFC 3584), not of what it reports.
BOOKKEEPING: Final = frozenset({SYS_UP_TIME, SNMP_TRAP_OID, SNMP_TRAP_ENTERPRISE, SNMP_TRAP_ADDRESS, SNMP_TRAP_COMMUNITY})

# Octets stay octets; object identifiers and addresses are dotted text.
Value = int | bytes | str


class NotUnderstood(ValueError):
    """A datagram that is no SNMP notification we can read; the text says why, for the quarantine."""


@dataclass(frozen=True, slots=True)
class Notification:
    """A trap or inform: which, when by the sender's own uptime, and its variable bindings in order."""

    trap_oid: str
    uptime: timedelta | None
    bindings: tuple[tuple[str, Value], ...]

    def binding(self, column: str) -> tuple[str, Value] | None:
        """The first binding of `column`, any instance: (index as dotted text, value)."""
        prefix = column + "."
        for name, value in self.bindings:
            if name.startswith(prefix):
                return name[len(prefix) :], value
            if name == column:
                return "", value
        return None

    def trap_address(self) -> str | None:
        """Whom a relay speaks for (RFC 3584)."""
        found = self.binding(SNMP_TRAP_ADDRESS)
        return found[1] if found and isinstance(found[1], str) else None


def notification_of(bindings: tuple[tuple[str, Value], ...]) -> Notification:
    """Sorts out sysUpTime and snmpTrapOID, wherever a careless sender put them. Raises NotUnderstood where there is no trap OID."""
    values = dict(reversed(bindings))
    trap_oid = values.get(SNMP_TRAP_OID)
    if not isinstance(trap_oid, str):
        raise NotUnderstood("no snmpTrapOID among its variables")
    ticks = values.get(SYS_UP_TIME)
    uptime = timedelta(milliseconds=10 * ticks) if isinstance(ticks, int) else None
    return Notification(trap_oid, uptime, bindings)


def date_and_time(octets: Value) -> datetime | None:
    """An SNMPv2-TC DateAndTime (8 or 11 octets); without a zone it is taken as UTC. None where it is none."""
    if not isinstance(octets, bytes) or len(octets) not in (8, 11):
        return None
    year, (month, day, hour, minute, second, tenth) = int.from_bytes(octets[:2], "big"), octets[2:8]
    zone = UTC
    try:
        if len(octets) == 11:
            offset = timedelta(hours=octets[9], minutes=octets[10])
            zone = timezone(-offset if octets[8:9] == b"-" else offset)
        # A leap second is written 60.
        return datetime(year, month, day, hour, minute, min(second, 59), tenth * 100_000, zone)
    except ValueError:
        return None


def is_binary(octets: bytes) -> bool:
    """Octets that nobody meant to be read: a MAC address, a DateAndTime. Text may end in NULs."""
    return any(octet < 0x09 or 0x0D < octet < 0x20 for octet in octets.rstrip(b"\x00"))
