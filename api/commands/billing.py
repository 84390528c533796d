"""`bedrock billing`: what must hold of the books, and what the payment provider says beside what we have."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli import Json, console, opened, printed_json, run
from api.settings import Settings
from atlas.billing.reads.leaks import leaks as standing_leaks
from atlas.billing.records.leaks import Leak
from atlas.principal import Zone, executor
from forge.books import BooksChecked, Reconciled, check_books, reconciled
from forge.invoices.documents import document
from forge.leaks import look_at_all
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
def invoice(
    number: Annotated[int, typer.Argument(help="The number that is printed on it.")],
    pdf: Annotated[Path, typer.Option(help="Where the document is written; the same bytes every time.")],
) -> None:
    """Write an issued bill as the PDF that its customer has."""

    async def work() -> bytes:
        settings = Settings()
        async with opened(settings, (Zone.EXECUTOR,)) as here:
            return await document(here.atlas, number, settings.operator)

    made = run(work)
    pdf.write_bytes(made)
    console.print(f"Invoice {number}: {len(made):,} octets in {pdf}.")


@billing.command()
def leaks(as_json: Json = False) -> None:
    """Look at every line now, and list where billing, provisioning, sessions and inventory do not agree; exit 1 where something leaks."""

    async def work() -> list[Leak]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here:
            await look_at_all(here.atlas)
            async with here.atlas.transaction(executor("cli")) as conn:
                return await standing_leaks(conn)

    found = run(work)
    if as_json:
        printed_json([asdict(one) for one in found])
    else:
        table = Table("Leak", "Kind", "Line", "Customer", "What", "A month")
        for one in found:
            table.add_row(str(one.id), one.kind.value, str(one.subscriber_id), one.name, one.detail, str(one.monthly))
        console.print(table if found else "Nothing leaks.")
    if found:
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
