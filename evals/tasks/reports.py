"""What tasks came to: a table by kind of issue, and everything as JSON."""

from collections.abc import Sequence
from statistics import median
from typing import Any, Final

from rich.table import Table

from agents.consultation import RULES
from evals.tasks.playing import Played

ALL: Final = "all"


def table(played: Sequence[Played], model: str) -> Table:
    shown = Table(
        *("Issue", "Tasks", "Passed", "%", "As expected", "To a person", "Lost", "Refused", "Turns", "With others", "Elsewhere"),
        title=f"Support tasks, {model}",
        caption="Turns: the median of a call. With others, elsewhere: turns that the supervisor took to other modules as well, or alone.",
    )
    for kind, row in by_kind(played).items():
        shown.add_row(
            kind.replace("_", " "),
            str(row["tasks"]),
            str(row["passed"]),
            f"{row['percent']:.1f}",
            str(row["every_expected_call"]),
            str(row["transferred"]),
            str(row["lost"]),
            str(row["refused_by_governance"]),
            f"{row['median_turns']:.0f}",
            str(row["turns_with_others"]),
            str(row["turns_elsewhere"]),
        )
    return shown


def by_kind(played: Sequence[Played]) -> dict[str, dict[str, Any]]:
    """The figures of each kind, and of all."""
    kinds = {ALL: list(played)}
    for one in played:
        kinds.setdefault(one.task.kind, []).append(one)
    return {kind: _figures(own) for kind, own in sorted(kinds.items(), key=lambda pair: (pair[0] == ALL, pair[0])) if own}


def _figures(own: Sequence[Played]) -> dict[str, Any]:
    passed = sum(one.is_passed for one in own)
    return {
        "tasks": len(own),
        "passed": passed,
        "percent": round(100 * passed / len(own), 1),
        "every_expected_call": sum(not one.missing for one in own),
        "transferred": sum(one.ended == "transferred" for one in own),
        "lost": sum(one.ended == "lost" for one in own),
        "refused_by_governance": sum(len(one.refused) for one in own),
        "turns": sum(len(one.turns) for one in own),
        "median_turns": median(len(one.turns) for one in own),
        "turns_with_others": sum(one.turns_with_others for one in own),
        "turns_elsewhere": sum(one.turns_elsewhere for one in own),
    }


def as_json(played: Sequence[Played], model: str) -> dict[str, Any]:
    return {"model": model, "by_kind": by_kind(played), "each": [_one(one) for one in played]}


def _one(one: Played) -> dict[str, Any]:
    models = [model for turn in one.turns for model in turn.models]
    return {
        "task": one.task.title,
        "passed": one.is_passed,
        "failures": list(one.failures),
        "missing": list(one.missing),
        "ended": one.ended,
        "turns": len(one.turns),
        "answers_by_rules": models.count(RULES),
        "answers": len(models),
        "refused": list(one.refused),
        "seconds": round(one.seconds, 2),
    }
