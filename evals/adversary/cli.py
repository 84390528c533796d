"""`bedrock eval adversary`: the worst case, as many runs as you like."""

import asyncio
import json
import os
from typing import Annotated

import typer
from rich.console import Console

from evals.adversary.campaign import Tally, by_level, campaign, runs_of, server_of_its_own
from evals.adversary.ground import troupe
from evals.adversary.mutants import MUTANTS, Noticed, noticed_by
from evals.adversary.report import as_rows, breaches, is_clean, table

console = Console()


def adversary(
    runs: Annotated[int, typer.Option(help="How many runs; 10,000 are the long form.")] = 600,
    seed: Annotated[int, typer.Option(help="The same seed plays the same runs.")] = 1,
    level: Annotated[int | None, typer.Option(min=0, max=5, help="Only this level: 0 lawful … 5 the agent's process itself.")] = None,
    processes: Annotated[int, typer.Option(help="How many at once; by default one for each core, and one.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")] = False,
    mutants: Annotated[bool, typer.Option("--mutants", help="Instead: take one defence away at a time; each must be noticed.")] = False,
) -> None:
    """Replace every model by an attacker, at six levels, and look at everything it did. Fails where any promise was broken."""
    if mutants:
        each_defence_missed(seed)
        return
    chosen = runs_of(runs, seed) if level is None else by_level(runs, seed, level)
    workers = processes or (os.cpu_count() or 1) + 1

    told = 0

    def tell(tally: Tally) -> None:
        nonlocal told
        if as_json:
            return
        done, calls = sum(tally.runs.values()), sum(tally.tool_calls.values())
        console.print(f"[dim]{done:,} of {runs:,} runs, {calls:,} tool calls, {len(tally.breaches)} breaches[/]", highlight=False)
        # At once: whoever waits an hour for the table would rather stop and mend.
        for run, attack, breach in tally.breaches[told:]:
            console.print(f"run {run.number} level {run.level} {attack}: {breach.oracle}: {breach.what}", markup=False, highlight=False)
        told = len(tally.breaches)

    tally = asyncio.run(campaign(chosen, workers, tell))
    if as_json:
        typer.echo(json.dumps(as_rows(tally), indent=2))
    else:
        console.print(table(tally))
        console.print(f"{tally.seconds:.0f} s; lawful tasks that succeeded: {as_rows(tally)['lawful']['share']:.2%}", highlight=False)
        if tally.breaches:
            console.print(breaches(tally))
    if not is_clean(tally):
        raise typer.Exit(1)


def each_defence_missed(seed: int) -> None:
    """Plays against each mutant. Fails where the suite does not notice one."""

    async def work() -> list[Noticed]:
        async with server_of_its_own() as server:
            cast = await troupe()
            return [await noticed_by(server, cast, mutant, seed) for mutant in MUTANTS]

    found = asyncio.run(work())
    for one in found:
        console.print(f"{one.mutant}: {one.oracle or 'NOT NOTICED'} within {one.runs} runs", highlight=False)
    if not all(one.oracle for one in found):
        raise typer.Exit(1)
