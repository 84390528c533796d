"""Reads the escalation matrix that the operator edits, and refuses one that is malformed, leaves a gap or contradicts itself."""

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from yaml.nodes import Node

from atlas.money import decimals
from atlas.principal import Role
from governance import columns
from governance.columns import Fields, MatrixRefused, Reader, elements, entries_of, fields_of, line_of, several, word
from governance.coverage import check_coverage
from governance.differences import Difference, differences
from governance.facts import DeviceTier, ProposerKind
from governance.rows import ANSWER_WORDS, Allowance, Answer, HardLimit, Hours, Limits, Matrix, Per, Row
from governance.soundness import check_soundness

__all__ = ["SHIPPED", "Difference", "Matrix", "MatrixRefused", "differences", "load"]

SHIPPED: Final = Path(__file__).with_name("matrix.yaml")

TIERS: Final = {tier.name.lower(): tier for tier in DeviceTier}
ROLES: Final = {role.value: role for role in Role}

WHO_APPROVES: Final[Mapping[str, Reader[Any]]] = {
    "approvers": several(word(ROLES)),
    "how_many": columns.whole,
    "expires_in": columns.duration,
    "execute_within": columns.duration,
}
ROW_COLUMNS: Final[Mapping[str, Reader[Any]]] = {
    "rule": columns.rule_name,
    "action": several(columns.action_name),
    "by": several(word({kind.value: kind for kind in ProposerKind})),
    "money_up_to": columns.money,
    "money_each_up_to": columns.money,
    "customers_up_to": columns.whole,
    "devices_up_to": columns.whole,
    "crews_up_to": columns.whole,
    "device_tier_up_to": word(TIERS),
    "least_confidence": columns.fraction,
    "hours": word({hours.value: hours for hours in Hours}),
    "incident_confirmed": columns.yes_or_no,
    "vulnerable": columns.yes_or_no,
    "emergency_line": columns.yes_or_no,
    "disputed": columns.yes_or_no,
    "verdict": word(ANSWER_WORDS),
    "tell": several(word(ROLES)),
    "because": columns.sentence,
    **WHO_APPROVES,
}
ALLOWANCE_COLUMNS: Final[Mapping[str, Reader[Any]]] = {
    "rule": columns.rule_name,
    "action": several(columns.action_name),
    "per": word({per.value: per for per in Per}),
    "within": columns.duration,
    "money_up_to": columns.money,
    "customers_up_to": columns.whole,
    "devices_up_to": columns.whole,
    "actions_up_to": columns.whole,
    "then": word({"approve": Answer.NEEDS_APPROVAL, "forbid": Answer.REFUSED}),
    "because": columns.sentence,
    **WHO_APPROVES,
}
LIMIT_COLUMNS: Final[Mapping[str, Reader[Any]]] = {
    "money": columns.money,
    "money_each": columns.money,
    "customers": columns.whole,
    "devices": columns.whole,
    "crews": columns.whole,
    "device_tier": word(TIERS),
}
# The file's word for a column where the record's is another.
RENAMED: Final = {"action": "actions", "verdict": "answer", "then": "answer"}


def load(source: str | Path) -> Matrix:
    """The matrix in a text or a file, checked whole. Raises MatrixRefused with the first thing wrong."""
    return _checked(_text_of(source) if isinstance(source, Path) else source, decimals())


@lru_cache(maxsize=4)
def _checked(text: str, money_decimals: int) -> Matrix:  # noqa: ARG001 - the same text is other amounts in other books
    """Nothing of a matrix can be changed once it is made: whoever has the same text, and counts money alike, has the same one."""
    top = fields_of(columns.document(text), "matrix", ("quiet_hours", "defaults", "rows", "allowances", "hard_limits"))
    defaults = top.need("defaults", _defaults)
    matrix = Matrix(
        rows=tuple(_row(node, defaults) for node in top.need("rows", lambda node: elements(node, "rows"))),
        allowances=tuple(_allowance(node, defaults) for node in top.need("allowances", lambda node: elements(node, "allowances"))),
        hard_limits=top.need("hard_limits", _hard_limits),
        quiet_hours=top.need("quiet_hours", columns.quiet_hours),
        source=text,
    )
    check_soundness(matrix)
    check_coverage(matrix)
    return matrix


def _text_of(path: Path) -> str:
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MatrixRefused(raw.count(b"\n", 0, error.start) + 1, "bytes that are not UTF-8", "save the file as UTF-8") from error


def _defaults(node: Node) -> dict[str, timedelta]:
    times = fields_of(node, "set of defaults", ("expires_in", "execute_within"))
    return {name: times.need(name, columns.duration) for name in ("expires_in", "execute_within")}


def _row(node: Node, defaults: Mapping[str, timedelta]) -> Row:
    given = fields_of(node, "row", ROW_COLUMNS)
    values = _values(given, ROW_COLUMNS, ("rule", "action", "verdict", "because"))
    if "by" in values:
        values["by"] = frozenset(values["by"])
    answer = values["answer"]
    if answer.is_alone:
        values.setdefault("execute_within", defaults["execute_within"])
    if answer is Answer.NEEDS_APPROVAL:
        _complete_approval(values, defaults)
    return Row(**values, line=given.line)


def _allowance(node: Node, defaults: Mapping[str, timedelta]) -> Allowance:
    given = fields_of(node, "allowance", ALLOWANCE_COLUMNS)
    values = _values(given, ALLOWANCE_COLUMNS, ("rule", "action", "per", "within", "then", "because"))
    if values["answer"] is Answer.NEEDS_APPROVAL:
        _complete_approval(values, defaults)
    return Allowance(**values, line=given.line)


def _values(given: Fields, readers: Mapping[str, Reader[Any]], required: tuple[str, ...]) -> dict[str, Any]:
    for name in required:
        given.need(name, readers[name])
    return {RENAMED.get(name, name): readers[name](node) for name, node in given.nodes.items()}


def _complete_approval(values: dict[str, Any], defaults: Mapping[str, timedelta]) -> None:
    for name, stretch in defaults.items():
        values.setdefault(name, stretch)
    values.setdefault("how_many", len(values.get("approvers", ())))


def _hard_limits(node: Node) -> tuple[HardLimit, ...]:
    limits: dict[str, HardLimit] = {}
    for action, name_node, value in entries_of(node, "hard limits", columns.action_name):
        if action in limits:
            raise MatrixRefused(line_of(name_node), f"{action} has two hard limits", "keep one of them")
        given = fields_of(value, "hard limit", ("alone", "ever", "disconnects"))
        limits[action] = HardLimit(
            action,
            ever=given.need("ever", _limits),
            alone=given.read("alone", _limits, None),
            disconnects=given.read("disconnects", columns.yes_or_no, False),
            line=line_of(name_node),
        )
    return tuple(limits.values())


def _limits(node: Node) -> Limits:
    given = fields_of(node, "set of limits", LIMIT_COLUMNS)
    return Limits(**_values(given, LIMIT_COLUMNS, ()))
