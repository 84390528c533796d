"""An evaluation as one page of HTML that needs nothing beside it: each transcript, its trace, and what changed in Atlas."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, StrictUndefined

from evals.confusion import ANSWERS, Confusion, in_percent, sentence
from evals.difference import Change
from evals.reports import Trials, summary

TEMPLATE: Final = Path(__file__).with_suffix(".html").read_text()
# A row of this many columns is read at a glance; the rest of a new row is rarely the point.
MOST_COLUMNS: Final = 12


def as_page(played: Sequence[Trials], model: str, routed: Sequence[Confusion] = ()) -> str:
    """Everything anybody said is text to be escaped, whoever wrote it."""
    environment = Environment(undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(moved=moved, percent=in_percent, sentence=sentence)
    environment.filters["pretty"] = lambda value: json.dumps(value, indent=1, ensure_ascii=False, default=str)
    return environment.from_string(TEMPLATE).render(summary=summary(played, model), played=played, routed=routed, answers=ANSWERS)


def moved(change: Change) -> list[tuple[str, Any, Any]]:
    """The columns that a change moved: name, before, after."""
    before = change.before or {}
    return [(name, before.get(name, ""), value) for name, value in change.moved.items() if value is not None][:MOST_COLUMNS]
