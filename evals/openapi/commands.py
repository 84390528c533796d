"""`bedrock eval api`."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from api.app import web_app
from api.bootstrap import configure_logging, house
from api.cli import Json, console, printed_json, run
from api.serve import database
from api.settings import Settings
from atlas.principal import Zone
from evals.demo.quiet import logs_kept_in
from evals.drills.commands import open_folder
from evals.openapi.callers import callers
from evals.openapi.campaign import Judged, judged
from evals.world.seed import seed

SUBSCRIBERS = 4_000


def add_api(evaluations: typer.Typer) -> None:
    evaluations.command("api")(api_)


def api_(
    each: Annotated[int, typer.Option("--n", min=1, help="Requests of each operation, as nobody, as staff and as a machine.")] = 100,
    number: Annotated[int, typer.Option("--seed", help="The same requests from the same seed.")] = 1,
    as_json: Json = False,
) -> None:
    """Call every operation of the OpenAPI document: nothing breaks, and every answer is as the document says."""

    async def work() -> Judged:
        with open_folder() as folder:
            configure_logging("json")
            with logs_kept_in(folder / "api.log"):
                return await campaign(folder, each, number)

    told(run(work), as_json=as_json)


async def campaign(folder: Path, each: int, number: int) -> Judged:
    """On a demo ISP of its own in `folder`, so that there is something to be found."""
    settings = Settings(home=folder, database_url=None)
    async with database(settings) as url:
        seed(url, subscribers=SUBSCRIBERS, now=datetime.now(UTC))
        handed = settings.model_copy(update={"database_url": SecretStr(url)})
        async with house(handed, (Zone.STAFF, Zone.EXECUTOR)) as here:
            app = web_app(here)
            return await judged(app, here.atlas, await callers(here.atlas, app.state.room), each, number)


def told(found: Judged, *, as_json: bool) -> None:
    """Shows what came of it; exit 1 where something broke or did not conform."""
    figures = {**asdict(found), "operations": len(found.operations), "passed": found.passed}
    if as_json:
        printed_json(figures)
    else:
        statuses = ", ".join(f"{count:,} × {status}" for status, count in sorted(found.statuses.items()))
        console.print(f"{found.calls:,} calls of {len(found.operations)} operations: {statuses}.", highlight=False)
        for failure in found.failures:
            console.print(f"[red]✗[/] {failure}", highlight=False)
        console.print("Nothing broke, and every answer was as the document says." if found.passed else "[red]Something is otherwise.[/]")
    if not found.passed:
        raise typer.Exit(1)
