"""`address-match`: addresses of one public register found among those of another, and how often we were sure and wrong.

The data are real and lie outside the project (`../shared/data/addresses`, its README says where from); nothing in the matcher knows them.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from atlas.errors import AtlasError
from atlas.gis.rules.addresses import sure_of, taken_apart
from evals.bench import Conditions, Row

DATA: Final = Path(__file__).parents[3] / "shared" / "data" / "addresses"
REGISTERS: Final = "match-uk-registers.jsonl"
HARD: Final = "match-uk.jsonl"


class DataMissing(AtlasError):
    """The registers are not where they should be: nothing was measured."""


@dataclass(frozen=True)
class Judged:
    """One address looked for: whether the likeliest was the right one, whether we were sure of it, and how long it took."""

    is_right: bool
    is_sure: bool
    seconds: float


@dataclass(frozen=True)
class Case:
    """One address looked for among others; `right`: which of them is meant."""

    wanted: str
    others: tuple[str, ...]
    right: int


async def run(conditions: Conditions) -> Sequence[Row]:  # noqa: ARG001
    """Raises DataMissing."""
    return [*_rows(REGISTERS, "registers", "≥ 90 %", "≤ 1 %"), *_rows(HARD, "hard flats", "", "")]


def _rows(name: str, title: str, goal: str, wrong_goal: str) -> Iterator[Row]:
    judged = [judge(case) for case in cases(name)]
    count = len(judged)
    right = sum(one.is_right for one in judged)
    sure = sum(one.is_sure for one in judged)
    wrong = sum(one.is_sure and not one.is_right for one in judged)
    took = sorted(1000 * one.seconds for one in judged)
    yield Row("address-match", f"{title}: top-1 of {count}", "%", 100 * right / count, None, None, "", goal)
    yield Row("address-match", f"{title}: sure and wrong", "%", 100 * wrong / count, None, None, "", wrong_goal)
    yield Row("address-match", f"{title}: sure", "%", 100 * sure / count, None, None, "", "")
    yield Row("address-match", f"{title}: one address", "ms", took[count // 2], took[-1], None, "", "")


def cases(name: str) -> list[Case]:
    """Raises DataMissing."""
    path = DATA / name
    if not path.exists():
        raise DataMissing(f"no {name} in shared/data/addresses")
    return [_case(json.loads(line)) for line in path.read_text().splitlines()]


def _case(row: dict[str, Any]) -> Case:
    query, candidates = row["query"], row["candidates"]
    written = [f"{each['address']} {each.get('postcode', query['postcode'])}" for each in candidates]
    right = [each["id"] for each in candidates].index(row["correct_id"]) if "correct_id" in row else candidates.index(row["correct"])
    return Case(f"{query['address']} {query['postcode']}", tuple(written), right)


def judge(case: Case) -> Judged:
    began = time.perf_counter()
    order, is_sure = sure_of(taken_apart(case.wanted), [taken_apart(other) for other in case.others])
    return Judged(order[0] == case.right, is_sure, time.perf_counter() - began)
