"""What a line means, by the table `api/inbound/syslog_meanings.yaml`, and as alarm events."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from api.inbound.causes import cause_named
from api.inbound.sources import LONGEST_NAME, readable
from api.inbound.syslog.line import SyslogLine
from atlas.errors import InvalidField
from atlas.nms.records import AlarmEvent, Door, ProbableCause, Severity
from atlas.nms.rules import alarm_type_of, severity_of

TABLE: Final = Path(__file__).parents[1] / "syslog_meanings.yaml"
NO_ALARM: Final = "none"
WARNING: Final = 4

# RFC 5674 maps X.733 onto syslog's levels; this is its way back. Below warning a line that no rule knows is no alarm.
BY_LEVEL: Final = (Severity.CRITICAL, Severity.CRITICAL, Severity.MAJOR, Severity.MINOR, Severity.WARNING)


class TableMalformed(InvalidField):
    """The table of syslog meanings says something that cannot be; nothing starts with it."""


@dataclass(frozen=True, slots=True)
class Rule:
    pattern: re.Pattern[str]
    cause: ProbableCause
    severities: Mapping[str, Severity | None]

    def severity(self, found: re.Match[str]) -> Severity | None:
        state = (found.groupdict().get("state") or "").lower()
        return self.severities.get(state, self.severities.get("otherwise"))


@dataclass(frozen=True, slots=True)
class Said:
    """What a line's words amount to; no severity: no alarm."""

    cause: ProbableCause
    severity: Severity | None
    managed_object: str


@cache
def shipped_rules() -> tuple[Rule, ...]:
    return rules_of(TABLE.read_text())


def rules_of(text: str) -> tuple[Rule, ...]:
    """Reads a table. Raises TableMalformed, naming the pattern, where a word is no severity or no cause."""
    return tuple(_rule(row) for row in yaml.safe_load(text))


def _rule(row: Mapping[str, Any]) -> Rule:
    cause = cause_named(row["cause"])
    if cause is None:
        raise TableMalformed(row["pattern"], f"{row['cause']} is no probable cause")
    words = row["severity"] if isinstance(row["severity"], dict) else {"otherwise": row["severity"]}
    return Rule(re.compile(row["pattern"]), cause, {str(state): _severity(word, row["pattern"]) for state, word in words.items()})


def _severity(word: str, pattern: str) -> Severity | None:
    severity = None if word == NO_ALARM else severity_of(word)
    if severity is None and word != NO_ALARM:
        raise TableMalformed(pattern, f"{word} is no severity")
    return severity


def said(rules: tuple[Rule, ...], words: str, level: int, app: str) -> Said:
    """What `words` mean: the first rule that finds its pattern, else their level alone, with the program or mnemonic as the object."""
    for rule in rules:
        found = rule.pattern.search(words)
        if found:
            return Said(rule.cause, rule.severity(found), readable(found.groupdict().get("object") or "", LONGEST_NAME))
    return Said(ProbableCause.INDETERMINATE, BY_LEVEL[level] if level <= WARNING else None, app[:LONGEST_NAME])


def alarm_of(line: SyslogLine, meaning: Said, device: str, received_at: datetime, event_at: datetime | None) -> AlarmEvent | None:
    """The alarm event of a line; None where it is no alarm."""
    if meaning.severity is None:
        return None
    return AlarmEvent(
        device=device,
        managed_object=meaning.managed_object,
        probable_cause=meaning.cause,
        severity=meaning.severity,
        alarm_type=alarm_type_of(meaning.cause),
        text=readable(line.message),
        received_at=received_at,
        door=Door.SYSLOG,
        event_at=event_at,
        specific_problem=line.app,
    )
