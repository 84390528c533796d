"""`bedrock privacy`: a person's copy of what we have of them, forgetting them, and for how long anything is kept."""

import getpass
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.table import Table

from api.cli import Email, Json, console, numbered, opened, printed_json, run, signed_in_here
from api.settings import Settings
from atlas.identity import CorrelationId, CustomerId
from atlas.principal import Principal, Zone, executor, staff
from atlas.privacy.reads import erasures, kept, reasons_to_keep
from atlas.privacy.records import Erasure, Kept, Reason
from forge.action import Action
from forge.actions.crm.customers import EraseCustomer, HoldCustomerRecords
from forge.privacy import apply_rules, copy_for
from forge.propose import Proposed, propose
from forge.sign_in.passwords import SignInRefused
from forge.sign_in.sessions import signed_in

HERE = (Zone.EXECUTOR,)
CLI = executor("cli")
WHY = {
    Reason.CONTRACT: "a line of theirs is live",
    Reason.DEBT: "a bill of theirs is not paid",
    Reason.HOLD: "a court or an authority may ask for it",
}
Whose = Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's number, as in 42 or C-42.")]
Source = Annotated[str, typer.Option("--source", help="By which request, as in letter:2026-03-02; asked twice it is one request.")]

privacy = typer.Typer(no_args_is_help=True, help="What is kept of people.")


def add_privacy(app: typer.Typer) -> None:
    app.add_typer(privacy, name="privacy")


@privacy.command("export")
def export(
    customer: Whose,
    file: Annotated[Path, typer.Option("--to", help="Where the copy goes; only you may read it. It must not be there yet.")],
) -> None:
    """Everything that we have of one person, as JSON: first in short, then every row."""
    number = CustomerId(numbered(customer, "C"))

    async def work() -> dict[str, Any]:
        async with opened(Settings(), HERE) as here:
            return await copy_for(here.atlas, number, f"operator:{getpass.getuser()}")

    copied = run(work)
    file.touch(mode=0o600, exist_ok=False)
    file.write_text(json.dumps(copied, default=str, indent=2, ensure_ascii=False))
    table = Table("What", "Rows", "Kept for")
    for said in copied["summary"]:
        table.add_row(said["what"], str(said["rows"]), said.get("kept_for", ""))
    console.print(table)
    console.print(f"{sum(said['rows'] for said in copied['summary']):,} rows of {len(copied['content'])} tables are in {file}.")


@privacy.command("erase")
def erase(customer: Whose, email: Email, source: Source) -> None:
    """Ask that a person is forgotten. Somebody else approves it; what a debt, a contract or a hold needs stays until that is over."""
    number = CustomerId(numbered(customer, "C"))

    async def work() -> tuple[Reason, ...]:
        async with opened(Settings(), HERE) as here, here.atlas.transaction(CLI) as conn:
            return await reasons_to_keep(conn, number)

    for reason in run(work):
        console.print(f"Something stays for now: {WHY[reason]}.")
    said(asked_as(email, EraseCustomer(number, source), "the customer wishes to be forgotten"))


@privacy.command("hold")
def hold(
    customer: Whose,
    email: Email,
    source: Source,
    reason: Annotated[str, typer.Option(help="Why, for whoever reads it later.")],
    lift: Annotated[bool, typer.Option("--lift", help="Let it go its way again.")] = False,
) -> None:
    """Keep everything of a customer as it is, or lift such a hold; a director approves it."""
    number = CustomerId(numbered(customer, "C"))
    said(asked_as(email, HoldCustomerRecords(number, not lift, reason, source), reason))


def asked_as(email: str, action: Action, reason: str) -> Proposed:
    """Proposes it in the name of whoever signs in here."""
    password = typer.prompt("Password", hide_input=True)

    async def work() -> Proposed:
        async with opened(Settings()) as here:
            known = await signed_in(here.atlas, await signed_in_here(here, email, password))
            if known is None:
                raise SignInRefused
            me: Principal = staff(known.staff_id, known.name, frozenset(known.roles))
            return await propose(here.forge, me, action, reason=reason, correlation_id=CorrelationId(uuid4()))

    return run(work)


def said(proposed: Proposed) -> None:
    waits = f"; it needs {' or '.join(proposed.approver_roles)}" if proposed.approver_roles else ""
    console.print(f"{proposed.reference} is {proposed.state.value}{waits}: {proposed.failure or proposed.verdict_reason}")


@privacy.command("erasures")
def erasures_(as_json: Json = False) -> None:
    """Who was forgotten, when, and what was left, why."""

    async def work() -> list[Erasure]:
        async with opened(Settings(), HERE) as here, here.atlas.transaction(CLI) as conn:
            return await erasures(conn)

    found = run(work)
    if as_json:
        printed_json([asdict(one) for one in found])
        return
    table = Table("Customer", "Action", "When", "Whole", "Left because", "Rows", "Books until")
    for one in found:
        left, rows = ", ".join(WHY[Reason(reason)] for reason in one.because), str(sum(one.removed.values()))
        whole = "yes" if one.is_whole else "no"
        until = one.ledger_until.isoformat() if one.ledger_until else ""
        table.add_row(f"C-{one.customer_id}", f"A-{one.action_id}", f"{one.erased_at:%d %b %Y %H:%M}", whole, left, rows, until)
    console.print(table if found else "Nobody was forgotten yet.")


@privacy.command("retention")
def retention(as_json: Json = False, apply: Annotated[bool, typer.Option("--apply", help="Do tonight's work now.")] = False) -> None:
    """For how long anything is kept, why, and the proof of the last night."""

    async def work() -> list[Kept]:
        async with opened(Settings(), HERE) as here:
            if apply:
                await apply_rules(here.atlas, here.forge.now())
            async with here.atlas.transaction(CLI) as conn:
                return await kept(conn)

    found = run(work)
    if as_json:
        printed_json([asdict(one) for one in found])
        return
    table = Table("What", "Kept for", "Then", "Because", "Last applied", "Went then", "In all", "Oldest left")
    for one in found:
        moments = [f"{at:%d %b %Y %H:%M}" if at else "" for at in (one.applied_at, one.oldest_left)]
        counts = ["" if one.removed is None else f"{one.removed:,}", f"{one.removed_in_all:,}"]
        table.add_row(one.place, f"{one.keep.days} days", one.how, one.basis, moments[0], *counts, moments[1])
    console.print(table)
