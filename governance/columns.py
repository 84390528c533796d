"""Reads the matrix's YAML strictly, with line numbers: no anchors, no tags, no guessing what a word might have meant."""

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Final, TypeVar

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from atlas.errors import AtlasError
from atlas.money import Money
from governance.rows import QuietHours

T = TypeVar("T")
Reader = Callable[[Node], T]

LARGEST_FILE: Final = 256 * 1024
DEEPEST: Final = 8
UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class MatrixRefused(AtlasError):
    """The escalation matrix cannot be used: which line (the first is 1), what is wrong there, and what to do."""

    def __init__(self, line: int, wrong: str, remedy: str) -> None:
        super().__init__(f"matrix line {line}: {wrong}; {remedy}")
        self.line = line
        self.wrong = wrong
        self.remedy = remedy


def document(text: str) -> Node:
    """The one document in the text, its structure checked before anything is made of it."""
    if len(text) > LARGEST_FILE:
        raise MatrixRefused(1, f"the file has {len(text)} characters", f"keep it under {LARGEST_FILE}")
    try:
        _check_events(yaml.parse(text, Loader=yaml.SafeLoader))
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise MatrixRefused(mark.line + 1 if mark else 1, f"not YAML: {error.problem}", "correct the line") from error
    except yaml.YAMLError as error:
        raise MatrixRefused(_line_of_bad_character(text), "a character that no text holds", "take it out") from error
    if node is None:
        raise MatrixRefused(1, "the file is empty", "start from the matrix that ships")
    return node


def _check_events(events: Iterator[yaml.Event]) -> None:
    depth = documents = 0
    for event in events:
        line = event.start_mark.line + 1 if event.start_mark else 1
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if documents > 1:
            raise MatrixRefused(line, "a second document begins", "keep one matrix in one file, without '---'")
        if depth > DEEPEST:
            raise MatrixRefused(line, "brackets within brackets beyond any meaning", "write it as in the matrix that ships")
        # An anchor lets one line say what another means, which is what nobody reviewing a limit would see.
        if getattr(event, "anchor", None) is not None or getattr(event, "tag", None) is not None:
            raise MatrixRefused(line, "an anchor, alias or tag", "write the value out")


def _line_of_bad_character(text: str) -> int:
    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def line_of(node: Node) -> int:
    return int(node.start_mark.line) + 1


@dataclass(frozen=True)
class Fields:
    """One mapping of the file; every name in it is known and stands there once."""

    what: str
    line: int
    nodes: Mapping[str, Node]

    def need(self, name: str, reader: Reader[T]) -> T:
        if name not in self.nodes:
            raise MatrixRefused(self.line, f"this {self.what} has no {name}", f"add {name}")
        return reader(self.nodes[name])

    def read(self, name: str, reader: Reader[T], absent: T) -> T:
        return reader(self.nodes[name]) if name in self.nodes else absent


def fields_of(node: Node, what: str, known: Collection[str]) -> Fields:
    if not isinstance(node, MappingNode):
        raise MatrixRefused(line_of(node), f"here a {what} should stand", f"write 'name: value' pairs out of {_listed(known)}")
    nodes: dict[str, Node] = {}
    for name_node, value in node.value:
        name = scalar(name_node)
        if name not in known:
            raise MatrixRefused(line_of(name_node), f"a {what} has no field {name!r}", _nearest(name, known))
        if name in nodes:
            raise MatrixRefused(line_of(name_node), f"{name} stands twice in this {what}", "keep one of them")
        nodes[name] = value
    return Fields(what, line_of(node), nodes)


def entries_of(node: Node, what: str, key: Reader[T]) -> list[tuple[T, Node, Node]]:
    """The pairs of a mapping whose names are free, such as hard limits by action: name, its node, and the value's."""
    if not isinstance(node, MappingNode):
        raise MatrixRefused(line_of(node), f"here the {what} should stand, by name", "write 'name: value' pairs")
    return [(key(name), name, value) for name, value in node.value]


def elements(node: Node, what: str) -> list[Node]:
    if not isinstance(node, SequenceNode):
        raise MatrixRefused(line_of(node), f"here a list of {what} should stand", "begin each with '- '")
    return list(node.value)


def scalar(node: Node) -> str:
    if not isinstance(node, ScalarNode) or not node.value.strip():
        raise MatrixRefused(line_of(node), "here one value should stand", "write a single word or number")
    return str(node.value)


def matching(pattern: str, wanted: str, make: Callable[[str], T]) -> Reader[T]:
    """Reads text that matches the whole pattern (ASCII only)."""
    compiled = re.compile(pattern, re.ASCII)

    def read(node: Node) -> T:
        text = scalar(node)
        if compiled.fullmatch(text) is None:
            raise MatrixRefused(line_of(node), f"{text[:40]!r} is not {wanted}", f"write {wanted}")
        return make(text)

    return read


def word(meanings: Mapping[str, T]) -> Reader[T]:
    """Reads one of the given words as what it means."""

    def read(node: Node) -> T:
        text = scalar(node)
        if text not in meanings:
            raise MatrixRefused(line_of(node), f"{text[:40]!r} is not known here", _nearest(text, meanings))
        return meanings[text]

    return read


def several(one: Reader[T]) -> Reader[tuple[T, ...]]:
    """Reads one value or a list of different ones."""

    def read(node: Node) -> tuple[T, ...]:
        if not isinstance(node, SequenceNode):
            return (one(node),)
        values = tuple(one(element) for element in node.value)
        if not values:
            raise MatrixRefused(line_of(node), "an empty list", "name at least one, or leave the field out")
        if len(set(values)) < len(values):
            raise MatrixRefused(line_of(node), "the same stands twice in this list", "name each once")
        return values

    return read


def _duration(text: str) -> timedelta:
    return int(text[:-1]) * UNITS[text[-1]]


def _quiet_hours(text: str) -> QuietHours:
    starts, ends = (time.fromisoformat(part) for part in text.split("-"))
    return QuietHours(starts, ends)


def money(node: Node) -> Money:
    """As the operator writes amounts: with all decimals of the house's currency, and two at least, so that 250 is never 2.50."""
    try:
        return _money(node)
    except ValueError as error:
        raise MatrixRefused(line_of(node), str(error), "write an amount that this currency has") from error


_money: Final = matching(r"(0|[1-9][0-9]{0,9})\.[0-9]{2,3}", "an amount with two decimals and no separators, such as 250.00", Money)
whole: Final = matching(r"0|[1-9][0-9]{0,8}", "a whole number, such as 500", int)
fraction: Final = matching(r"0(\.[0-9]{1,4})?|1(\.0{1,4})?", "a number from 0 to 1, such as 0.8", float)
duration: Final = matching(r"[1-9][0-9]{0,3}[mhd]", "a time such as 30m, 4h or 2d", _duration)
action_name: Final = matching(r"[a-z][a-z0-9_]{1,59}", "an action's name, such as issue_credits", str)
rule_name: Final = matching(r"[a-z][a-z0-9-]{1,59}", "a rule's name, such as credits-small", str)
sentence: Final = matching(r"[^\x00-\x1f\x7f]{3,200}", "a sentence of one line, at most 200 characters", str)
yes_or_no: Final = word({"yes": True, "no": False})
quiet_hours: Final = matching(
    r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]", "a stretch of the day such as 21:00-08:00", _quiet_hours
)


def _nearest(text: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(text, known, n=1)
    return f"did you mean {near[0]}?" if near else f"use one of {_listed(known)}"


def _listed(known: Collection[str]) -> str:
    return ", ".join(known)
