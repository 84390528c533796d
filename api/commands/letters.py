"""`bedrock letters`: what is said on paper, to whom no other way leads."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli import Json, console, opened, printed_json, run
from api.settings import Settings
from atlas.principal import Zone
from forge.spool import LetterStanding, came_back, hand_out, spooled

letters = typer.Typer(no_args_is_help=True, help="Letters on paper: the spool that whoever prints and posts for us takes.")


def add_letters(app: typer.Typer) -> None:
    app.add_typer(letters, name="letters")


@letters.command("list")
def listed(as_json: Json = False) -> None:
    """The latest letters: whose, about what, and whether they were posted, counted as delivered, or came back."""

    async def work() -> list[LetterStanding]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here:
            return await spooled(here.atlas)

    found = run(work)
    if as_json:
        printed_json([asdict(one) for one in found])
        return
    table = Table("Letter", "Customer", "About", "Pages", "Printed", "Stands")
    for one in found:
        stands = (
            "came back" if one.returned_at else "delivered" if one.is_delivered else "posted" if one.posted_at else "waits to be posted"
        )
        about = one.purpose.replace("_", " ")
        table.add_row(one.reference, str(one.customer_id), about, str(one.pages), f"{one.printed_at:%Y-%m-%d %H:%M}", stands)
    console.print(table if found else "No letter was printed.")


@letters.command()
def export(folder: Annotated[Path, typer.Argument(help="An empty folder, or one that is made: a PDF a letter, and index.csv.")]) -> None:
    """Write every letter that waits into a folder, with an index (id, address, pages, sha256); from now on they count as posted."""

    async def work() -> int:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here:
            return await hand_out(here.atlas, folder, datetime.now(UTC))

    written = run(work)
    console.print(f"{written} letters are in {folder}; they count as posted." if written else "No letter waits to be posted.")


@letters.command()
def returned(reference: Annotated[str, typer.Argument(help="As it stands in the index: LT-12.")]) -> None:
    """Keep that a posted letter came back: what it said reached nobody, and nobody is cut off for it."""

    async def work() -> None:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here:
            await came_back(here.atlas, reference, datetime.now(UTC))

    run(work)
    console.print(f"{reference} came back; its customer was not told.")
