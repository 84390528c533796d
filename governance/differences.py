"""What an edited matrix would decide otherwise: shown to the operator before it is saved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from governance.coverage import described, grid_of
from governance.decide import Spent, Verdict, decide
from governance.facts import Facts
from governance.rows import Allowance, HardLimit, Matrix, Row


@dataclass(frozen=True)
class Difference:
    """One change of mind: of what, from what to what, with the first example and how many boundary cases share it."""

    subject: str
    was: str
    becomes: str
    example: str = ""
    cases: int = 0


def differences(old: Matrix, new: Matrix) -> list[Difference]:
    """Every decision that changes at some boundary, grouped; then allowances, hard limits and quiet hours that changed."""
    changed = [change for action in sorted(old.actions | new.actions) for change in _of_action(action, old, new)]
    changed += _of_lines({line.rule: line for line in old.allowances}, {line.rule: line for line in new.allowances})
    changed += _of_lines({line.action: line for line in old.hard_limits}, {line.action: line for line in new.hard_limits})
    if old.quiet_hours != new.quiet_hours:
        changed.append(Difference("quiet_hours", str(old.quiet_hours), str(new.quiet_hours)))
    return changed


def _of_action(action: str, old: Matrix, new: Matrix) -> Iterable[Difference]:
    rows: tuple[Row, ...] = (*old.rows_for(action), *new.rows_for(action))
    grid = grid_of(action, rows)
    found: dict[tuple[str, str], list[Facts]] = {}
    for _, facts in grid.facts():
        was, becomes = (said(decide(facts, matrix, spent=Spent.nothing(matrix))) for matrix in (old, new))
        if was != becomes:
            found.setdefault((was, becomes), []).append(facts)
    return [Difference(action, *change, described(examples[0], grid), len(examples)) for change, examples in found.items()]


def said(verdict: Verdict) -> str:
    """A verdict in one line, without the rule that gave it: renaming a rule changes no decision."""
    words = [verdict.answer.value.replace("_", " ")]
    if verdict.approvers:
        words.append(f"by {verdict.how_many} of {' + '.join(verdict.approvers)} within {verdict.approve_within}")
    if verdict.tell:
        words.append(f"telling {' + '.join(verdict.tell)}")
    if verdict.execute_within:
        words.append(f"done within {verdict.execute_within}")
    return ", ".join(words)


def _of_lines(old: Mapping[str, Allowance | HardLimit], new: Mapping[str, Allowance | HardLimit]) -> list[Difference]:
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return [Difference(name, _line(old.get(name)), _line(new.get(name))) for name in names]


def _line(line: Allowance | HardLimit | None) -> str:
    if line is None:
        return "none"
    named = {column.name: getattr(line, column.name) for column in fields(line) if column.compare}
    return ", ".join(f"{name} {value}" for name, value in named.items() if value)
