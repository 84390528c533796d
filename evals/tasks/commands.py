"""`bedrock eval tasks`: the support tasks of others, played on Bedrock's agents; how many are passed, by kind of issue."""

import logging
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import structlog
import typer

from agents.model import Provider
from api.chat import provider_of
from api.cli import Json, console, printed_json, run
from api.settings import Settings
from evals.tasks.playing import Played, line_for, play_all
from evals.tasks.reports import as_json, table
from evals.tasks.task import Task, TasksMissing, tasks


class Answering(StrEnum):
    """Whose model answers."""

    RULES = "rules"
    PROVIDER = "provider"


def add_tasks(evaluations: typer.Typer) -> None:
    evaluations.command("tasks")(play_tasks)


def play_tasks(
    many: Annotated[int, typer.Option("--n", min=1, help="Only so many, taken evenly from the whole file.")] = 94,
    model: Annotated[Answering, typer.Option(help="rules: the procedure in procedure.yaml; provider: the configured one's model.")] = (
        Answering.RULES
    ),
    is_talkative: Annotated[bool, typer.Option("--talkative", help="Callers say besides what somebody of their manner says.")] = False,
    as_json_: Json = False,
) -> None:
    """Play the telecom support tasks through supervisor, tools and governance. A low figure is a figure: only a crash fails."""
    provider = provider_of(Settings()) if model is Answering.PROVIDER else None
    if model is Answering.PROVIDER and provider is None:
        raise typer.BadParameter("no model provider is configured")
    try:
        chosen = evenly(tasks(), many)
    except TasksMissing as missing:
        console.print(f"[bold yellow]SKIPPED: {missing}; no task was played, no figure was measured[/]")
        return
    played = run(lambda: all_played(chosen, provider, is_talkative=is_talkative, is_silent=as_json_))
    answered_by = provider.agent_model if provider else "rules"
    if as_json_:
        printed_json(as_json(played, answered_by))
    else:
        console.print(table(played, answered_by))


def evenly(found: Sequence[Task], many: int) -> list[Task]:
    """So many of them at equal distances: the file goes from one fault to many, kind by kind."""
    many = min(many, len(found))
    return [found[place * len(found) // many] for place in range(many)]


async def all_played(chosen: Sequence[Task], provider: Provider | None, *, is_talkative: bool, is_silent: bool) -> list[Played]:
    # Here, for `run` sets the log of a command up: what a hundred calls write of themselves is nobody's figure.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

    def tell(one: Played) -> None:
        if not is_silent and not one.is_passed:
            console.print(f"not passed: {one.task.title}: {'; '.join(one.failures)}", style="dim", markup=False, highlight=False)

    async with line_for(len(chosen), provider) as line:
        return await play_all(line, chosen, tell, is_talkative=is_talkative)
