"""`bedrock eval ledger`: the books against a model of them, and against every bug that somebody could have made."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import psycopg
import typer
from psycopg import conninfo, sql

from api.cli import Json, console, printed_json, run
from api.serve import database
from api.settings import Settings
from evals.ledger.bugs import BUGS, Bug, plant
from evals.ledger.drive import Found, driven

# A bug that so many steps do not show is one that the run does not notice.
STEPS_FOR_A_BUG: Final = 8_000


def add_ledger(evaluations: typer.Typer) -> None:
    evaluations.command("ledger")(ledger)


def ledger(
    steps: Annotated[int, typer.Option(help="How many things happen to money.")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="The same seed, the same steps.")] = 1,
    bugs: Annotated[bool, typer.Option("--bugs", help="Plant each known bug instead, and see whether it is found.")] = False,
    as_json: Json = False,
) -> None:
    """Bills, payments, credits, refunds, reversals, disputes: the real tables beside a model, every invariant asked after each round."""
    with home_of_its_own() as home:
        found = run(lambda: bugs_found(home, BUGS, seed) if bugs else whole_run(home, steps, seed))
    if as_json:
        printed_json({name: asdict(one) for name, one in found.items()})
    else:
        for name, one in found.items():
            console.print(f"{name}: {one.error or one.broken or 'nothing broke'}", highlight=False)
            console.print(f"[dim]  {one.steps:,} steps, {one.refused:,} rightly refused, {one.races:,} races, {one.checks:,} checks[/]")
    # A run that could not be finished says nothing about the books, and is not a bug found.
    if any(one.error for one in found.values()):
        raise typer.Exit(2)
    if any(bool(one.broken) != bugs for one in found.values()):
        raise typer.Exit(1)


async def whole_run(home: Path, steps: int, seed: int) -> dict[str, Found]:
    async with database(Settings(home=home)) as url:
        return {"the books": await driven(url, steps, seed)}


async def bugs_found(home: Path, bugs: Sequence[Bug], seed: int) -> dict[str, Found]:
    """A run over a fresh copy of the books for each bug, and what it found: "" where it did not notice."""
    async with database(Settings(home=home)) as url:
        return {bug.name: await _with_bug(url, bug, number, seed) for number, bug in enumerate(bugs)}


async def _with_bug(url: str, bug: Bug, number: int, seed: int) -> Found:
    with copied(url, f"bug_{number}") as copy:
        plant(copy, bug)
        return await driven(copy, STEPS_FOR_A_BUG, seed)


@contextmanager
def copied(url: str, name: str) -> Iterator[str]:
    """A database beside the one at `url`, with the same content; gone afterwards."""
    parts = conninfo.conninfo_to_dict(url)
    server = conninfo.make_conninfo(url, dbname="postgres")
    new, old = sql.Identifier(name), sql.Identifier(str(parts["dbname"]))
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(new, old))
        yield conninfo.make_conninfo(url, dbname=name)
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(new))


@contextmanager
def home_of_its_own() -> Iterator[Path]:
    """A folder that others may enter, for the embedded server may run as a user of its own; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bedrock-ledger-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103
        yield Path(folder)
