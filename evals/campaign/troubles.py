"""What is done to the platform and when: a plan made whole from the seed before anything begins, so that a campaign can be played again."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from evals.campaign.stage import STAFF_WAY, chance

# A fault every 0.1 to 2 seconds.
BETWEEN_S: Final = (0.1, 2.0)


@dataclass(frozen=True)
class Trouble:
    """At `at_s` seconds from the start: `what` to `target`, for `lasts_s` where it lasts, `how_much` where there is more or less."""

    at_s: float
    what: str
    target: str = ""
    lasts_s: float = 0.0
    how_much: float = 0.0

    def as_row(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value not in ("", 0.0)}


Draw = Callable[[random.Random, Sequence[str]], dict[str, Any]]


def _part(rng: random.Random, parts: Sequence[str]) -> dict[str, Any]:
    return {"target": rng.choice(parts)}


def _frozen(rng: random.Random, parts: Sequence[str]) -> dict[str, Any]:
    return {"target": rng.choice(parts), "lasts_s": rng.uniform(0.3, 9.0)}


def _backend(rng: random.Random, _: Sequence[str]) -> dict[str, Any]:
    return {"how_much": rng.random()}


def _way(rng: random.Random, parts: Sequence[str]) -> dict[str, Any]:
    return {"target": rng.choice((*parts, STAFF_WAY))}


def _way_for_long(rng: random.Random, parts: Sequence[str]) -> dict[str, Any]:
    return {**_way(rng, parts), "lasts_s": rng.uniform(0.5, 12.0)}


def _late_way(rng: random.Random, parts: Sequence[str]) -> dict[str, Any]:
    return {**_way_for_long(rng, parts), "how_much": rng.uniform(0.01, 0.4)}


def _narrow_way(rng: random.Random, parts: Sequence[str]) -> dict[str, Any]:
    return {**_way_for_long(rng, parts), "how_much": rng.uniform(2e4, 1e6)}


def _web_way(rng: random.Random, _: Sequence[str]) -> dict[str, Any]:
    return {"target": rng.choice(("intake", "web", "provider")), "lasts_s": rng.uniform(1.0, 8.0), "how_much": rng.uniform(0.2, 0.9)}


def _moved(rng: random.Random, _: Sequence[str]) -> dict[str, Any]:
    # From a leap of the time service to a clock that lost its battery.
    return {"lasts_s": rng.uniform(1.0, 8.0), "how_much": rng.choice((-86_400.0, -600.0, -5.0, 5.0, 600.0, 86_400.0))}


def _filled(rng: random.Random, _: Sequence[str]) -> dict[str, Any]:
    return {"lasts_s": rng.uniform(2.0, 8.0), "how_much": rng.choice((0.0, 1.0, 20.0, 60.0))}


def _nothing(_: random.Random, __: Sequence[str]) -> dict[str, Any]:
    return {}


# How often each is drawn, against the others. PostgreSQL is crashed rarely: for seconds after it nothing else can be broken.
KINDS: Final[dict[str, tuple[float, Draw]]] = {
    "part killed": (5, _part),
    "part terminated": (2, _part),
    "part frozen": (2, _frozen),
    "backend killed": (1, _backend),
    "backend terminated": (6, _backend),
    "postgresql killed": (1, _nothing),
    "way cut": (6, _way),
    "way half closed": (2, _way),
    "way black": (3, _way_for_long),
    "answers lost": (4, _way_for_long),
    "way late": (4, _late_way),
    "way narrow": (2, _narrow_way),
    "way refused": (2, _way_for_long),
    "web late": (3, _web_way),
    "web failing": (3, _web_way),
    "web answers lost": (3, _web_way),
    "web twice": (3, _web_way),
    "web reordered": (2, _web_way),
    "clock moved": (2, _moved),
    "disk filled": (1, _filled),
}


def planned(seed: int, seconds: float, parts: Sequence[str]) -> list[Trouble]:
    """The plan of one campaign, in its order."""
    rng = chance(seed, "plan")
    names, weights = list(KINDS), [weight for weight, _ in KINDS.values()]
    plan: list[Trouble] = []
    at_s = rng.uniform(*BETWEEN_S)
    while at_s < seconds:
        what = rng.choices(names, weights)[0]
        plan.append(Trouble(at_s, what, **KINDS[what][1](rng, parts)))
        at_s += rng.uniform(*BETWEEN_S)
    return plan
