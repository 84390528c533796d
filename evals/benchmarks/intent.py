"""`intent`: sentences that no prompt holds, routed by their nearest examples: our own held-out ones, and real complaints labelled by hand.

Each is routed as a customer's: by the examples of what a customer may use. A complaint counts as right where the agent is one that may
answer it (`evals/scenarios/complaints.yaml`); the other company's name is read as "you". The floor is what words alone find, without
sentence vectors.
"""

import csv
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from agents.briefs import Example, brief_of
from agents.embeddings import Encoder, MiniLm, WordCounts
from agents.roster import roster
from agents.router import Router
from atlas.errors import AtlasError
from atlas.modules import MODULES
from evals.bench import Conditions, Row

SCENARIOS: Final = Path(__file__).parents[1] / "scenarios"
COMPLAINTS: Final = Path(__file__).parents[3] / "shared" / "data" / "complaints" / "complaints.csv"
THEIR_NAME: Final = re.compile(r"\b(comcast|xfinity)\b(/(comcast|xfinity)\b)?", re.IGNORECASE)


class DataMissing(AtlasError):
    """The complaints are not where they should be: nothing was measured."""


@dataclass(frozen=True)
class Sentence:
    """What somebody wrote, and the modules that may answer it, the likeliest first."""

    words: str
    may: tuple[str, ...]


def held_out() -> list[Sentence]:
    found: dict[str, list[str]] = yaml.safe_load((SCENARIOS / "held_out_sentences.yaml").read_text())
    return [Sentence(words, (module,)) for module, sentences in found.items() for words in sentences]


def complaints(which: str) -> list[Sentence]:
    """The labelled complaints, `seen` or `unseen`. Raises DataMissing without the collection."""
    if not COMPLAINTS.exists():
        raise DataMissing(f"no complaints at {COMPLAINTS}")
    with COMPLAINTS.open(newline="") as file:
        titles = {int(row["row"]): THEIR_NAME.sub("you", row["customer_complaint"]) for row in csv.DictReader(file)}
    labelled = yaml.safe_load((SCENARIOS / "complaints.yaml").read_text())[which]
    return [Sentence(titles[row], tuple(one["may"])) for one in labelled for row in one["rows"]]


def is_a_customers(example: Example) -> bool:
    """Whether a customer may use what the example wants; an example of no tool is everybody's."""
    return not example.tool or example.tool in customers_tools()


@cache
def customers_tools() -> frozenset[str]:
    return frozenset(tool.__name__ for member in roster().values() for tool in member.tools("customer"))


async def shares(router: Router, sentences: Iterable[Sentence]) -> tuple[float, float, list[float]]:
    """The shares that find an agent that may answer first, and among two; and the seconds of each."""
    first, two, took = [], [], []
    for sentence in sentences:
        began = time.perf_counter()
        near = [one.module for one in await router.nearness(sentence.words, "en", is_a_customers)]
        took.append(time.perf_counter() - began)
        first.append(near[0] in sentence.may)
        two.append(not set(near[:2]).isdisjoint(sentence.may))
    return sum(first) / len(first), sum(two) / len(two), took


async def routed_by(encoder: Encoder) -> Router:
    return await Router.of([example for module in MODULES for example in brief_of(module).examples], encoder, WordCounts())


async def run(conditions: Conditions) -> Sequence[Row]:  # noqa: ARG001
    vectors, counts = await routed_by(MiniLm.installed()), await routed_by(WordCounts())
    rows = []
    for name, sentences in (
        ("held-out sentences", held_out()),
        ("complaints, seen", complaints("seen")),
        ("complaints, unseen", complaints("unseen")),
    ):
        first, two, took = await shares(vectors, sentences)
        floor_first, floor_two, _ = await shares(counts, sentences)
        rows.append(Row("intent", f"{name} ({len(sentences)}): first", "%", first * 100, None, floor_first * 100, "words alone", "≥ 85"))
        rows.append(Row("intent", f"{name} ({len(sentences)}): among two", "%", two * 100, None, floor_two * 100, "words alone", "≥ 95"))
        ordered = sorted(took)
        rows.append(Row("intent", f"{name}: one sentence", "ms", ordered[len(ordered) // 2] * 1e3, ordered[-1] * 1e3, None, "", ""))
    return rows
