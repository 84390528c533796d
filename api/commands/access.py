"""`bedrock tokens` and `bedrock staff`: keys for machines, and what the operator does for people who cannot get in."""

import getpass
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from api.cli import Json, console, opened, printed_json, run
from api.settings import Settings
from atlas.principal import Zone
from atlas.staff.records import ApiToken
from forge import api_tokens
from forge.api_tokens import MadeToken, Scope
from forge.sign_in import administration

HERE = (Zone.EXECUTOR,)
Person = Annotated[str, typer.Argument(metavar="EMAIL", help="Whose.")]

tokens = typer.Typer(no_args_is_help=True, help="Keys for machines: the intake doors and the public API.")
people = typer.Typer(no_args_is_help=True, help="How people who work here get in.")


def add_access(app: typer.Typer) -> None:
    app.add_typer(tokens, name="tokens")
    app.add_typer(people, name="staff")


@tokens.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What will use it.")],
    owner: Annotated[str, typer.Option("--owner", help="E-mail of the member of staff whose key it is; it ends when they leave.")],
    scope: Annotated[list[str], typer.Option(help=f"What it opens: {', '.join(Scope)}. More than once for several.")],
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it opens anything.")] = 90,
) -> None:
    """Make a key. It is shown this once."""

    async def work() -> MadeToken:
        async with opened(Settings(), HERE) as here:
            return await api_tokens.create(here.atlas, name, owner, scope, timedelta(days=days))

    made = run(work)
    console.print(f"Key {made.token_id}; it is shown this once:")
    typer.echo(made.secret)


@tokens.command("list")
def listed(as_json: Json = False) -> None:
    """Every key, also those that open nothing any more."""

    async def work() -> list[ApiToken]:
        async with opened(Settings(), HERE) as here:
            return await api_tokens.every_token(here.atlas)

    found = run(work)
    if as_json:
        printed_json([asdict(one) for one in found])
        return
    table = Table("Key", "Used by", "Belongs to", "Opens", "Until", "Last used", "Revoked")
    for one in found:
        moments = [f"{at:%d %b %Y %H:%M}" if at else "" for at in (one.expires_at, one.last_used_at, one.revoked_at)]
        table.add_row(str(one.token_id), one.name, one.owner, ", ".join(one.scopes), *moments)
    console.print(table)


@tokens.command("revoke")
def revoke(number: Annotated[int, typer.Argument(help="The key's number, as listed.")]) -> None:
    """From now on the key opens nothing."""

    async def work() -> None:
        async with opened(Settings(), HERE) as here:
            await api_tokens.revoke(here.atlas, number)

    run(work)
    console.print(f"Key {number} opens nothing any more.")


@people.command("password")
def password(email: Person) -> None:
    """Make somebody a first password, or another one; every browser of theirs is signed out. They change it when they first sign in."""

    async def work() -> str:
        async with opened(Settings(), HERE) as here:
            return await administration.give_password(here.atlas, email)

    console.print(f"The password of {email}, shown once:  {run(work)}", highlight=False, markup=False)
    console.print("It opens nothing but the page that changes it, and that for three days. Every browser of theirs is signed out.")


@people.command("forget-factors")
def forget_factors(email: Person) -> None:
    """For somebody who lost their phone and their codes, once you have seen that it is them: app, codes and passkeys go."""

    async def work() -> None:
        async with opened(Settings(), HERE) as here:
            await administration.forget_factors(here.atlas, email)

    run(work)
    console.print("Their second factors are gone, and every browser of theirs is signed out.")


@people.command("sign-out")
def sign_out(email: Person) -> None:
    """Sign somebody out everywhere."""

    async def work() -> int:
        async with opened(Settings(), HERE) as here:
            return await administration.sign_out_everywhere(here.atlas, email)

    console.print(f"{run(work)} browsers signed out.")


@people.command("link")
def link(
    email: Person,
    subject: Annotated[str, typer.Argument(help="The account's subject (`sub`) at the other house; never an e-mail.")],
    issuer: Annotated[str | None, typer.Option(help="The other house; by default the one of the settings.")] = None,
) -> None:
    """Say that an account at the other house (OpenID Connect) is this person."""

    async def work() -> str:
        async with opened(Settings(), HERE) as here:
            house = issuer or here.settings.oidc_issuer
            if house is None:
                raise typer.BadParameter("no other house is set (BEDROCK_OIDC_ISSUER); name one with --issuer")
            await administration.link(here.atlas, email, house, subject, f"operator:{getpass.getuser()}")
            return house

    console.print(f"{subject} of {run(work)} is {email}.")


@people.command("unlink")
def unlink(email: Person) -> None:
    """None of the accounts at other houses is this person any more."""

    async def work() -> int:
        async with opened(Settings(), HERE) as here:
            return await administration.unlink(here.atlas, email)

    console.print(f"{run(work)} unlinked; every browser of theirs is signed out.")
