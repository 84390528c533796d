"""`bedrock import topology|fibre`: plans of the network out of files, in your name."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli import Email, Json, colleague_here, console, imports, opened, password_of, printed_json, run
from api.inbound.fibre import import_fibre
from api.inbound.plans import PlanTaken
from api.inbound.topology import import_topology
from api.settings import Settings
from atlas.identity import CorrelationId
from atlas.principal import executor

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would become of each row, and ask for nothing.")]


def add_plans() -> None:
    imports.command("topology")(topology)
    imports.command("fibre")(fibre)


def topology(
    file: Annotated[Path, typer.Argument(help="GraphML, SNDlib JSON, or the devices file of a CSV pair.", exists=True)],
    email: Email = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Put a network in: GraphML (Internet Topology Zoo), SNDlib JSON, or NAME-devices.csv beside NAME-links.csv.

    A row that cannot be taken is listed with its field and why. Exit 1 where one was not.
    """
    taken_in(import_topology, file, email, is_dry=dry_run, as_json=as_json)


def fibre(
    file: Annotated[Path, typer.Argument(help="NAME-cables.csv, with NAME-splices.csv beside it.", exists=True)],
    email: Email = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Put cables and their splices in. A row that cannot be taken is listed with its field and why. Exit 1 where one was not."""
    taken_in(import_fibre, file, email, is_dry=dry_run, as_json=as_json)


def taken_in(importing: Callable[..., Awaitable[PlanTaken]], file: Path, email: str, *, is_dry: bool, as_json: bool) -> None:
    password = password_of(email, dry_run=is_dry)

    async def work() -> PlanTaken:
        async with opened(Settings()) as here:
            me = executor("import") if is_dry else await colleague_here(here, email, password)
            return await importing(here.forge, me, file, CorrelationId(uuid.uuid4()), is_dry=is_dry)

    taken = run(work)
    if as_json:
        printed_json(asdict(taken))
    else:
        show(taken)
    if not taken.is_whole:
        raise typer.Exit(1)


def show(taken: PlanTaken) -> None:
    new = ", ".join(f"{count:,} new {what}" for what, count in taken.new.items())
    console.print(f"{new}, {taken.same:,} the same, {len(taken.refused):,} refused.", highlight=False)
    if taken.asked:
        asked = Table("Request", "State", "Rows", "Why")
        for one in taken.asked:
            asked.add_row(one.reference, one.state, str(one.rows), one.why)
        console.print(asked)
    if taken.refused:
        refused = Table("File", "Row", "Field", "Why")
        for row in taken.refused:
            refused.add_row(row.file, str(row.row), row.field, row.reason)
        console.print(refused)
