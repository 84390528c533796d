"""`bedrock import offerings`: a YAML file of what is to be sold, each asked for in your name."""

import asyncio
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli import Email, Json, colleague_here, console, imports, opened, password_of, printed_json, run
from api.inbound.offerings import OfferingTaken, import_offerings
from api.settings import Settings
from atlas.identity import CorrelationId
from atlas.principal import executor


def add_offerings() -> None:
    imports.command("offerings")(offerings)


def offerings(
    file: Annotated[Path, typer.Argument(help="YAML: a list of offerings; api/README.md shows one.", exists=True)],
    email: Email = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would become of each, and ask for nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Put offerings on sale, in your name; somebody else has to agree to each. One that cannot be is listed with its field. Exit 1 then."""
    password = password_of(email, dry_run=dry_run)

    async def work() -> list[OfferingTaken]:
        text = await asyncio.to_thread(file.read_text, encoding="utf-8-sig")
        async with opened(Settings()) as here:
            me = executor("import") if dry_run else await colleague_here(here, email, password)
            return await import_offerings(here.forge, me, text, CorrelationId(uuid.uuid4()), is_dry=dry_run)

    taken = run(work)
    if as_json:
        printed_json([asdict(one) for one in taken])
    else:
        table = Table("Place", "Offering", "Became", "Request", "Why")
        for one in taken:
            table.add_row(str(one.place), one.code, one.became, one.reference, one.why)
        console.print(table)
    if any(one.became == "wrong" for one in taken):
        raise typer.Exit(1)
