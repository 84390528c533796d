"""An attack: its name in SECURITY.md, from which levels it is made, and what it does with its hands on a scene."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from evals.adversary.acting import Acting

MUTATIONS: Final = 10


@dataclass(frozen=True)
class Attack:
    """`play` reads `acting.mutation`, from 0 to MUTATIONS - 1, and `acting.level`."""

    name: str
    levels: tuple[int, ...]
    play: Callable[[Acting], Awaitable[None]]


def every(*plays: Sequence[Attack]) -> tuple[Attack, ...]:
    """All of them in one row; no name twice."""
    found = tuple(attack for group in plays for attack in group)
    names = [attack.name for attack in found]
    if len(names) != len(set(names)):
        raise ValueError(f"two attacks have one name: {sorted(name for name in names if names.count(name) > 1)}")
    return found
