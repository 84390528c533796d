"""`bedrock eval webhooks` and `bedrock eval inbound`: who is believed, and that each message is there once."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer
from rich.table import Table

from api.bootstrap import configure_logging
from api.cli import Json, console, printed_json, run
from api.settings import Settings
from evals.campaign.commands import KEPT, home_of_its_own, quiet
from evals.inbound.delivery import delivered
from evals.inbound.webhooks import evaluated

SLOWEST_MS: Final = 100.0
Seed = Annotated[int, typer.Option("--seed", help="The same calls for the same seed.")]


def add_inbound(evaluations: typer.Typer) -> None:
    evaluations.command("webhooks")(webhooks)
    evaluations.command("inbound")(inbound)


def webhooks(
    how_many: Annotated[int, typer.Option("--n", help="How many changed calls are judged.")] = 100_000,
    seed: Seed = 1,
    genuine: Annotated[int, typer.Option(help="Genuine calls through each of the eight layouts.")] = 50,
    wired: Annotated[int, typer.Option(help="Changed calls through each layout.")] = 100,
    as_json: Json = False,
) -> None:
    """Changed calls are never believed, genuine ones never refused, whatever proxy stands between."""
    configure_logging("json")
    with home_of_its_own() as home, quiet(KEPT, "webhooks"):
        found = run(lambda: evaluated(Settings(home=home), how_many, seed, genuine, wired))
    shown("Webhooks", found.as_rows(), as_json=as_json)
    if not found.holds:
        raise typer.Exit(1)


def inbound(
    messages: Annotated[int, typer.Option()] = 10_000,
    deliveries: Annotated[int, typer.Option(help="How often each message is delivered.")] = 8,
    kills: Annotated[int, typer.Option(help="How often a web process is killed meanwhile.")] = 50,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Messages delivered again and again to processes that are killed: none lost, none doubled, p95 at most 100 ms."""
    with home_of_its_own() as home, quiet(KEPT, "inbound"):
        found = run(lambda: delivered(Settings(home=home), messages, deliveries, kills, seed))
    shown("Messages in", found.as_rows(), as_json=as_json)
    if not found.holds or found.p95_ms > SLOWEST_MS:
        raise typer.Exit(1)


def shown(title: str, rows: Sequence[tuple[str, str, str]], *, as_json: bool) -> None:
    if as_json:
        printed_json([{"what": what, "figure": figure, "note": note} for what, figure, note in rows])
        return
    table = Table("What", "Figure", "", title=title)
    for row in rows:
        table.add_row(*row)
    console.print(table)
