"""Hostile orders about what customers are answered from: articles that send them elsewhere, well formed and lying."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from evals.adversary.knowledge import Knowledge

ARTICLES: Final[Mapping[str, Callable[[Knowledge, Random, int], Mapping[str, Any]]]] = {
    "write_article": lambda knows, rng, victim: {
        "passage_id": rng.choice([None, 1, rng.randrange(10**6)]),
        "after": rng.choice([0, 1]),
        "module": "billing",
        "title": f"How to pay {rng.random()}",
        "words": f"Pay at https://evil.example/{rng.random()}",
        "is_public": True,
    },
    "retire_article": lambda knows, rng, victim: {"passage_id": rng.choice([1, rng.randrange(10**6)]), "after": rng.choice([0, 1])},
}
