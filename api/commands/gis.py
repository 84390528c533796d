"""`bedrock gis`: premises, coverage and plant as files of GeoJSON and CSV, out and in."""

import asyncio
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli import Email, Json, colleague_here, console, opened, password_of, printed_json, run
from api.inbound.places import Taken, import_places
from api.places.availability import Filing, as_list, filing
from api.places.columns import Layer
from api.places.reading import rows_read
from api.places.writing import Place, as_csv, as_geojson
from api.settings import Settings
from atlas.errors import InvalidField
from atlas.gis.reads import coverage_drawn, plant_placed, premises_placed
from atlas.identity import CorrelationId
from atlas.principal import Zone, executor
from atlas.statements import Connection

gis = typer.Typer(no_args_is_help=True, help="Places: premises, coverage and plant as files.")
WRITERS = {".geojson": as_geojson, ".json": as_geojson, ".csv": as_csv}
What = Annotated[Layer, typer.Argument(help="premises, coverage or plant.")]


def add_gis(app: typer.Typer) -> None:
    app.add_typer(gis, name="gis")


@gis.command("export")
def export(what: What, file: Annotated[Path, typer.Argument(help="NAME.geojson or NAME.csv; what is there is overwritten.")]) -> None:
    """Write premises, coverage or plant to a file: GeoJSON (RFC 7946) or CSV, the same bytes for the same places."""

    async def work() -> int:
        writer = WRITERS.get(file.suffix.lower())
        if writer is None:
            raise InvalidField("file", f"{file.name} is none of {', '.join(WRITERS)}")
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(executor("cli")) as conn:
            places = await placed(conn, what)
        await asyncio.to_thread(file.write_text, writer(what, places), encoding="utf-8", newline="")
        return len(places)

    console.print(f"{run(work):,} rows of {what.value} in {file}.", highlight=False)


async def placed(conn: Connection, what: Layer) -> list[Place]:
    match what:
        case Layer.PREMISES:
            return [*await premises_placed(conn)]
        case Layer.COVERAGE:
            return [*await coverage_drawn(conn)]
        case Layer.PLANT:
            return [*await plant_placed(conn)]


@gis.command("bdc")
def bdc(
    file: Annotated[Path, typer.Argument(help="NAME.csv; what is there is overwritten.")],
    provider: Annotated[int, typer.Option(help="Our six digits at the FCC.", min=100_000, max=999_999)],
    brand: Annotated[str, typer.Option(help="The name we sell under.")],
    wireless: Annotated[int, typer.Option(help="70 without a licence, 71 with one, 72 by rule.", min=70, max=72)] = 70,
) -> None:
    """Write the FCC's list of locations (BDC fixed availability) from plant and catalogue. Exit 1 where a premise is left out."""

    async def work() -> Filing:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(executor("cli")) as conn:
            found = await filing(conn, here.forge.now().astimezone(here.forge.timezone).date(), wireless)
        await asyncio.to_thread(file.write_text, as_list(found.lines, provider, brand), encoding="utf-8", newline="")
        return found

    found = run(work)
    console.print(f"{len(found.lines):,} lines in {file}; {len(found.unfiled):,} premises are left out.", highlight=False)
    if found.unfiled:
        left = Table("Premise", "Field", "Why")
        for one in found.unfiled:
            left.add_row(one.address, one.field, one.reason)
        console.print(left)
        raise typer.Exit(1)


@gis.command("import")
def import_(
    what: What,
    file: Annotated[Path, typer.Argument(help="GeoJSON, CSV or a shapefile (.shp), with the columns that an export has.", exists=True)],
    email: Email = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would become of each row, and ask for nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Take in premises or coverage, in your name; a row that cannot be taken is listed with its field and why. Exit 1 where one was not."""
    password = password_of(email, dry_run=dry_run)

    async def work() -> Taken:
        rows = await asyncio.to_thread(rows_read, file, what)
        async with opened(Settings()) as here:
            me = executor("import") if dry_run else await colleague_here(here, email, password)
            return await import_places(here.forge, me, what, rows, CorrelationId(uuid.uuid4()), is_dry=dry_run)

    taken = run(work)
    if as_json:
        printed_json(asdict(taken))
    else:
        show(taken)
    if not taken.is_whole:
        raise typer.Exit(1)


def show(taken: Taken) -> None:
    console.print(f"{taken.new:,} new, {taken.changed:,} changed, {taken.same:,} the same, {len(taken.refused):,} refused.")
    if taken.asked:
        asked = Table("Request", "State", "Rows", "Why")
        for one in taken.asked:
            asked.add_row(one.reference, one.state, str(one.rows), one.why)
        console.print(asked)
    if taken.refused:
        refused = Table("Row", "Field", "Why")
        for row in taken.refused:
            refused.add_row(str(row.row), row.field, row.reason)
        console.print(refused)
