"""`bedrock eval restore-drill` and `bedrock eval failover`."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli import Json, console, printed_json, run
from evals.drills.failover import FailoverDrill, failover_drill
from evals.drills.restore import RestoreDrill, restore_drill
from evals.drills.several import SeveralDrill, several_in_networks
from evals.kills.commands import add_kills


def add_drills(evaluations: typer.Typer) -> None:
    add_kills(evaluations)
    evaluations.command("restore-drill")(restore_drill_)
    evaluations.command("failover")(failover_)
    evaluations.command("several")(several_)


def restore_drill_(
    seconds: Annotated[float, typer.Option(help="How long is written before the moment, and as long after it.")] = 20.0,
    sealed: Annotated[bool, typer.Option(help="Encrypt the backup.")] = True,
    as_json: Json = False,
) -> None:
    """Write, back up, write on, restore a moment in between: nothing acknowledged before it is missing, nothing after it there."""

    async def work() -> RestoreDrill:
        with open_folder() as folder:
            return await restore_drill(folder, seconds, bytes(range(32)) if sealed else None)

    told(run(work), as_json=as_json)


def failover_(
    kills: Annotated[int, typer.Option("--n", min=1, help="How often the primary is killed.")] = 20,
    seed: Annotated[int, typer.Option(help="The same kills for the same seed.")] = 1,
    as_json: Json = False,
) -> None:
    """Kill -9 the primary under acknowledged load, again and again: nothing acknowledged is lost, it serves again, the dead stay fenced."""

    async def work() -> FailoverDrill:
        with open_folder() as folder:
            return await failover_drill(folder, kills, seed)

    told(run(work), as_json=as_json)


def several_(
    notices: Annotated[int, typer.Option(min=1, help="How many messages the workers share.")] = 500,
    as_json: Json = False,
) -> None:
    """Two workers and two webs, each in a network of its own: every message goes out once, every open page hears of it."""

    async def work() -> SeveralDrill:
        with open_folder() as folder:
            return await several_in_networks(folder, notices)

    told(run(work), as_json=as_json)


@contextmanager
def open_folder(within: Path | None = None) -> Iterator[Path]:
    """A folder that others may enter: the embedded server may run as a user of its own."""
    with tempfile.TemporaryDirectory(prefix="bedrock-drill-", dir=within, ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def told(drill: RestoreDrill | FailoverDrill | SeveralDrill, *, as_json: bool) -> None:
    """Shows what came of a drill; exit 1 where it failed."""
    figures = {**asdict(drill), "passed": drill.passed}
    if as_json:
        printed_json(figures)
    else:
        table = Table("Figure", "Value", title=type(drill).__name__)
        for name, value in figures.items():
            table.add_row(name.replace("_", " "), f"{value:,.2f}" if isinstance(value, float) else str(value))
        console.print(table)
    if not drill.passed:
        raise typer.Exit(1)
