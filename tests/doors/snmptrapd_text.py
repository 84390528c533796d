"""A trap as snmptrapd prints it, back to the octets that the agent sent."""

import re
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from ipaddress import IPv4Address
from typing import Any, Final

from pysnmp.proto import rfc1902

from evals.trap_encoding import Binding, date_and_time_octets, encode_trap

# Names whose OID no rule needs get one of their own under the arc for examples, so that they are there and mean nothing.
UNKNOWN: Final = "1.3.6.1.4.1.32473.99"

LINE: Final = re.compile(r"(?P<name>[A-Z][\w-]*::[a-z]\w*)(?P<index>\S*)(?: = (?:\w+:)?| )?\s*(?P<value>.*)$")
UPTIME: Final = re.compile(r"(?:(\d+):)?(\d+):(\d+):(\d+\.\d+)$")
DATE: Final = re.compile(r"(\d+)-(\d+)-(\d+),(\d+):(\d+):(\d+)\.(\d+),([+-])(\d+):(\d+)$")

# What the MIBs number; snmptrapd prints the word.
ENUMERATIONS: Final = {
    "IF-MIB::ifAdminStatus": "up down testing",
    "IF-MIB::ifOperStatus": "up down testing unknown dormant",
    "EES-POWER-MIB::alarmStatusChange": "activated deactivated",
    "EES-POWER-MIB::alarmSeverity": "unknown normal warning minor major critical",
    "CIENA-CES-AAA-MIB::cienaCesAAAUserAuthenticationStatus": "success failure",
    "CIENA-CES-AAA-MIB::cienaCesAAAUserAuthenticationServiceType": "local tacacs radius",
    "CIENA-GLOBAL-MIB::cienaGlobalSeverity": "cleared critical major minor warning info",
    "CIENA-CES-PORT-MIB::cienaCesLogicalPortConfigPortAdminState": "disable enabled",
    "CIENA-CES-PORT-MIB::cienaCesLogicalPortConfigPortOperState": "disable enabled",
    "CISCO-SYSLOG-MIB::clogHistSeverity": "emergency alert critical error warning notice info debug",
    "HP-ICF-FAULT-FINDER-MIB::hpicfFfLogFaultType": "badDriver badXcvr badCable tooLongCable overBandwidth bcastStorm",
    "HP-ICF-FAULT-FINDER-MIB::hpicfFfLogAction": "none warn warnAndDisable",
    "HP-ICF-FAULT-FINDER-MIB::hpicfFfLogSeverity": "informational medium critical",
    "TRIPPLITE-PRODUCTS::tlpAlarmType": "critical warning info status offline",
    "TRIPPLITE-PRODUCTS::tlpAlarmState": "inactive active",
}


def datagram_of(printed: str, oids: Mapping[str, str]) -> bytes:
    """The v2c trap whose print-out this is, every value with the type its MIB gives it."""
    lines = [found for line in printed.split("\n")[2:] if (found := LINE.match(line.strip()))]
    trap = next(line["value"] for line in lines if line["name"] == "SNMPv2-MIB::snmpTrapOID")
    ticks = next((_ticks(line["value"]) for line in lines if line["name"].endswith(("sysUpTime", "sysUpTimeInstance"))), 0)
    bindings = [_binding(line, oids) for line in lines if not line["name"].endswith(("sysUpTime", "sysUpTimeInstance", "snmpTrapOID"))]
    return encode_trap(_oid(trap, oids), bindings, ticks)


def _binding(line: re.Match[str], oids: Mapping[str, str]) -> Binding:
    index = re.sub(r"[^\d.]", "", line["index"]).strip(".") or "0"
    return f"{_oid(line['name'], oids)}.{index}", _value(line["name"], line["value"], oids)


def _oid(name: str, oids: Mapping[str, str]) -> str:
    if name == "UPS-MIB::upsTraps.0.1":
        return "1.3.6.1.2.1.33.2.0.1"
    column, _, index = name.partition(".")
    base = oids.get(column) or f"{UNKNOWN}.{zlib.crc32(column.encode())}"
    return f"{base}.{index}" if index else base


def _value(name: str, text: str, oids: Mapping[str, str]) -> Any:
    if name in ENUMERATIONS:
        return 1 + ENUMERATIONS[name].split().index(text)
    if text.startswith(('"', '\\"')):
        return text.strip('\\"')
    if re.fullmatch(r"[A-Z][\w-]*::[a-z][\w.]*", text):
        return rfc1902.ObjectIdentifier(_oid(text, oids))
    return _number(text) if text[:1].isdigit() or "Timeticks" in text or "INTEGER" in text else text


def _number(text: str) -> Any:
    enumerated = re.search(r"\((\d+)\)", text)
    if enumerated:
        return int(enumerated[1])
    if re.fullmatch(r"\d+( minutes| seconds| [A-Z]+-.*)?", text):
        return int(text.split()[0])
    if re.fullmatch(r"\d+\.\d+\.\d+\.\d+", text):
        return IPv4Address(text)
    if DATE.match(text):
        return _date(text)
    return rfc1902.TimeTicks(_ticks(text)) if UPTIME.match(text) else text


def _ticks(text: str) -> int:
    printed = re.search(r"\((\d+)\)", text)
    if printed:
        return int(printed[1])
    found = UPTIME.search(text.replace(" days, ", ":"))
    if not found:
        return 0
    days, hours, minutes, seconds = found.groups()
    return round(timedelta(days=int(days or 0), hours=int(hours), minutes=int(minutes), seconds=float(seconds)).total_seconds() * 100)


def _date(text: str) -> bytes:
    found = DATE.match(text)
    assert found is not None
    year, month, day, hour, minute, second, tenth = (int(part) for part in found.groups()[:7])
    offset = timedelta(hours=int(found[9]), minutes=int(found[10]))
    zone = timezone(-offset if found[8] == "-" else offset)
    return date_and_time_octets(datetime(year, month, day, hour, minute, second, tenth * 100_000, zone))
