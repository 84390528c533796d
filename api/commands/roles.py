"""`bedrock access`: who holds which role now; lending one, giving it back, and taking one in an emergency."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from api.cli import Email, Json, console, opened, printed_json, run, signed_in_here
from api.settings import Settings
from atlas.connection import Atlas
from atlas.errors import NotFound
from atlas.principal import Principal, Zone, executor, in_session, staff
from atlas.staff.reads import member_by_email
from forge import access as rights
from forge.access import Holder, holders
from forge.sign_in.passwords import SignInRefused
from forge.sign_in.sessions import signed_in

CLI = executor("cli")
BY = {"own": "", "lent": "lent by {}", "emergency": "in an emergency"}
Reason = Annotated[str, typer.Option(help="Why; it is on record.")]
Role = Annotated[str, typer.Argument(help="The role, as in billing_lead.")]
Number = Annotated[int, typer.Argument(help="Its number, as listed.")]
Answer = TypeVar("Answer")

access = typer.Typer(no_args_is_help=True, help="Roles: who holds which, lending one, and taking one in an emergency.")


def add_roles(app: typer.Typer) -> None:
    app.add_typer(access, name="access")


@access.command("list")
def listed(as_json: Json = False) -> None:
    """Who holds what now, by which right, and until when."""

    async def work() -> list[Holder]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(CLI) as conn:
            return await holders(conn)

    found = run(work)
    if as_json:
        printed_json([asdict(one) for one in found])
        return
    table = Table("Role", "Who", "How", "Until", "Number", "Why")
    for one in found:
        until = f"{one.until:%d %b %H:%M}" if one.until else ""
        table.add_row(one.role, one.name, BY[one.by].format(one.lent_by), until, str(one.number or ""), one.reason)
    console.print(table)


@access.command("lend")
def lend(
    role: Role,
    to: Annotated[str, typer.Option("--to", help="E-mail of whoever gets it.")],
    email: Email,
    reason: Reason,
    days: Annotated[int, typer.Option(min=1, max=14, help="For how long.")] = 7,
) -> None:
    """Lend a role of your own for a while. Whoever has it rules in your place, never on what you asked for."""

    async def work(atlas: Atlas, me: Principal) -> int:
        async with atlas.transaction(CLI) as conn:
            member = await member_by_email(conn, to)
        if member is None:
            raise NotFound("member of staff", to)
        return await rights.lend(atlas, me, member.staff_id, role, timedelta(days=days), reason)

    console.print(f"Loan {as_person(email, work)}: {to} has the role {role} for {days} days.")


@access.command("revoke")
def revoke(number: Number, email: Email) -> None:
    """End a loan: as whoever lent it, whoever has it, or a director."""
    as_person(email, lambda atlas, me: rights.give_back(atlas, me, number))
    console.print(f"Loan {number} is over.")


@access.command("break-glass")
def break_glass(
    role: Role, email: Email, reason: Reason, minutes: Annotated[int, typer.Option(min=1, max=60, help="For how long.")] = 30
) -> None:
    """Take a role in an emergency. Everybody who holds it and every director is told at once; it ends by itself."""
    made = as_person(email, lambda atlas, me: rights.break_the_glass(atlas, me, role, timedelta(minutes=minutes), reason))
    console.print(f"Emergency {made}: you have the role {role} for {minutes} minutes; those who hold it have been told.")


@access.command("mend")
def mend(number: Number, email: Email) -> None:
    """End an emergency before its time."""
    as_person(email, lambda atlas, me: rights.mend_the_glass(atlas, me, number))
    console.print(f"Emergency {number} is over.")


def as_person(email: str, work: Callable[[Atlas, Principal], Awaitable[Answer]]) -> Answer:
    """Does it as whoever signs in here, by this very sign-in."""
    password = typer.prompt("Password", hide_input=True)

    async def done() -> Answer:
        async with opened(Settings()) as here:
            token = await signed_in_here(here, email, password)
            known = await signed_in(here.atlas, token)
            if known is None:
                raise SignInRefused
            return await work(here.atlas, in_session(staff(known.staff_id, known.name, frozenset(known.roles)), token.fingerprint))

    return run(done)
