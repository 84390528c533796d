"""Plays the scenarios against each mutant: what is broken and nobody notices is what the scenarios do not test."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rich.table import Table

from evals.mutants import Mutant, broken
from evals.run import play_on
from evals.scenario import Scenario
from evals.stage import Stage, cast_of, stage

# Of the scenarios that should notice, so many are played: what eight do not see, a ninth hardly will.
MOST_SCENARIOS: Final = 8
ENOUGH_NOTICED: Final = 0.8


@dataclass(frozen=True)
class Noticed:
    """A mutant, how many scenarios were played against it, and which failed."""

    mutant: Mutant
    played: int
    by: tuple[str, ...]


async def noticed_by(one: Stage, mutant: Mutant, chosen: Sequence[Scenario]) -> Noticed:
    own = [scenario for scenario in chosen if mutant.should_notice(scenario)][:MOST_SCENARIOS]
    with broken(mutant):
        cast = await cast_of(None, one.encoder) if mutant.is_recast else one.cast
        played = await play_on(replace(one, cast=cast), own)
    return Noticed(mutant, len(own), tuple(trials[0].scenario.title for trials in played if not trials[0].passed))


async def each_noticed(mutants: Sequence[Mutant], chosen: Sequence[Scenario], tell: Callable[[Noticed], None]) -> list[Noticed]:
    """Every mutant in turn, against those scenarios that pass when nothing is broken."""
    found: list[Noticed] = []
    async with stage() as one:
        wanted = [scenario for scenario in chosen if any(mutant.should_notice(scenario) for mutant in mutants)]
        sound = [trials[0].scenario for trials in await play_on(one, wanted) if trials[0].passed]
        for mutant in mutants:
            found.append(await noticed_by(one, mutant, sound))
            tell(found[-1])
    return found


def share_noticed(found: Sequence[Noticed]) -> float:
    return sum(bool(one.by) for one in found) / len(found) if found else 0.0


def in_words(one: Noticed) -> str:
    by = f"noticed by {len(one.by)} of {one.played}" if one.by else f"NOT noticed by any of {one.played}"
    return f"{one.mutant.kind}: {one.mutant.name}: {by}"


def mutant_table(found: Sequence[Noticed]) -> Table:
    """A row for each mutant, and the share that was noticed."""
    shown = Table("broken", "what", "noticed by", "of", title=f"{share_noticed(found):.0%} of {len(found)} mutants were noticed")
    for one in found:
        shown.add_row(one.mutant.kind, one.mutant.name, "\n".join(one.by[:3]) or "nobody", str(one.played))
    return shown
