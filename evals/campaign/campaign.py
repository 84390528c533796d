"""One campaign: the platform at work while the plan's troubles befall it, then quiet, and the verdict."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg

from api.serve import parts_of
from evals.campaign.books import Books
from evals.campaign.judging import Verdict, judged, not_whole, sizes
from evals.campaign.load import busy, staffed
from evals.campaign.stage import Stage, staged
from evals.campaign.trouble_making import make_trouble
from evals.campaign.troubles import planned
from evals.fault.playing import play_cut, play_repair

QUIET_S: Final = 60.0
# Whoever polls a device tells again what it finds; clears that fell to the floor are heard the next time.
TOLD_AGAIN_EVERY_S: Final = 5.0
ASKED_EVERY_S: Final = 1.0
LINES: Final = 312


@dataclass(frozen=True)
class Campaign:
    """What was done, to what load, and whether everything held. `quiet_s` is how long the platform took to be whole again."""

    seed: int
    seconds: float
    troubles: dict[str, int]
    load: dict[str, Any]
    became: dict[str, Any]
    carried_by_provider: int
    quiet_s: float
    in_doubt: int
    next_outage_lacks: str
    broken: dict[str, Any]

    @property
    def holds(self) -> bool:
        return not self.broken and not self.next_outage_lacks

    def as_rows(self) -> dict[str, Any]:
        return asdict(self)


async def campaign(
    home: Path,
    seconds: float,
    seed: int,
    timeline: Path,
    quiet_s: float = QUIET_S,
    faketime: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Campaign:
    """Plays troubles for so many seconds, then gives the platform `quiet_s` to be whole again, and one more outage to prove it."""
    books = Books()
    async with staged(home, seed, faketime) as stage:
        tell("the platform runs; trouble begins")
        plan = planned(seed, seconds, parts_of(stage.settings))
        async with staffed(stage, books):
            async with busy(stage, books, seed):
                done = await make_trouble(stage, plan, timeline)
                stage.heal()
            tell(f"{sum(done.values())} troubles made; quiet")
            verdict, took = await until_it_holds(stage, books, quiet_s)
            for sentence, found in verdict.broken.items():
                tell(f"it does not hold that {sentence}: {'; '.join(found[:3])}")
            tell("one more outage, to see whether it works")
            # With somebody at work: after half an hour of cuts more people were told than may be told in an hour without a person.
            lacks = await lacking_afterwards(stage, quiet_s)
        return Campaign(
            seed=seed,
            seconds=seconds,
            troubles=done,
            load=books.as_rows(),
            became=await asyncio.to_thread(sizes, stage.url),
            carried_by_provider=len(stage.provider.carried),
            quiet_s=took,
            in_doubt=verdict.in_doubt,
            next_outage_lacks=lacks,
            broken=verdict.as_rows(),
        )


async def until_it_holds(stage: Stage, books: Books, within_s: float) -> tuple[Verdict, float]:
    """The first verdict with nothing broken, or the last one of the time given; and the seconds it took."""
    loop = asyncio.get_running_loop()
    began, told_again, verdict = loop.time(), 0.0, Verdict({"it answers": ["it was never asked"]})
    while not verdict.holds and loop.time() - began < within_s:
        if loop.time() - told_again > TOLD_AGAIN_EVERY_S:
            told_again = loop.time()
            await play_repair(stage.told, stage.doors, pace=0.1)
        await asyncio.sleep(ASKED_EVERY_S)
        try:
            verdict = await judged(stage, books)
        except psycopg.OperationalError as error:
            verdict = Verdict({"PostgreSQL answers": [str(error)]})
    return verdict, loop.time() - began


async def lacking_afterwards(stage: Stage, within_s: float) -> str:
    """Plays the whitepaper's cut once more; what the incident lacks when its time is over, empty where it is whole and everybody told."""
    loop = asyncio.get_running_loop()
    await play_cut(stage.told, stage.doors, np.random.default_rng(1), spread_s=0.6)
    began = loop.time()
    lacks = "never asked"
    while lacks and loop.time() - began < within_s:
        await asyncio.sleep(ASKED_EVERY_S)
        with suppress(psycopg.OperationalError):
            lacks = await asyncio.to_thread(not_whole, stage.url, len(stage.told), LINES)
    return lacks
