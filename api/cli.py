"""`bedrock`: the command line of the operator. seed, demo, eval and bench are added by evals/cli.py."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import typer
import uvloop
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from api.bootstrap import House, configure_logging, house
from api.serve import database, platform, until_stopped
from api.settings import Settings
from atlas.errors import AtlasError
from atlas.itsm import reads as itsm
from atlas.itsm.records import Incident
from atlas.principal import Zone, executor

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Bedrock, the AI-native operating system for ISPs.")
console = Console()
Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")]
Answer = TypeVar("Answer")


def run(work: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
    """Runs one command to its end; what can happen is said in a sentence, not a traceback."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work())
    except AtlasError as error:
        console.print(f"[red]{type(error).__name__}[/]: {error}", highlight=False)
        raise typer.Exit(1) from error


@asynccontextmanager
async def opened(settings: Settings, zones: tuple[Zone, ...] = (Zone.EXECUTOR, Zone.STAFF)) -> AsyncIterator[House]:
    """The house on the running database, or on the embedded one started for this command."""
    async with database(settings) as url:
        handed = settings.model_copy(update={"database_url": SecretStr(url)})
        async with house(handed, zones, most=4) as one:
            yield one


def printed_json(answer: Any) -> None:
    typer.echo(json.dumps(answer, default=str, indent=2))


@app.command()
def serve() -> None:
    """Run the platform: Atlas, doors, workers and the console, until Ctrl-C."""
    run(served)


async def served() -> None:
    settings = Settings()
    configure_logging("console")
    async with database(settings) as url, platform(settings, url, lambda step: console.print(f"[dim]{step}[/]")) as addresses:
        for name, address in addresses.items():
            console.print(f"  {name:<12} {address}", highlight=False)
        console.print("Bedrock is serving. Ctrl-C stops it.")
        await until_stopped()


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""

    async def work() -> None:
        async with database(Settings()):
            console.print("The schema is the newest.")

    run(work)


@app.command()
def incidents(as_json: Json = False, most: int = 20) -> None:
    """Incidents, those in progress first."""

    async def work() -> list[Incident]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(executor("cli")) as conn:
            return await itsm.incidents(conn, most)

    found = run(work)
    if as_json:
        printed_json([asdict(one) for one in found])
    else:
        console.print(incident_table(found))


def incident_table(found: list[Incident]) -> Table:
    table = Table("Incident", "State", "Cause", "Root", "Devices", "Lines out", "Alarms", "Since")
    for one in found:
        since = one.first_alarm_at.strftime("%d %b %H:%M:%S")
        table.add_row(
            f"INC-{one.incident_id}",
            one.state.value,
            one.cause,
            one.root_name,
            f"{one.devices_out} of {one.devices}",
            f"{one.subscribers_out} of {one.subscribers}",
            str(one.alarms),
            since,
        )
    return table


imports = typer.Typer(no_args_is_help=True, help="Put a network of your own in.")
app.add_typer(imports, name="import")
audit = typer.Typer(no_args_is_help=True, help="The trail of every action.")
app.add_typer(audit, name="audit")


def main() -> None:
    app()
