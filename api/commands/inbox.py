"""`bedrock inbox`: what could not be answered, and having it tried again."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from api.cli import Json, console, opened, printed_json, run
from api.inbound.inbox import kept_aside, retried
from api.settings import Settings
from atlas.errors import NotFound
from atlas.helpdesk.records import SetAside
from atlas.principal import Zone

inbox = typer.Typer(no_args_is_help=True, help="Messages from outside that could not be answered.")


def add_inbox(app: typer.Typer) -> None:
    app.add_typer(inbox, name="inbox")


@inbox.command()
def parked(as_json: Json = False) -> None:
    """What was set aside, newest first: messages after their fifth try, and word of messages that nobody here sent."""

    async def work() -> list[SetAside]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here:
            return await kept_aside(here.atlas)

    found = run(work)
    if as_json:
        printed_json([asdict(one) for one in found])
    elif not found:
        console.print("Nothing is set aside.")
    else:
        console.print(table_of(found))


def table_of(found: list[SetAside]) -> Table:
    table = Table("Number", "State", "Kind", "Provider's id", "Tries", "What went wrong", "Conversation", "Since")
    for one in found:
        since = one.received_at.strftime("%d %b %H:%M:%S")
        row = (one.inbox_id, one.state, one.kind, one.provider_id, one.tries, one.error_kind, one.conversation_id or "", since)
        table.add_row(*(str(value) for value in row))
    return table


@inbox.command()
def retry(number: Annotated[int, typer.Argument(help="The number that `bedrock inbox parked` shows.")]) -> None:
    """Have a parked message tried afresh."""

    async def work() -> None:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here:
            if not await retried(here.atlas, number):
                raise NotFound("parked message", number)

    run(work)
    console.print(f"Message {number} is tried again.")
