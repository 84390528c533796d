"""`bedrock`, whole: the operator's commands and those that play, measure and judge. May import everything; nothing imports it."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from typer.core import TyperGroup

from api.bootstrap import configure_logging, house
from api.cli import Json, app, console, printed_json, run
from api.commands.access import add_access
from api.commands.backup import add_backup
from api.commands.billing import add_billing
from api.commands.configs import add_configs
from api.commands.customers import add_customers
from api.commands.effects import add_effects
from api.commands.engineers import add_engineers
from api.commands.explaining import add_explaining
from api.commands.fibre import add_fibre
from api.commands.gis import add_gis
from api.commands.inbox import add_inbox
from api.commands.keys import add_keys
from api.commands.letters import add_letters
from api.commands.offerings import add_offerings
from api.commands.orders import add_orders
from api.commands.plans import add_plans
from api.commands.privacy import add_privacy
from api.commands.radius import add_radius
from api.commands.roles import add_roles
from api.commands.sbom import add_sbom
from api.commands.standby import add_standby
from api.serve import database, platform, until_stopped
from api.settings import Settings
from atlas.principal import Zone
from evals.adversary.cli import adversary
from evals.bench import BENCHMARKS, Conditions, Row, as_json, benchmark, table
from evals.campaign.commands import campaigns, home_of_its_own
from evals.demo.billing import billing_year, sentence_of, table_of
from evals.demo.play import play
from evals.demo.quiet import logs_kept_in
from evals.drills.commands import add_drills
from evals.governance.commands import add_governance
from evals.inbound.commands import add_inbound
from evals.inbound.demo import KEY, KNOWN_AS, play_channels
from evals.ledger.commands import add_ledger
from evals.openapi.commands import add_api
from evals.playing import evaluate
from evals.routing import confused
from evals.signup.playing import signed_up
from evals.tasks.commands import add_tasks
from evals.world.seed import Seeded
from evals.world.seed import seed as make_world

Subscribers = Annotated[int, typer.Option(help="How many subscribers the demo ISP has: 4,000 to 1,000,000.")]


@app.command()
def seed(subscribers: Subscribers = 10_000, number: Annotated[int, typer.Option("--seed")] = 1, as_json: Json = False) -> None:
    """Make the demo ISP, if it is not there: the same every time from the same seed."""

    async def work() -> Seeded:
        async with database(Settings()) as url:
            return await seeded_with_bar(url, subscribers, number)

    made = run(work)
    if as_json:
        printed_json(vars(made))
    else:
        verb = "Made" if made.rows else "Found"
        console.print(f"{verb} {made.world}: {made.subscribers:,} subscribers, {made.devices:,} devices, {made.rows:,} rows written.")


async def seeded_with_bar(url: str, subscribers: int, number: int = 1) -> Seeded:
    """Seeds beside the event loop, with a bar for whoever watches."""
    columns = (TextColumn("{task.description:<32}"), BarColumn(), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("the demo ISP", total=None)

        def tell(table_name: str, rows: int) -> None:
            bar.update(task, description=table_name, advance=rows)

        return await asyncio.to_thread(make_world, url, subscribers=subscribers, seed=number, now=datetime.now(UTC), progress=tell)


class Demo(StrEnum):
    """What `bedrock demo` shows."""

    CUT = "cut"
    BILLING = "billing"
    CHANNELS = "channels"
    SIGNUP = "signup"


@app.command()
def demo(
    what: Annotated[
        Demo,
        typer.Argument(help="cut: the whitepaper's; channels: people write, call, type; billing, signup: in databases of their own."),
    ] = Demo.CUT,
    once: Annotated[bool, typer.Option("--once", help="Approve what waits, repair the cut, show the table and stop.")] = False,
    subscribers: Subscribers = 10_000,
) -> None:
    """Make the demo ISP if it is not there, start the platform, play the whitepaper's cut, and show it live."""
    if what is Demo.BILLING:
        billing_shown(subscribers)
    elif what is Demo.SIGNUP:
        signup_shown()
    elif not run(lambda: channels_shown(subscribers) if what is Demo.CHANNELS else demonstrated(once, subscribers)):
        raise typer.Exit(1)


def billing_shown(subscribers: int) -> None:
    """Bills a year and shows it; exit 1 where a number is missing, or the books do not hold."""
    configure_logging("console")
    with tempfile.TemporaryDirectory() as folder, logs_kept_in(Path(folder) / "billing.log"), console.status("a year of bills") as status:
        months = run(lambda: billing_year(status.update, subscribers))
    console.print(table_of(months))
    console.print(sentence_of(months), highlight=False)
    if not all(month.holds for month in months):
        raise typer.Exit(1)


