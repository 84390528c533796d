"""`bedrock`, whole: the operator's commands and those that play, measure and judge. May import everything; nothing imports it."""

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from api.cli import Json, app, console, printed_json, run
from api.serve import database
from api.settings import Settings
from evals.bench import BENCHMARKS, Conditions, Row, as_json, benchmark, table
from evals.world.seed import Seeded
from evals.world.seed import seed as make_world

Subscribers = Annotated[int, typer.Option(help="How many subscribers the demo ISP has: 4,000 to 1,000,000.")]


@app.command()
def seed(subscribers: Subscribers = 10_000, number: Annotated[int, typer.Option("--seed")] = 1, as_json: Json = False) -> None:
    """Make the demo ISP, if it is not there: the same every time from the same seed."""

    async def work() -> Seeded:
        async with database(Settings()) as url:
            return await seeded_with_bar(url, subscribers, number)

    made = run(work)
    if as_json:
        printed_json(vars(made))
    else:
        verb = "Made" if made.rows else "Found"
        console.print(f"{verb} {made.world}: {made.subscribers:,} subscribers, {made.devices:,} devices, {made.rows:,} rows written.")


async def seeded_with_bar(url: str, subscribers: int, number: int = 1) -> Seeded:
    """Seeds beside the event loop, with a bar for whoever watches."""
    columns = (TextColumn("{task.description:<32}"), BarColumn(), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("the demo ISP", total=None)

        def tell(table_name: str, rows: int) -> None:
            bar.update(task, description=table_name, advance=rows)

        return await asyncio.to_thread(make_world, url, subscribers=subscribers, seed=number, now=datetime.now(UTC), progress=tell)


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help=f"Any of: {', '.join(BENCHMARKS)}. All, where none is named.")] = None,
    as_json_: Json = False,
    peer: Annotated[bool, typer.Option("--peer", help="Beside it, a peer where one is installed.")] = False,
) -> None:
    """Measure: medians and ratios in one run, beside the floor measured in the same run."""
    unknown = [name for name in names or () if name not in BENCHMARKS]
    if unknown:
        raise typer.BadParameter(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    rows = run(lambda: measured(names or list(BENCHMARKS), peer))
    Path("bench.json").write_text(as_json(rows))
    if as_json_:
        typer.echo(as_json(rows))
    else:
        console.print(table(rows))


async def measured(names: list[str], peer: bool) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bedrock-bench-") as folder:
        for name in names:
            console.print(f"[dim]measuring {name}[/]")
            rows += await benchmark(name)(Conditions(Path(folder), peer))
    return rows


def main() -> None:
    app()
