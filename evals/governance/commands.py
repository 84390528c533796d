"""`bedrock eval verdicts`, `bedrock eval mutants` and `bedrock eval races`: what the gate is worth."""

from dataclasses import asdict
from typing import Annotated

import typer

from api.cli import Json, console, printed_json, run
from evals.governance.ground import SECRET, ground
from evals.governance.mutants import Noticed, noticed
from evals.governance.races import Raced, race
from evals.governance.verdicts import Compared, compare

Seed = Annotated[int, typer.Option(help="The same run for the same seed.")]


def add_governance(evaluations: typer.Typer) -> None:
    evaluations.command("verdicts")(verdicts)
    evaluations.command("mutants")(mutants)
    evaluations.command("races")(races)


def verdicts(requests: Annotated[int, typer.Option("--n", min=1)] = 1_000_000, seed: Seed = 1, as_json: Json = False) -> None:
    """Judge random requests in Python and in the database, under the shipped matrix and edited ones: no verdict may differ."""

    async def work() -> Compared:
        async with ground() as url:
            return await compare(url, requests, seed)

    found = run(work)
    if as_json:
        printed_json(asdict(found))
    else:
        console.print(
            f"{found.requests:,} requests over {found.matrices:,} matrices, {found.rules} rules, {found.answers}: {found.differ} differ."
        )
    if found.differ:
        raise typer.Exit(1)


def mutants(requests: Annotated[int, typer.Option("--n", min=1)] = 20_000, seed: Seed = 1, as_json: Json = False) -> None:
    """Take one defence after the other out of the gate: the comparison must notice each."""

    async def work() -> list[Noticed]:
        async with ground() as url:
            return await noticed(url, requests=requests, seed=seed)

    found = run(work)
    missed = [one.mutant for one in found if not one.differ]
    if as_json:
        printed_json([asdict(one) for one in found])
    else:
        console.print(f"{len(found) - len(missed)} of {len(found)} mutants noticed.", *missed, sep="\n", markup=False)
    if missed:
        raise typer.Exit(1)


def races(count: Annotated[int, typer.Option("--n", min=1)] = 10_000, seed: Seed = 1, as_json: Json = False) -> None:
    """Approve, reject, amend, let lapse and execute at once: whatever wins, it happens once and rightly."""

    async def work() -> Raced:
        async with ground() as url:
            return await race(url, SECRET, count, seed)

    found = run(work)
    if as_json:
        printed_json(asdict(found))
    else:
        console.print(f"{found.races:,} races, {found.ended}: {found.wrong} ended wrongly.")
    if found.wrong:
        raise typer.Exit(1)
