"""`bedrock eval crashes`, `hangs`, `burst` and `faults`: what the platform is when everything around it breaks."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from api.bootstrap import configure_logging
from api.cli import Json, console, printed_json, run
from api.settings import Settings
from evals.campaign.burst import burst
from evals.campaign.campaign import campaign
from evals.campaign.crashes import crashed
from evals.campaign.hangs import measured
from evals.demo.quiet import logs_kept_in

campaigns = typer.Typer()
KEPT = Path(".bedrock/campaign")
Out = Annotated[Path, typer.Option("--out", help="The folder for logs and timelines.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed, the same faults at the same moments.")]


@campaigns.command("crashes")
def crashes(how_many: Annotated[int, typer.Option("--n")] = 100, seed: Seed = 1, as_json: Json = False, out: Out = KEPT) -> None:
    """Kill PostgreSQL again and again under writers: 0 acknowledged writes lost, serving again within ten seconds."""
    with home_of_its_own() as home, quiet(out, "crashes"):
        found = run(lambda: crashed(Settings(home=home), how_many, seed, tell))
    shown("PostgreSQL crashed", found.as_rows(), as_json=as_json)
    if not found.holds:
        raise typer.Exit(1)


@campaigns.command("burst")
def stormed(
    alarms: Annotated[int, typer.Option()] = 300_000,
    stalled_s: Annotated[float, typer.Option("--stalled", help="For so many seconds of it PostgreSQL is a black hole.")] = 0.0,
    as_json: Json = False,
    out: Out = KEPT,
) -> None:
    """Different alarms as fast as the doors take them: none lost, and at most 200 MB more memory."""
    with home_of_its_own() as home, quiet(out, "burst"):
        found = run(lambda: burst(Settings(home=home), alarms, stalled_s, tell))
    shown("A burst of alarms", found.as_rows(), as_json=as_json)
    if not found.holds:
        raise typer.Exit(1)


@campaigns.command("hangs")
def hangs(as_json: Json = False, out: Out = KEPT) -> None:
    """Every kind of wait under black hole, lost answers, latency and reset: none longer than 15 seconds."""
    with home_of_its_own() as home, quiet(out, "hangs"):
        found = run(lambda: measured(Settings(home=home)))
    shown("How long one waits", found.as_rows(), as_json=as_json)
    if not found.holds:
        raise typer.Exit(1)


@campaigns.command("faults")
def faults(
    minutes: Annotated[float, typer.Option(help="How long trouble is made; a minute of quiet comes after it.")] = 30.0,
    seed: Seed = 1,
    faketime: Annotated[Path | None, typer.Option(help="libfaketimeMT.so.1, where it is not in its usual place.")] = None,
    as_json: Json = False,
    out: Out = KEPT,
) -> None:
    """Break everything around a working platform, every 0.1 to 2 seconds, and see whether every invariant holds afterwards."""
    with home_of_its_own() as home, quiet(out, f"faults-{seed}"):
        timeline = out / f"faults-{seed}.timeline.jsonl"
        console.print(f"[dim]what is done, and when, is in {timeline}[/]", highlight=False)
        found = run(lambda: campaign(home, minutes * 60, seed, timeline, faketime=faketime, tell=tell))
    shown("The fault campaign", found.as_rows(), as_json=as_json)
    if not found.holds:
        raise typer.Exit(1)


@contextmanager
def home_of_its_own() -> Iterator[Path]:
    """A folder that others may enter, for the embedded server may run as a user of its own; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bedrock-campaign-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103
        yield Path(folder)


@contextmanager
def quiet(out: Path, name: str) -> Iterator[None]:
    """Keeps the log of this process, and of all that it starts, out of the report."""
    out.mkdir(parents=True, exist_ok=True)
    configure_logging("json")
    console.print(f"[dim]the log is in {out / name}.log[/]", highlight=False)
    with logs_kept_in(out / f"{name}.log"):
        yield


def tell(step: str) -> None:
    console.print(f"[dim]{step}[/]", highlight=False)


def shown(title: str, rows: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        printed_json(dict(rows))
        return
    table = Table("Figure", "Value", title=title)
    for name, value in rows.items():
        table.add_row(name.replace("_", " "), f"{value:,.2f}" if isinstance(value, float) else str(value))
    console.print(table)
