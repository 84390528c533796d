"""`bedrock billing`: what must hold of the books, and what the payment provider says beside what we have."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli import Json, console, opened, printed_json, run
from api.settings import Settings
from atlas.principal import Zone
from forge.books import BooksChecked, Reconciled, check_books, reconciled
from forge.outside.statement import StatementFile

billing = typer.Typer(no_args_is_help=True, help="The books: what must hold of them, and what the provider says.")


def add_billing(app: typer.Typer) -> None:
    app.add_typer(billing, name="billing")


@billing.command()
def invariants(as_json: Json = False) -> None:
    """Ask now what is asked of the books every night, and keep the result; exit 1 where something does not hold."""

    async def work() -> BooksChecked:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here:
            return await check_books(here.atlas, datetime.now(UTC))

    checked = run(work)
    if as_json:
        printed_json(asdict(checked))
    elif not checked.broken:
        console.print(f"The books hold: {checked.invariants} invariants, nothing breaks one.")
    else:
        table = Table("What must hold", "Does not for", "Expected", "Found")
        for one in checked.broken:
            table.add_row(one.invariant, one.subject, str(one.expected), str(one.found))
        console.print(table)
    if checked.broken:
        raise typer.Exit(1)


@billing.command()
def reconcile(
    statement: Annotated[Path, typer.Argument(help="The provider's list: a CSV with reference, amount and at.", exists=True)],
    days: Annotated[int, typer.Option(help="How many days back, until now.")] = 7,
    as_json: Json = False,
) -> None:
    """Lay the provider's payments beside ours; nothing is changed. Exit 1 where they differ."""
    until = datetime.now(UTC)

    async def work() -> Reconciled:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here:
            return await reconciled(here.atlas, StatementFile(statement), until - timedelta(days=days), until)

    found = run(work)
    if as_json:
        printed_json(asdict(found))
    else:
        console.print(f"{found.agree:,} payments agree, {len(found.differences):,} do not.")
        for one in found.differences:
            console.print(f"  {one.reference}: we have {one.kept or 'nothing'}, the provider {one.reported or 'nothing'}", highlight=False)
    if found.differences:
        raise typer.Exit(1)
