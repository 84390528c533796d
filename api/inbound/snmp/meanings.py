"""What a notification means, by the table `api/inbound/trap_meanings.yaml`: rules over OIDs and values, none in code."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from api.inbound.causes import cause_named
from api.inbound.snmp.notification import Notification, Value, is_binary
from api.inbound.sources import LONGEST_NAME, readable
from atlas.errors import InvalidField
from atlas.nms.records import ProbableCause, Severity
from atlas.nms.rules import severity_of

TABLE: Final = Path(__file__).parents[1] / "trap_meanings.yaml"
# The table's word for a notification that reports no fault: counted, never an alarm.
NO_ALARM: Final = "none"


class TableMalformed(InvalidField):
    """The table of trap meanings says something that cannot be; nothing starts with it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Picks an answer by the value of one variable: by equality, by pattern, or (`own words`) the value itself. No column: always."""

    column: str | None
    answers: Mapping[str, str]
    patterns: tuple[tuple[re.Pattern[str], str], ...]
    otherwise: str | None

    def pick(self, notification: Notification) -> str | None:
        if self.column is None:
            return self.otherwise
        found = notification.binding(self.column)
        if found is None:
            return None
        text = written(found[1])
        if not self.answers and not self.patterns:
            return text
        answer = self.answers.get(text.lower())
        return answer or next((meaning for pattern, meaning in self.patterns if pattern.search(text)), self.otherwise)


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a managed object's name: a variable's value, or the index of its instance."""

    column: str
    label: str
    is_index: bool

    def named(self, notification: Notification) -> str | None:
        found = notification.binding(self.column)
        if found is None:
            return None
        index, value = found
        text = index if self.is_index else written(value)
        if not text:
            return None
        return f"{self.label} {text}" if self.is_index or isinstance(value, int) else text


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row of the table: how to read one kind of notification."""

    name: str
    causes: tuple[Choice, ...]
    severities: tuple[Choice, ...]
    objects: tuple[tuple[Part, ...], ...]
    texts: tuple[str, ...]
    time: str | None
    reference: str | None
    problem: str | None
    syslog: Mapping[str, str]

    def severity(self, notification: Notification) -> Severity | None:
        """None where the notification reports no fault."""
        word = _first_pick(self.severities, notification)
        if word == NO_ALARM:
            return None
        return (severity_of(word) if word else None) or Severity.INDETERMINATE

    def cause(self, notification: Notification) -> ProbableCause:
        return cause_named(_first_pick(self.causes, notification) or "") or ProbableCause.INDETERMINATE

    def managed_object(self, notification: Notification) -> str:
        for parts in self.objects:
            names = [part.named(notification) for part in parts]
            if all(names):
                return readable(" ".join(name for name in names if name), LONGEST_NAME)
        return ""

    def text(self, notification: Notification) -> str:
        found = (notification.binding(column) for column in self.texts)
        words = [written(binding[1]) for binding in found if binding]
        return readable(": ".join([self.name.partition("::")[2], *words]))


def _first_pick(choices: Iterable[Choice], notification: Notification) -> str | None:
    return next((word for choice in choices if (word := choice.pick(notification)) is not None), None)


def written(value: Value) -> str:
    """A value as people write it: text as text, octets that are no text in hexadecimal (a MAC address), numbers in decimal."""
    if isinstance(value, bytes):
        return value.hex(":") if is_binary(value) else readable(value.decode("utf-8", errors="replace").strip('\\" \x00'))
    return str(value)


@dataclass(frozen=True, slots=True)
class Meanings:
    """The table, read and checked: every name resolved to its OID."""

    oids: Mapping[str, str]
    by_trap: Mapping[str, Meaning]

    def of(self, trap_oid: str) -> Meaning | None:
        """The row for a trap; SNMPv1 agents and proxies put a zero before the last arc where SMIv2 has none, and the other way round."""
        return self.by_trap.get(trap_oid) or self.by_trap.get(_other_spelling(trap_oid))


def _other_spelling(trap_oid: str) -> str:
    enterprise, _, last = trap_oid.rpartition(".")
    return f"{enterprise[:-2]}.{last}" if enterprise.endswith(".0") else f"{enterprise}.0.{last}"


@cache
def shipped_meanings() -> Meanings:
    return meanings_of(TABLE.read_text())


def meanings_of(text: str) -> Meanings:
    """Reads a table. Raises TableMalformed, naming the row, where a name has no OID, a word is no severity or no cause."""
    document = yaml.safe_load(text)
    oids = {f"{module}::{name}": str(oid) for module, names in document["names"].items() for name, oid in names.items()}
    by_trap: dict[str, Meaning] = {}
    for row in document["meanings"]:
        for trap in _several(row["trap"]):
            oid = _resolved(oids, trap, trap)
            if oid in by_trap:
                raise TableMalformed(trap, "has two meanings")
            by_trap[oid] = _meaning(row, trap, oids)
    return Meanings(oids, by_trap)


def _meaning(row: Mapping[str, Any], trap: str, oids: Mapping[str, str]) -> Meaning:
    def column(name: str | None) -> str | None:
        return None if name is None else _resolved(oids, name, trap)

    return Meaning(
        name=trap,
        causes=_choices(row.get("cause", "indeterminate"), trap, oids),
        severities=_checked_severities(_choices(row["severity"], trap, oids), trap),
        objects=tuple(tuple(_part(name, trap, oids) for name in _several(parts)) for parts in _several(row.get("object", []))),
        texts=tuple(_resolved(oids, name, trap) for name in _several(row.get("text", []))),
        time=column(row.get("time")),
        reference=column(row.get("reference")),
        problem=column(row.get("problem")),
        syslog={key: _resolved(oids, name, trap) for key, name in row.get("syslog", {}).items()},
    )


def _several(one_or_more: Any) -> list[Any]:
    return one_or_more if isinstance(one_or_more, list) else [one_or_more]


def _resolved(oids: Mapping[str, str], name: str, trap: str) -> str:
    try:
        return oids[name]
    except KeyError:
        raise TableMalformed(trap, f"{name} is not among the names") from None


def _part(name: str, trap: str, oids: Mapping[str, str]) -> Part:
    column = name.removesuffix(".*")
    return Part(_resolved(oids, column, trap), column.partition("::")[2], is_index=column != name)


def _choices(rows: Any, trap: str, oids: Mapping[str, str]) -> tuple[Choice, ...]:
    return tuple(_choice(row, trap, oids) for row in _several(rows))


def _choice(row: Any, trap: str, oids: Mapping[str, str]) -> Choice:
    if isinstance(row, str):
        return Choice(None, {}, (), row)
    return Choice(
        _resolved(oids, row["of"], trap),
        {str(value).lower(): answer for value, answer in row.get("is", {}).items()},
        tuple((re.compile(pattern, re.IGNORECASE), answer) for pattern, answer in row.get("matches", {}).items()),
        row.get("otherwise"),
    )


def _checked_severities(choices: tuple[Choice, ...], trap: str) -> tuple[Choice, ...]:
    words = [
        word for choice in choices for word in (*choice.answers.values(), *(meaning for _, meaning in choice.patterns), choice.otherwise)
    ]
    for word in words:
        if word is not None and word != NO_ALARM and severity_of(word) is None:
            raise TableMalformed(trap, f"{word} is no severity")
    return choices
