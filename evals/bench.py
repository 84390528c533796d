"""Runs benchmarks by name and shows them in one table beside their floors, measured in the same run."""

import importlib
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One figure. `floor` is the fastest that anything here could do the same, `floor_is` what did it; `goal` is a bound as text."""

    benchmark: str
    figure: str
    unit: str
    median: float
    p99: float | None
    floor: float | None
    floor_is: str
    goal: str


Benchmark = Callable[["Conditions"], Awaitable[Sequence[Row]]]


@dataclass(frozen=True)
class Conditions:
    """What a benchmark may use: a folder of its own for servers it starts, and whether peers are wanted beside it."""

    home: Path
    with_peer: bool = False


# The names people type, and the module below evals/benchmarks whose `run` measures it.
BENCHMARKS: Final = {
    "aaa": "aaa",
    "cut": "cut",
    "cut-notices": "cut_notices",
    "storm": "storm_run",
    "storm-hard": "storm_hard",
    "intake": "intake",
    "blast-radius": "blast",
    "change-seen": "change_seen",
    "doors": "doors",
    "leaks": "leaks",
    "address-match": "address_match",
    "principal": "principal",
    "ip-race": "ip_race",
    "activation": "activation",
    "protected": "protected",
    "bill-run": "bill_accounts",
    "billing-cases": "billing_cases",
    "intent": "intent",
    "hearing": "hearing",
    "turn": "turn",
    "long-conversation": "long_conversation",
    "provider-down": "provider_down",
}


def benchmark(name: str) -> Benchmark:
    """The benchmark of this name. Raises KeyError."""
    found: Benchmark = importlib.import_module(f"evals.benchmarks.{BENCHMARKS[name]}").run
    return found


def table(rows: Iterable[Row]) -> Table:
    shown = Table(
        "Benchmark", "Figure", "Median", "p99", "Unit", "Floor", "× floor", "Floor is", "Goal", title="Measured in one run on this machine"
    )
    for row in rows:
        ratio = f"{row.median / row.floor:.1f}" if row.floor else ""
        shown.add_row(
            row.benchmark,
            row.figure,
            _short(row.median),
            _short(row.p99),
            row.unit,
            _short(row.floor),
            ratio,
            row.floor_is,
            row.goal,
        )
    return shown


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3g}"


def as_json(rows: Iterable[Row]) -> str:
    return json.dumps([asdict(row) for row in rows], indent=2)
