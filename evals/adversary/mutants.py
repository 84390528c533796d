"""Plays against the registered mutants of `defences.py`: each lacks one defence, and the suite must notice."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from atlas import embedded
from evals.adversary.attacks.all import attacks_at
from evals.adversary.campaign import LEVELS, Run, play
from evals.adversary.defences import MUTANTS, Mutant
from evals.adversary.ground import Troupe, dropped, laid, troupe

__all__ = ["MUTANTS", "Mutant", "Noticed", "noticed_by"]

# Played of the attack that should notice, until it does.
AT_MOST: Final = 30
AT_A_TIME: Final = 5


@dataclass(frozen=True)
class Noticed:
    """Which oracle noticed, and after how many runs; "" where none did."""

    mutant: str
    oracle: str
    runs: int


@contextmanager
def without(patches: Sequence[tuple[Any, str, Any]]) -> Iterator[None]:
    """The code without these defences, until the block ends."""
    before = [(where, name, getattr(where, name)) for where, name, _ in patches]
    for where, name, instead in patches:
        setattr(where, name, instead)
    try:
        yield
    finally:
        for where, name, whole in before:
            setattr(where, name, whole)


def runs_for(mutant: Mutant, seed: int) -> list[Run]:
    """Runs of the attack that should notice, mutation after mutation."""
    known = [attack.name for attack in attacks_at(mutant.level)]
    place = known.index(mutant.attack)
    return [Run((place + turn * len(known)) * len(LEVELS) + mutant.level, seed, mutant.level) for turn in range(AT_MOST)]


async def noticed_by(server: embedded.EmbeddedServer, cast: Troupe, mutant: Mutant, seed: int = 1) -> Noticed:
    """Plays the attack against the wounded town until an oracle speaks."""
    ground = await asyncio.to_thread(laid, server, mutant.wounds)
    runs = runs_for(mutant, seed)
    try:
        with without(mutant.patches):
            # What an agent is offered, and how often it may ask, is set when it is built.
            cast = await troupe() if mutant.is_rebuilt else cast
            for at in range(0, len(runs), AT_A_TIME):
                tally = await play(ground, runs[at : at + AT_A_TIME], cast=cast)
                if tally.breaches:
                    return Noticed(mutant.name, tally.breaches[0][2].oracle, at + AT_A_TIME)
    finally:
        if mutant.wounds:
            await asyncio.to_thread(dropped, ground)
    return Noticed(mutant.name, "", len(runs))
