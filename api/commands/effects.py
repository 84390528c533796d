"""`bedrock outbox`, `bedrock jobs`: what is in doubt outside, what the queue gave up, and the person who decides about it."""

from dataclasses import asdict
from typing import Annotated

import psycopg
import typer
from rich.table import Table

from api.cli import Email, Json, Note, console, opened, printed_json, run, signed_in_here
from api.settings import Settings
from atlas.errors import NotFound, NotPermitted
from atlas.jobs import ParkedJob, parked, retry_parked
from atlas.principal import Principal, Zone, executor, in_session, staff
from forge.doubts import Doubt, in_doubt, settle
from forge.sign_in.passwords import SignInRefused
from forge.sign_in.sessions import signed_in

outbox = typer.Typer(no_args_is_help=True, help="What left the house, or may have.")
jobs = typer.Typer(no_args_is_help=True, help="The queue of background work.")

CLI = executor("cli")


def add_effects(app: typer.Typer) -> None:
    app.add_typer(outbox, name="outbox")
    app.add_typer(jobs, name="jobs")


@outbox.command("in-doubt")
def in_doubt_(as_json: Json = False) -> None:
    """Messages, errands and steps of which nobody can say whether they happened; each waits for a person."""

    async def work() -> list[Doubt]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(CLI) as conn:
            return await in_doubt(conn)

    found = run(work)
    if as_json:
        printed_json([asdict(one) for one in found])
        return
    table = Table("Doubt", "What", "To", "Action", "Since", "Tries", "Last heard")
    for one in found:
        action = f"A-{one.action_id}" if one.action_id else ""
        table.add_row(one.reference, one.what, one.to, action, f"{one.since:%d %b %H:%M:%S}", str(one.attempts), one.why)
    console.print(table if found else "Nothing is in doubt.")


@outbox.command("settle")
def settle_(
    reference: Annotated[str, typer.Argument(help="The doubt, as in N-12, E-7 or S-3.")],
    email: Email,
    happened: Annotated[bool, typer.Option("--sent/--not-sent", help="Whether it happened, as you found out.")],
    note: Note = "",
) -> None:
    """Say what you found out: it happened and is done, or it did not and is done again from the beginning."""
    password = typer.prompt("Password", hide_input=True)

    async def work() -> None:
        async with opened(Settings()) as here:
            token = await signed_in_here(here, email, password)
            known = await signed_in(here.atlas, token)
            if known is None:
                raise SignInRefused
            me: Principal = in_session(staff(known.staff_id, known.name, frozenset(known.roles)), token.fingerprint)
            try:
                async with here.atlas.transaction(me) as conn:
                    await settle(conn, reference, happened=happened, note=note)
            except psycopg.errors.InsufficientPrivilege as refusal:
                raise NotPermitted(refusal.diag.message_primary or "you may not settle this") from refusal

    run(work)
    console.print(f"{reference} is settled: {'it happened' if happened else 'it did not, and is done again'}.")


@jobs.command("parked")
def parked_(as_json: Json = False) -> None:
    """Jobs that failed, or took their worker down, five times; the queue goes on without them."""

    async def work() -> list[ParkedJob]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(CLI) as conn:
            return await parked(conn)

    found = run(work)
    if as_json:
        printed_json([asdict(one) for one in found])
        return
    table = Table("Job", "Name", "Arguments", "Tries", "Since")
    for one in found:
        table.add_row(str(one.id), one.name, str(one.arguments), str(one.attempts), f"{one.since:%d %b %H:%M:%S}" if one.since else "")
    console.print(table if found else "Nothing is parked.")


@jobs.command("retry")
def retry_(job: Annotated[int, typer.Argument(help="The job's number.")]) -> None:
    """Let a parked job begin anew."""

    async def work() -> None:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(CLI) as conn:
            if not await retry_parked(conn, job):
                raise NotFound("parked job", job)

    run(work)
    console.print(f"Job {job} begins anew.")
