"""`bedrock import customers`: a CSV file of customers, row by row."""

import asyncio
import uuid
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli import Json, console, imports, opened, printed_json, run
from api.inbound.customers import RowTaken, import_customers, rows_read
from api.settings import Settings
from atlas.identity import CorrelationId


def add_customers() -> None:
    imports.command("customers")(customers)


def customers(
    file: Annotated[
        Path, typer.Argument(help="CSV with the columns name, given_name, kind, phone, email, language, birth_date.", exists=True)
    ],
    region: Annotated[str, typer.Option(help="Where numbers without a country code are from, as in GB or BR.")] = "GB",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would become of each row, and write nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Register the people of a file; who is on file already, or cannot be read, is listed with why. Exit 1 where a row was not taken."""

    async def work() -> list[RowTaken]:
        settings = Settings()
        rows = await asyncio.to_thread(lambda: list(rows_read(file, region.upper(), settings.timezone)))
        async with opened(settings) as here:
            return await import_customers(here.forge, rows, CorrelationId(uuid.uuid4()), is_dry=dry_run)

    taken = run(work)
    left = [one for one in taken if one.became not in ("registered", "would_be_registered")]
    if as_json:
        printed_json([asdict(one) for one in taken])
    else:
        table = Table("Line", "Name", "Became", "Why")
        for one in left:
            table.add_row(str(one.line), one.name, one.became, one.why)
        console.print(", ".join(f"{count:,} {became.replace('_', ' ')}" for became, count in Counter(one.became for one in taken).items()))
        if left:
            console.print(table)
    if left:
        raise typer.Exit(1)
