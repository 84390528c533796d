"""Pure: what a provider is told of people. Names, numbers and addresses are handles before a call, and themselves again after it."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from agents.untrusted import without_codes

# Fields that every agent's model may be told as they are: words of ours, of the plant and of what is sold.
EVERYBODY: Final = frozenset(
    {
        *(
            "action",
            "answer",
            "approver_roles",
            "area",
            "areas",
            "cause",
            "channel",
            "code",
            "device",
            "error",
            "kind",
            "label",
            "language",
        ),
        *(
            "model",
            "next_step",
            "offering",
            "operational_state",
            "plan",
            "purpose",
            "reference",
            "segment",
            "skill",
            "state",
            "suspended_for",
        ),
        *("technology", "vendor", "verdict_reason"),
    }
)
# What one agent's may be told besides; whatever is in neither list is a handle to it.
TOLD: Final[Mapping[str, frozenset[str]]] = {
    "catalogue": frozenset({"name", "lifecycle_status", "tax_category"}),
    "gis": frozenset({"name", "town"}),
    "crm": frozenset(),
    "oms": frozenset({"beside", "line_state", "loses", "name", "offering_status", "plan_after", "plan_before", "plan_code"}),
    "billing": frozenset({"formula"}),
    "nms": frozenset({"managed_object"}),
    "cmdb": frozenset({"name", "site", "cpe_model", "session_end_cause"}),
    "itsm": frozenset({"elements", "root", "proposed_by", "waits_for"}),
    "helpdesk": frozenset(),
    "field_service": frozenset(),
}
# Sentences, which a model must read to be of use: told with everybody who is known taken out of them.
SENTENCES: Final = frozenset(
    {
        *(
            "because",
            "detail",
            "failure",
            "findings",
            "instructions",
            "last_reason",
            "last_words",
            "note",
            "observation",
            "outcome",
            "promised",
            "reason",
        ),
        *("summary", "text", "title", "why", "why_it_waits", "words"),
    }
)
# Of an earlier answer of which only the words are left: who was in it.
OF_A_PERSON: Final = frozenset(
    {"given_name", "address", "contact", "customer", "cpe_serial", "street", "postcode", "number", "unit", "engineer"}
)
# By which field of an answer an argument is named, where the two are called differently.
NAMED_BY: Final = {"line": "subscriber_id", "order": "order_id", "visit": "job_id"}
# A word of fewer letters stands in too many others.
SHORTEST: Final = 3
HANDLE: Final = re.compile(r"\[\[([a-z_]+)-(\d+)\]\]")

# By their form, whoever's they are. An earlier one is taken before a later one can take a part of it.
FORMS: Final = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("email", r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+"),
        ("iban", r"\b[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,4})?\b"),
        ("mac", r"\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}\b"),
        ("ip", r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\b(?:[0-9a-f]{1,4}:){3,7}(?::?[0-9a-f]{1,4})?\b(?<!:\d\d)"),
        ("phone", r"(?<![\w.])(?:\+|00)[1-9](?:[\s().-]{0,2}\d){6,14}(?!\d)"),
        ("phone", r"(?<![\w.:+-])\(?0[1-9](?:[\s()-]{0,2}\d){7,10}(?![\d.:])"),
        ("card", r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-])"),
        ("digits", r"(?<![\w.,:/-])\d{6}(?![\w.,:/-]*\d)"),
    )
)


@dataclass(frozen=True)
class Known:
    """Something by which a person is known to us."""

    kind: str
    value: str


@dataclass
class Veil:
    """One turn's handles: the same thing has the same handle in every call. `has_known`: what Atlas knows was taken in."""

    has_known: bool = False
    _handles: dict[tuple[str, str], str] = field(default_factory=dict)
    _values: dict[str, Any] = field(default_factory=dict)
    _known: dict[str, Known] = field(default_factory=dict)
    _pattern: re.Pattern[str] | None = None

    def take_in(self, known: Iterable[Known]) -> None:
        """From now on these are recognised wherever they stand."""
        for one in known:
            if len(one.value.strip()) >= SHORTEST:
                self._known.setdefault(_folded(one.value), one)
        self._pattern = None

    def handle(self, kind: str, value: Any) -> str:
        """The handle of a value, minted where it has none yet."""
        of = (kind, str(value))
        if of not in self._handles:
            count = sum(1 for known, _ in self._handles if known == kind)
            self._handles[of] = f"[[{kind}-{count + 1}]]"
            self._values[self._handles[of]] = value
        return self._handles[of]

    def text(self, said: str) -> str:
        """Words as a provider may read them: codes gone for good, everybody known and everything personal by its form as handles."""
        said = without_codes(said)
        pattern = self._pattern_of_known()
        if pattern is not None:
            said = pattern.sub(self._of_known, said)
        for kind, form in FORMS:
            said = form.sub(lambda found, kind=kind: self.handle(kind, found.group()), said)  # type: ignore[misc]
        return said

    def answer(self, module: str, said: str, *, by_handle: bool) -> str:
        """A tool's answer (JSON) as a provider may read it. `by_handle`: whatever is numbered is named by a handle, as for customers."""
        try:
            found = json.loads(said)
        except ValueError:
            return self.text(said)
        told = EVERYBODY | TOLD.get(module, frozenset())
        self.take_in(Known(key, value) for key, value in _leaves(found) if key not in told | SENTENCES)
        return json.dumps(self._veiled("", found, told, by_handle), ensure_ascii=False)

    def remember(self, said: str) -> None:
        """Takes in who was in an earlier answer, of which now only words are told."""
        try:
            found = json.loads(said)
        except ValueError:
            return
        self.take_in(Known(key, value) for key, value in _leaves(found) if key in OF_A_PERSON or (key == "name" and _is_of_a_person(found)))

    def unveiled(self, said: str) -> str:
        """Words of a model with everything that a handle stands for in its place; a handle that was never minted stays as it is."""
        return HANDLE.sub(lambda found: str(self._values.get(found.group(), found.group())), said)

    def arguments(self, given: Mapping[str, Any], by_handle: frozenset[str]) -> dict[str, Any]:
        """A tool call's arguments as the tool takes them. Those `by_handle` are taken by the right kind of handle and by nothing else."""
        return {name: self._named(name, value) if name in by_handle else _each(self.unveiled, value) for name, value in given.items()}

    def given(self, arguments: Mapping[str, Any], by_handle: frozenset[str]) -> dict[str, Any]:
        """The other way: arguments of an earlier call as the provider gave them."""
        return {
            name: self.handle(NAMED_BY.get(name, name), value) if name in by_handle and isinstance(value, int) else _each(self.text, value)
            for name, value in arguments.items()
        }

    def _named(self, name: str, value: Any) -> Any:
        if value is None:
            return None
        found = HANDLE.fullmatch(str(value).strip())
        if found is None or found.group(1) != NAMED_BY.get(name, name) or found.group() not in self._values:
            # Text where a number belongs: the tool's strict arguments refuse it by name.
            return f"not a handle: {value}"
        return self._values[found.group()]

    def _veiled(self, key: str, value: Any, told: frozenset[str], by_handle: bool) -> Any:
        if isinstance(value, dict):
            return {name: self._veiled(name, inner, told, by_handle) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._veiled(key, inner, told, by_handle) for inner in value]
        if isinstance(value, str):
            if key in told or key in SENTENCES or not value or _is_a_measure(value):
                return self.text(value)
            return self.handle(key or "text", value)
        if by_handle and key.endswith("_id") and isinstance(value, int):
            return self.handle(key, value)
        return value

    def _pattern_of_known(self) -> re.Pattern[str] | None:
        if self._pattern is None and self._known:
            longest_first = sorted(self._known.values(), key=lambda one: -len(one.value))
            self._pattern = re.compile("|".join(map(_written, longest_first)), re.IGNORECASE)
        return self._pattern

    def _of_known(self, found: re.Match[str]) -> str:
        one = self._known.get(_folded(found.group()))
        return self.handle(one.kind if one else "phone", found.group() if one is None else one.value)


