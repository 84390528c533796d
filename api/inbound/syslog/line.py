"""One syslog line, RFC 5424 or any of the shapes that routers send as RFC 3164, taken apart."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from api.inbound.sources import LONGEST_NAME, readable

LEVELS: Final = ("emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug")
MONTHS: Final = {
    name: number for number, name in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1)
}

PRIORITY: Final = re.compile(r"<(\d{1,3})>")
RFC_5424: Final = re.compile(
    r"1 (?P<time>\S+) (?P<host>\S+) (?P<app>\S+) (?P<process>\S+) (?P<id>\S+) (?P<data>-|(?:\[(?:[^\]\\]|\\.)*\])+)(?: (?P<message>.*))?$",
    re.DOTALL,
)
# Cisco puts a counter and its name before the time and marks a clock that is not synchronised with * or a dot.
RFC_3164: Final = re.compile(
    r"(?:\d+: )?(?:(?P<before>[\w.:-]+): )?[*.]?(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) (?:(?P<year>\d{4}) )?"
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,6}))?(?: [A-Z]{3,5})?:? +(?P<rest>.*)$",
    re.DOTALL,
)
HOST: Final = re.compile(r"(?P<host>[\w.:-]{1,255}) +(?P<rest>.*)$", re.DOTALL)
# A Juniper with two routing engines says which one speaks; the device is the same.
ROUTING_ENGINE: Final = re.compile(r"^re[01]\.")


class NotSyslog(ValueError):
    """A line without a priority: nothing says what it is or how bad."""


@dataclass(frozen=True, slots=True)
class SyslogLine:
    """What a line says: how bad (0 emergency to 7 debug), from whom, when by its own clock, and the words.

    `host` and `at` are None where the line has none; `at` without a year or a zone is the one nearest to its arrival, read as UTC.
    """

    facility: int
    level: int
    host: str | None
    at: datetime | None
    is_whole_seconds: bool
    app: str
    message: str


def syslog_line(raw: bytes, received_at: datetime) -> SyslogLine:
    """Takes a line apart. Raises NotSyslog where it has no valid priority; everything else is optional, as in real life."""
    text = readable(raw, longest=8192)
    priority = PRIORITY.match(text)
    if priority is None or int(priority[1]) > 191:
        raise NotSyslog("no syslog priority at its start")
    facility, level = divmod(int(priority[1]), 8)
    rest = text[priority.end() :]
    return _modern(rest, facility, level) or _traditional(rest, facility, level, received_at)


def _modern(text: str, facility: int, level: int) -> SyslogLine | None:
    found = RFC_5424.match(text)
    if found is None:
        return None
    at = _timestamp(found["time"])
    app = " ".join(part for part in (found["app"], found["id"]) if part != "-")
    message = (found["message"] or "").lstrip("\ufeff")
    words = f"{found['id']}: {message}" if found["id"] != "-" else message
    return SyslogLine(facility, level, _host(found["host"]), at, bool(at and at.microsecond == 0), app, words.strip())


def _timestamp(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _traditional(text: str, facility: int, level: int, received_at: datetime) -> SyslogLine:
    found = RFC_3164.match(text)
    if found is None:
        named = HOST.match(text)
        host, message = (named["host"], named["rest"]) if named else (None, text)
        return SyslogLine(facility, level, _host(host) if host and not host.endswith(":") else None, None, True, "", message.strip())
    at = _nearest(found, received_at)
    host, message = found["before"], found["rest"]
    named = None if host else HOST.match(message)
    if named and not named["host"].endswith(":"):
        host, message = named["host"], named["rest"]
    return SyslogLine(facility, level, _host(host), at, found["fraction"] is None, _tag(message), message.strip())


def _host(name: str | None) -> str | None:
    return None if name in (None, "-", "") else ROUTING_ENGINE.sub("", name)[:LONGEST_NAME] if name else None


def _tag(message: str) -> str:
    """The program or the mnemonic: `%LINK-3-UPDOWN`, `mib2d`, `sshd`."""
    mnemonic = re.search(r"%([A-Z0-9_]+-(?:[A-Z0-9_]+-)?\d-[A-Z0-9_]+)", message)
    if mnemonic:
        return mnemonic[1]
    tag = re.match(r"([\w./-]+)(?:\[\d+\])?:", message)
    return tag[1] if tag else ""


def _nearest(found: re.Match[str], received_at: datetime) -> datetime | None:
    """The time of year nearest to its arrival: a line of December that arrives in January is last year's."""
    year = int(found["year"]) if found["year"] else received_at.year
    try:
        at = datetime(
            year,
            MONTHS[found["month"]],
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            min(int(found["second"]), 59),
            int((found["fraction"] or "0").ljust(6, "0")),
            UTC,
        )
        if found["year"] or abs(at - received_at) < timedelta(days=183):
            return at
        return at.replace(year=year - 1 if at > received_at else year + 1)
    except (KeyError, ValueError):
        return None
