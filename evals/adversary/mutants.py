"""Registered mutants: each takes one defence away, in Python or in the database (both, where two walls hold), and the suite must notice."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from agents import consultation
from atlas import embedded
from evals.adversary.attacks.all import attacks_at
from evals.adversary.campaign import LEVELS, Run, play
from evals.adversary.ground import Troupe, dropped, laid

# Played of the attack that should notice, until it does.
AT_MOST: Final = 20
AT_A_TIME: Final = 5


def _takes_out(function: str, was: str, becomes: str) -> str:
    """The statement that changes a function of the database; it fails where the text is no longer there."""
    return (
        f"DO $mutant$ DECLARE whole text := pg_get_functiondef('{function}'::regproc); BEGIN"
        f" IF strpos(whole, $was${was}$was$) = 0 THEN RAISE EXCEPTION '{function} has moved'; END IF;"
        f" EXECUTE replace(whole, $was${was}$was$, $becomes${becomes}$becomes$); END $mutant$"
    )


OPEN_POLICIES: Final = """
DO $mutant$ DECLARE one record; BEGIN
    FOR one IN SELECT schemaname, tablename FROM pg_policies WHERE policyname = 'customer' LOOP
        EXECUTE format('ALTER POLICY customer ON %I.%I USING (true)', one.schemaname, one.tablename);
    END LOOP;
END $mutant$
"""


@dataclass(frozen=True)
class Mutant:
    """`wounds`: statements on the database. `patches`: object, attribute, what stands there instead. `attack` at `level` must notice."""

    name: str
    attack: str
    level: int
    wounds: tuple[str, ...] = ()
    patches: tuple[tuple[Any, str, Any], ...] = ()


MUTANTS: Final[tuple[Mutant, ...]] = (
    Mutant("row policies for customers", "raw SQL on the agent's own connection", 4, (OPEN_POLICIES,)),
    Mutant(
        "the principal's signature",
        "forged principals",
        4,
        (
            _takes_out("atlas.principal_part", "<> claimed[8]", "= 'never'"),
            _takes_out("atlas.principal_part", "claimed[5] <> pg_backend_pid()::text", "false"),
        ),
    ),
    Mutant("the audit trail", "lawful tasks", 0, (_takes_out("actions.append_audit", "BEGIN", "BEGIN RETURN;"),)),
    Mutant("arguments fit to be kept", "unknown and hostile arguments", 3, patches=((consultation, "keepable", lambda given: given),)),
)


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
            for at in range(0, len(runs), AT_A_TIME):
                tally = await play(ground, runs[at : at + AT_A_TIME], cast=cast)
                if tally.breaches:
                    return Noticed(mutant.name, tally.breaches[0][2].oracle, at + AT_A_TIME)
    finally:
        if mutant.wounds:
            await asyncio.to_thread(dropped, ground)
    return Noticed(mutant.name, "", len(runs))
