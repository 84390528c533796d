"""`bedrock import offerings`: a YAML file of what is to be sold, each asked for in your name."""

import asyncio
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli import Email, Json, console, imports, opened, printed_json, run, signed_in_here
from api.inbound.offerings import OfferingTaken, import_offerings
from api.settings import Settings
from atlas.identity import CorrelationId
from atlas.principal import executor, in_session, staff
from forge.sign_in.passwords import SignInRefused
from forge.sign_in.sessions import signed_in


def add_offerings() -> None:
    imports.command("offerings")(offerings)


def offerings(
    file: Annotated[Path, typer.Argument(help="YAML: a list of offerings; api/README.md shows one.", exists=True)],
    email: Email = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would become of each, and ask for nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Put offerings on sale, in your name; somebody else has to agree to each. One that cannot be is listed with its field. Exit 1 then."""
    if not dry_run and not email:
        raise typer.BadParameter("say who you are with --as, or only look with --dry-run")
    password = "" if dry_run else typer.prompt("Password", hide_input=True)

    async def work() -> list[OfferingTaken]:
        text = await asyncio.to_thread(file.read_text, encoding="utf-8-sig")
        async with opened(Settings()) as here:
            me = executor("import")
            if not dry_run:
                token = await signed_in_here(here, email, password)
                known = await signed_in(here.atlas, token)
                if known is None:
                    raise SignInRefused
                me = in_session(staff(known.staff_id, known.name, frozenset(known.roles)), token.fingerprint)
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