def signup_shown() -> None:
    """Plays one signup from a stranger's first words to the first bill; exit 1 where it did not come so far."""
    configure_logging("console")
    with home_of_its_own() as home:
        log_file = Settings().home / "signup.log"
        log_file.parent.mkdir(parents=True, exist_ok=True)
        console.print(f"[dim]the platform's log is in {log_file}[/]", highlight=False)
        with logs_kept_in(log_file):
            came_through = run(lambda: signed_up(console, Settings(home=home)))
    if not came_through:
        raise typer.Exit(1)


def tell(step: str) -> None:
    console.print(f"[dim]{step}[/]")


async def channels_shown(subscribers: int) -> bool:
    """Four conversations through the doors of the running platform; whether every message was answered."""
    settings = Settings().model_copy(update={"twilio_auth_token": SecretStr(KEY), "webhook_url": KNOWN_AS})
    configure_logging("console")
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database(settings))
        await seeded_with_bar(url, subscribers)
        stack.enter_context(logs_kept_in(settings.home / "demo.log"))
        addresses = (await stack.enter_async_context(platform(settings, url, tell))).addresses
        handed = settings.model_copy(update={"database_url": SecretStr(url)})
        here = await stack.enter_async_context(house(handed, (Zone.EXECUTOR, Zone.STAFF), most=4))
        return await play_channels(console, here, addresses["console"])


async def demonstrated(once: bool, subscribers: int) -> bool:
    """Plays the demo; whether every figure of the whitepaper was met."""
    settings = Settings()
    configure_logging("console")
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database(settings))
        made = await seeded_with_bar(url, subscribers)
        console.print(f"{made.world}: {made.subscribers:,} subscribers on {made.devices:,} devices", highlight=False)
        console.print(f"[dim]the platform's log is in {settings.home / 'demo.log'}[/]", highlight=False)
        stack.enter_context(logs_kept_in(settings.home / "demo.log"))
        addresses = (await stack.enter_async_context(platform(settings, url, tell))).addresses
        handed = settings.model_copy(update={"database_url": SecretStr(url)})
        here = await stack.enter_async_context(house(handed, (Zone.EXECUTOR, Zone.STAFF), most=4))
        met = await play(console, here, addresses, once=once)
        if not once:
            console.print(
                f"The console is at {addresses['console']}; the demo's staff sign in with the password bedrock-demo, Helen Brooks"
            )
            console.print("(billing lead) as helen@example.com and Asha Patel (NOC lead) as asha@example.com. Ctrl-C stops everything.")
            await until_stopped()
        return met


class ScenariosByDefault(TyperGroup):
    """`bedrock eval NAME`: what names no evaluation of its own is a module whose scenarios are played."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = ["scenarios", *args]
        return super().parse_args(ctx, args)


evaluations = typer.Typer(cls=ScenariosByDefault, help="How good it is: scenarios, and what drills and campaigns find.")
app.add_typer(evaluations, name="eval")
add_access(app)
add_backup(app)
add_billing(app)
add_letters(app)
add_radius(app)
add_configs()
add_plans()
add_customers()
add_offerings()
add_standby(app)
add_sbom(app)
add_effects(app)
add_explaining(app)
add_gis(app)
add_fibre(app)
add_roles(app)
add_keys(app)
add_privacy(app)
add_inbox(app)
add_orders(app)
add_engineers(app)
add_drills(evaluations)
add_ledger(evaluations)
add_governance(evaluations)
add_api(evaluations)
add_inbound(evaluations)
add_tasks(evaluations)
evaluations.add_typer(campaigns)


evaluations.command("scenarios")(evaluate)
evaluations.command("adversary")(adversary)
evaluations.command("router")(confused)


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help=f"Any of: {', '.join(BENCHMARKS)}. All, where none is named.")] = None,
    as_json_: Json = False,
    peer: Annotated[bool, typer.Option("--peer", help="Beside it, a peer where one is installed.")] = False,
) -> None:
    """Measure: medians and ratios in one run, beside the floor measured in the same run."""
    unknown = [name for name in names or () if name not in BENCHMARKS]
    if unknown:
        raise typer.BadParameter(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    rows, failed = run(lambda: measured(names or list(BENCHMARKS), peer))
    Path("bench.json").write_text(as_json(rows))
    if as_json_:
        typer.echo(as_json(rows))
    else:
        console.print(table(rows))
    if failed:
        raise typer.Exit(1)


async def measured(names: list[str], peer: bool) -> tuple[list[Row], list[str]]:
    """The rows, and the names of what could not be measured: one that fails takes no other's figures with it."""
    rows: list[Row] = []
    failed: list[str] = []
    # Standard output is for the rows alone.
    progress = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="bedrock-bench-") as folder:
        for name in names:
            progress.print(f"[dim]measuring {name}[/]")
            try:
                rows += await benchmark(name)(Conditions(Path(folder), peer))
            except Exception:  # one benchmark that breaks, in whatever way, takes no figure of the others with it
                progress.print_exception(max_frames=4)
                progress.print(f"[red]{name} was not measured[/]")
                failed.append(name)
    return rows, failed


def main() -> None:
    app()


if __name__ == "__main__":
    main()