def _folded(value: str) -> str:
    return " ".join(value.casefold().split())


def _written(one: Known) -> str:
    """How people write it: a number with any separators, from the country or at home; words with any space between them."""
    digits = re.sub(r"\D", "", one.value)
    if re.fullmatch(r"\+\d{7,15}", one.value):
        return r"(?<![\w+])(?:(?:\+|00)?\d{1,3}[\s().-]*)?(?:\(?0\)?[\s.-]*)?" + r"[\s().-]*".join(digits[-9:]) + r"(?!\d)"
    return r"(?<!\w)" + r"\s+".join(map(re.escape, one.value.split())) + r"(?!\w)"


def _is_a_measure(value: str) -> bool:
    """An amount, a date, a moment or a span: pydantic writes them as text."""
    return re.fullmatch(r"-?\d+(\.\d+)?|\d{4}-\d{2}-\d{2}([T ][\d:.+Z-]+)?|\d{2}:\d{2}(:\d{2})?|-?P[\dTDHMSYW.]+", value) is not None


def _leaves(value: Any, key: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, key)
    elif isinstance(value, str) and key and not _is_a_measure(value):
        yield key, value


def _is_of_a_person(found: Any) -> bool:
    return '"customer_id"' in (text := json.dumps(found)) or '"given_name"' in text


def _each(how: Callable[[str], str], value: Any) -> Any:
    if isinstance(value, str):
        return how(value)
    if isinstance(value, dict):
        return {name: _each(how, inner) for name, inner in value.items()}
    return [_each(how, inner) for inner in value] if isinstance(value, list) else value
