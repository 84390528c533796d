"""`bedrock eval kills`."""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.bootstrap import configure_logging
from api.cli import Json, console, printed_json, run
from api.serve import database
from api.settings import Settings
from evals.demo.quiet import logs_kept_in
from evals.kills.campaign import Figures, campaign, copied, staged
from evals.kills.kinds import ALL
from evals.kills.orders import order_kills
from evals.world.seed import seed as make_world

# The smallest ISP there is: a campaign needs people, not many.
SUBSCRIBERS = 4_000


def add_kills(evaluations: typer.Typer) -> None:
    evaluations.command("kills")(kills_)
    evaluations.command("order-kills")(order_kills_)


def kills_(
    kills: Annotated[int, typer.Option("--n", min=1, help="How many processes are killed for each kind of effect.")] = 500,
    seed: Annotated[int, typer.Option("--seed", help="The same seed, the same moments.")] = 1,
    kinds: Annotated[list[str] | None, typer.Option("--kind", help=f"Any of: {', '.join(ALL)}. All, where none is named.")] = None,
    at_once: Annotated[int, typer.Option("--at-once", min=1, max=8, help="Kinds side by side, each on a database of its own.")] = 2,
    as_json: Json = False,
    out: Annotated[Path, typer.Option("--out", help="The folder for the log.")] = Path(".bedrock/kills"),
) -> None:
    """Kill -9 at every moment a process can die at, and count what the world outside saw: each effect once."""
    if unknown := set(kinds or ()) - set(ALL):
        raise typer.BadParameter(f"there is no kind {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    out.mkdir(parents=True, exist_ok=True)
    configure_logging("json")
    with logs_kept_in(out / "kills.log"):
        figures = run(lambda: killed(kinds or list(ALL), kills, seed, at_once))
    if as_json:
        printed_json([one.as_row() for one in figures])
    else:
        console.print(table(figures))
    for one in figures:
        for what in one.broken[:5]:
            console.print(f"[red]{one.kind}[/] {what}", highlight=False)
    if not all(one.holds for one in figures):
        raise typer.Exit(1)


def order_kills_(
    orders: Annotated[int, typer.Option("--orders", min=1, help="How many orders have their process killed.")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="The same seed, the same moments.")] = 1,
    as_json: Json = False,
    out: Annotated[Path, typer.Option("--out", help="The folder for the log.")] = Path(".bedrock/kills"),
) -> None:
    """Kill -9 at every boundary of the steps of orders: nothing stuck, nothing leaked, nothing charged twice; exit 1 otherwise."""
    out.mkdir(parents=True, exist_ok=True)
    configure_logging("json")
    with logs_kept_in(out / "order-kills.log"):
        found = run(lambda: order_kills(orders, seed))
    if as_json:
        printed_json([{"what": what, "figure": figure, "reach": reach} for what, figure, reach in found.as_rows()])
    else:
        shown = Table("Order kills", "Figure", "Reach")
        for row in found.as_rows():
            shown.add_row(*row)
        console.print(shown)
        for what in found.figures.broken[:5]:
            console.print(f"[red]broken[/] {what}", highlight=False)
    if not found.holds:
        raise typer.Exit(1)


async def killed(kinds: Sequence[str], kills: int, seed: int, at_once: int) -> list[Figures]:
    """The kinds shared among `at_once` databases of one embedded server."""
    shares = [list(kinds)[nth::at_once] for nth in range(at_once)]
    with tempfile.TemporaryDirectory(prefix="bedrock-kills-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103
        settings = Settings(home=Path(folder), database_url=None)
        async with database(settings) as url:
            await asyncio.to_thread(make_world, url, subscribers=SUBSCRIBERS, now=datetime.now(UTC))
            async with AsyncExitStack() as stack:
                copies = [await stack.enter_async_context(copied(url, f"kills_{nth}")) for nth, share in enumerate(shares) if share]
                each = [on_one(copy, settings.secret, share, kills, seed) for copy, share in zip(copies, shares, strict=False)]
                return [figures for some in await asyncio.gather(*each) for figures in some]


async def on_one(url: str, secret: bytes, kinds: Sequence[str], kills: int, seed: int) -> list[Figures]:
    async with staged(url, secret) as stage:
        return await campaign(stage, kinds, kills, seed, tell)


def tell(one: Figures) -> None:
    verdict = "holds" if one.holds else "[red]does not hold[/]"
    console.print(f"[dim]{one.kind} {one.way}: {one.kills} kills in {one.seconds:.0f} s, {verdict}[/]", highlight=False)


def table(figures: Sequence[Figures]) -> Table:
    shown = Table("Effect", "Way", "Kills", "Moments", "Covered", "Killed twice", "Lost", "Doubled", "Unfinished", "In doubt", "Seconds")
    for one in figures:
        row = one.as_row()
        names = ("kills", "moments", "covered", "killed_twice", "lost", "doubled", "unfinished", "in_doubt", "seconds")
        shown.add_row(one.kind, one.way, *(str(row[name]) for name in names))
    return shown
