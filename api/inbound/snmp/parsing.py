"""Datagrams to alarm events: SNMPv1, v2c and v3, each as the table of meanings reads it."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from api.inbound.reading import Reading, set_aside
from api.inbound.snmp import heuristics
from api.inbound.snmp.decoding import VERSION_3, Heard, decode, version_of
from api.inbound.snmp.meanings import Meaning, Meanings, shipped_meanings, written
from api.inbound.snmp.notification import Notification, NotUnderstood, date_and_time
from api.inbound.snmp.usm import Report, UserSecurity
from api.inbound.sources import LONGEST_NAME, SenderClocks, TrustedForwarders, plain_address, readable
from api.inbound.syslog.meanings import BY_LEVEL, Rule, said, shipped_rules
from atlas.nms.records import AlarmEvent, Door, ProbableCause, Severity
from atlas.nms.rules import alarm_type_of, believable_event_time, severity_of

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# sysUpTime counts hundredths of a second; what happens within one keeps the order it arrived in.
UPTIME_TICK: Final = timedelta(milliseconds=10)
# DateAndTime has no more.
TENTH: Final = timedelta(milliseconds=100)
# SyslogSeverity of CISCO-SYSLOG-MIB is syslog's level plus one.
CISCO_LEVELS: Final = {str(level + 1): level for level in range(8)}


@dataclass(frozen=True, slots=True)
class Traps:
    """What reading traps needs to know: the tables, who may speak for others, which communities and users are ours, everybody's clock.

    No communities: any is taken. Senders of v3 need `users`.
    """

    meanings: Meanings = field(default_factory=shipped_meanings)
    syslog_rules: tuple[Rule, ...] = field(default_factory=shipped_rules)
    forwarders: TrustedForwarders = field(default_factory=TrustedForwarders.of)
    communities: Collection[bytes] = frozenset()
    users: UserSecurity | None = None
    wall_clocks: SenderClocks = field(default_factory=lambda: SenderClocks(resolution=TENTH))
    uptimes: SenderClocks = field(default_factory=lambda: SenderClocks(resolution=UPTIME_TICK))


def parse_trap(raw: bytes, source: str, received_at: datetime, traps: Traps) -> Reading:
    """One datagram from `source` (its address). What cannot be read, or may not be believed, is set aside whole with the reason."""
    source = plain_address(source)
    try:
        heard = _heard(raw, source, traps)
    except NotUnderstood as problem:
        return set_aside(Door.SNMP, source, received_at, str(problem), raw)
    if isinstance(heard, Report):
        return Reading(answer=heard.answer)
    event = alarm_event(heard.notification, source, received_at, traps)
    return Reading((event,) if event else (), answer=heard.answer)


def _heard(raw: bytes, source: str, traps: Traps) -> Heard | Report:
    # The version is the first thing in the message; only v3 starts another way.
    if raw[:1] == b"\x30" and b"\x02\x01\x03" in raw[:8] and version_of(raw) == VERSION_3:
        if traps.users is None:
            raise NotUnderstood("SNMPv3, and no user is configured")
        return traps.users.opened(raw, source)
    heard = decode(raw)
    if traps.communities and heard.community not in traps.communities:
        raise NotUnderstood("community is not one of ours")
    return heard


def alarm_event(notification: Notification, source: str, received_at: datetime, traps: Traps) -> AlarmEvent | None:
    """What a notification means as an alarm event; None where it reports no fault."""
    device = _device(notification, source, traps.forwarders)
    meaning = traps.meanings.of(notification.trap_oid)
    event = _guessed(notification, device, received_at) if meaning is None else _known(meaning, notification, device, received_at, traps)
    return event and replace(event, event_at=_event_time(meaning, notification, device, received_at, traps))


def _device(notification: Notification, source: str, forwarders: TrustedForwarders) -> str:
    """The address that a trusted relay speaks for (RFC 3584), else the sender's own."""
    spoken_for = notification.trap_address()
    return spoken_for if spoken_for and spoken_for != "0.0.0.0" and forwarders.trust(source) else source  # noqa: S104 - agents send it for "none"


def _known(meaning: Meaning, notification: Notification, device: str, received_at: datetime, traps: Traps) -> AlarmEvent | None:
    if meaning.syslog:
        return _carried_line(meaning, notification, device, received_at, traps.syslog_rules)
    severity = meaning.severity(notification)
    if severity is None:
        return None
    cause = meaning.cause(notification)
    return AlarmEvent(
        device=device,
        managed_object=meaning.managed_object(notification),
        probable_cause=cause,
        severity=severity,
        alarm_type=alarm_type_of(cause),
        text=meaning.text(notification),
        received_at=received_at,
        door=Door.SNMP,
        specific_problem=_value(notification, meaning.problem) or meaning.name,
        sender_reference=_value(notification, meaning.reference),
    )


def _value(notification: Notification, column: str | None) -> str:
    found = notification.binding(column) if column else None
    return readable(written(found[1]), LONGEST_NAME) if found else ""


def _carried_line(
    meaning: Meaning, notification: Notification, device: str, received_at: datetime, rules: tuple[Rule, ...]
) -> AlarmEvent | None:
    """A syslog message inside a trap means what it means as a line, so that both ways give one alarm."""
    part = {name: _value(notification, column) for name, column in meaning.syslog.items()}
    level = CISCO_LEVELS.get(part["severity"], BY_LEVEL.index(severity_of(part["severity"]) or Severity.WARNING))
    mnemonic = f"{part['facility']}-{level}-{part['name']}"
    words = f"%{mnemonic}: {part['text']}"
    told = said(rules, words, level, mnemonic)
    if told.severity is None:
        return None
    return AlarmEvent(
        device,
        told.managed_object,
        told.cause,
        told.severity,
        alarm_type_of(told.cause),
        readable(words),
        received_at,
        Door.SNMP,
        None,
        mnemonic,
    )


def _guessed(notification: Notification, device: str, received_at: datetime) -> AlarmEvent:
    """An alarm all the same: its own words say how bad; its OID is the object, so that it stays apart from other unknown ones."""
    texts = heuristics.texts_of(notification)
    cause = heuristics.guessed_cause(texts)
    return AlarmEvent(
        device=device,
        managed_object=f"trap {notification.trap_oid}"[:LONGEST_NAME] if cause is ProbableCause.INDETERMINATE else "",
        probable_cause=cause,
        severity=heuristics.guessed_severity(texts),
        alarm_type=alarm_type_of(cause),
        text=readable("; ".join(texts) or f"unknown trap {notification.trap_oid}"),
        received_at=received_at,
        door=Door.SNMP,
        specific_problem=notification.trap_oid[:LONGEST_NAME],
    )


def _event_time(meaning: Meaning | None, notification: Notification, device: str, received_at: datetime, traps: Traps) -> datetime | None:
    """The sender's own time by our clock: from its DateAndTime where it is believable, else from its uptime; None: it said nothing."""
    found = notification.binding(meaning.time) if meaning and meaning.time else None
    claimed = date_and_time(found[1]) if found else None
    if claimed and believable_event_time(claimed, received_at):
        return traps.wall_clocks.happened_at(device, claimed, received_at)
    if notification.uptime is not None:
        return traps.uptimes.happened_at(device, EPOCH + notification.uptime, received_at)
    return None
