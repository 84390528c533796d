"""`bedrock eval scenarios`: plays them, shows what they came to, and fails where something is worse than was accepted."""

import json
import logging
from pathlib import Path
from typing import Annotated, Final

import structlog
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.chat import provider_of
from api.cli import console, run
from api.settings import Settings
from atlas.modules import MODULES
from evals.accepted import accept, drops
from evals.confusion import Confusion, confusion_table
from evals.mutants import all_mutants, drawn
from evals.mutating import ENOUGH_NOTICED, each_noticed, in_words, mutant_table, share_noticed
from evals.page import as_page
from evals.reports import Trials, as_json, as_junit, table
from evals.routing import confusions
from evals.run import play_all
from evals.scenario import Scenario, scenarios
from evals.score import Judgement

RULES: Final = "rules"


def evaluate(
    modules: Annotated[list[str] | None, typer.Argument(help="Only these modules' scenarios; all, where none is named.")] = None,
    named: Annotated[str, typer.Option(help="Only those with this in their name, as in billing/why.")] = "",
    k: Annotated[int, typer.Option(min=1, max=64, help="How often each is played; pass^k is that all of them pass.")] = 1,
    with_provider: Annotated[bool, typer.Option("--provider", help="Answer with the configured model provider.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write figures and every trial here.")] = None,
    junit_file: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML here.")] = None,
    html_file: Annotated[Path | None, typer.Option("--html", help="Write one page with every transcript here.")] = None,
    mutate: Annotated[int, typer.Option(min=0, help="Instead: break so many tools, rules and prompts, one at a time; who notices?")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed breaks the same.")] = 1,
    is_accepted: Annotated[
        bool, typer.Option("--accept", help="Take what this comes to as what may not be lost (evals/accepted.json).")
    ] = False,
) -> None:
    """Play the scenarios, each in its own copy of the demo ISP, and judge them: state first, words second."""
    chosen = chosen_of(modules or list(MODULES), named)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if mutate:
        mutants_noticed(chosen, mutate, seed)
        return
    if is_accepted and named:
        raise typer.BadParameter("what is accepted counts whole modules: --accept goes without --named")
    provider = provider_of(Settings()) if with_provider else None
    if with_provider and provider is None:
        raise typer.BadParameter("no model provider is configured")
    model = provider.agent_model if provider else RULES
    played = played_with_bar(chosen, k, with_provider=with_provider)
    console.print(table(played, model))
    # Who is asked first is everybody's: it is routed where all of them are played.
    routed = run(confusions) if not named and not modules else []
    for one in routed:
        console.print(confusion_table(one))
    write(played, model, routed, json_file, junit_file, html_file)
    if is_accepted:
        accept(played, model)
        return
    lost = drops(played, model, is_whole=not named)
    for what in lost:
        console.print(f"[red]worse than accepted: {what}[/]", highlight=False)
    if lost:
        raise typer.Exit(1)


def mutants_noticed(chosen: list[Scenario], many: int, seed: int) -> None:
    """Fails where fewer than four of five are noticed."""
    mutants = drawn(all_mutants(chosen), many, seed)
    found = run(lambda: each_noticed(mutants, chosen, lambda one: console.print(in_words(one), highlight=False)))
    console.print(mutant_table(found))
    if share_noticed(found) < ENOUGH_NOTICED:
        raise typer.Exit(1)


def chosen_of(modules: list[str], named: str) -> list[Scenario]:
    """The scenarios asked for. Raises BadParameter, naming what is not there."""
    unknown = set(modules) - set(MODULES)
    if unknown:
        raise typer.BadParameter(f"there is no module {', '.join(sorted(unknown))}; there are {', '.join(MODULES)}")
    chosen = list(scenarios(tuple(modules), named))
    if not chosen:
        raise typer.BadParameter(f"no scenario is called {named}")
    return chosen


def write(
    played: list[Trials], model: str, routed: list[Confusion], json_file: Path | None, junit_file: Path | None, html_file: Path | None
) -> None:
    if json_file:
        json_file.write_text(json.dumps(as_json(played, model, routed), indent=1))
    if junit_file:
        junit_file.write_text(as_junit(played))
    if html_file:
        html_file.write_text(as_page(played, model, routed))


def played_with_bar(chosen: list[Scenario], trials: int, *, with_provider: bool) -> list[Trials]:
    columns = (TextColumn("{task.description:<56}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("making the world", total=len(chosen) * trials)

        def tell(one: Judgement) -> None:
            bar.update(task, description=one.scenario.title[:56], advance=1)

        async def work() -> list[Trials]:
            return list(await play_all(chosen, provider_of(Settings()) if with_provider else None, trials, tell))

        return run(work)
