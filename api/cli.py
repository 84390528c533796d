"""`bedrock`: the command line of the operator. seed, demo, eval and bench are added by evals/cli.py."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
import uvloop
from pydantic import SecretStr
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from api.bootstrap import House, configure_logging, house
from api.chat import caller, colleague, desk, turn
from api.oversight import add_matrix, heads_in, written_heads
from api.radius.serving import RadiusMissing, program
from api.serve import database, platform, until_stopped
from api.settings import Settings
from atlas.actions.reads import audit_entries, audit_heads, broken_links, missing_heads
from atlas.actions.records import AuditHead, BrokenLink
from atlas.errors import AtlasError, InvalidField, NotFound
from atlas.identity import ActionId
from atlas.itsm import reads as itsm
from atlas.itsm.records import Incident
from atlas.migrate import contract
from atlas.principal import WORKING, Assurance, Principal, Role, Zone, executor, in_session, staff
from atlas.staff.reads import members_holding
from forge.approvals import Card, Ruled, approve, reject, waiting_for
from forge.approvals import card as card_of
from forge.sign_in.passwords import SignInRefused
from forge.sign_in.sessions import Token, sign_out, signed_in
from forge.sign_in.steps import Halfway, finish_with_code, sign_in

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Bedrock, the AI-native operating system for ISPs.")
console = Console()
Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")]
Answer = TypeVar("Answer")
BY_A_PERSON = "[dim]A person has this conversation and will answer.[/]"


def run(work: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
    """Runs one command to its end; what can happen is said in a sentence. Its log goes to standard error, not into the answer."""
    configure_logging("console")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work())
    except AtlasError as error:
        console.print(f"[red]{type(error).__name__}[/]: {error}", highlight=False)
        raise typer.Exit(1) from error


@asynccontextmanager
async def opened(settings: Settings, zones: tuple[Zone, ...] = (Zone.EXECUTOR, Zone.STAFF)) -> AsyncIterator[House]:
    """The house on the running database, or on the embedded one started for this command."""
    async with database(settings) as url:
        handed = settings.model_copy(update={"database_url": SecretStr(url)})
        async with house(handed, zones, most=4) as one:
            yield one


def printed_json(answer: Any) -> None:
    typer.echo(json.dumps(answer, default=str, indent=2))


@app.command()
def serve() -> None:
    """Run the platform: Atlas, doors, workers and the console, until Ctrl-C."""
    run(served)


async def served() -> None:
    settings = Settings()
    configure_logging("console")
    async with database(settings) as url, platform(settings, url, lambda step: console.print(f"[dim]{step}[/]")) as running:
        for name, address in running.addresses.items():
            console.print(f"  {name:<12} {address}", highlight=False)
        if settings.radius != "off" and program() is None:
            console.print(f"[yellow]No BNG is answered.[/] {RadiusMissing()}", highlight=False)
        console.print("Bedrock is serving. Ctrl-C stops it.")
        await until_stopped()


@app.command()
def migrate(
    contracting: Annotated[bool, typer.Option("--contract", help="Take away what only the release before needed: nobody runs it.")] = False,
) -> None:
    """Bring the database to the newest schema; the release before runs beside it until --contract."""
    settings = Settings()

    async def work() -> None:
        async with database(settings) as url:
            gone = await asyncio.to_thread(contract, url, settings.secret) if contracting else None
            console.print("The schema is the newest." if gone is None else f"Taken away: {', '.join(gone.names) or 'nothing'}.")

    run(work)


@app.command()
def incidents(as_json: Json = False, most: int = 20) -> None:
    """Incidents, those in progress first."""

    async def work() -> list[Incident]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(executor("cli")) as conn:
            return await itsm.incidents(conn, most)

    found = run(work)
    if as_json:
        printed_json([asdict(one) for one in found])
    else:
        console.print(incident_table(found))


def incident_table(found: list[Incident]) -> Table:
    table = Table("Incident", "State", "Cause", "Root", "Devices", "Lines out", "Alarms", "Since")
    for one in found:
        since = one.first_alarm_at.strftime("%d %b %H:%M:%S")
        table.add_row(
            f"INC-{one.incident_id}",
            one.state.value,
            one.cause,
            one.root_name,
            f"{one.devices_out} of {one.devices}",
            f"{one.subscribers_out} of {one.subscribers}",
            str(one.alarms),
            since,
        )
    return table


approvals = typer.Typer(no_args_is_help=False, invoke_without_command=True, help="What waits for a person, and ruling on it.")
app.add_typer(approvals, name="approvals")


@app.command()
def chat(
    phone: Annotated[str | None, typer.Option("--as", help="A subscriber's phone number; without it you speak as staff.")] = None,
    email: Annotated[str | None, typer.Option("--staff", help="Your e-mail as a member of staff.")] = None,
    say: Annotated[list[str] | None, typer.Option(help="Say this instead of typing; once for each turn.")] = None,
    is_assured: Annotated[bool, typer.Option("--assured", help="You vouch for the subscriber: no code is asked of them.")] = False,
) -> None:
    """Talk with the agents, as a subscriber (--as PHONE) or as staff."""
    level = Assurance.VERIFIED if is_assured else Assurance.ADDRESS_ON_FILE
    run(lambda: chatted(phone, email, say or [], level))


async def chatted(phone: str | None, email: str | None, say: list[str], level: Assurance) -> None:
    async with opened(Settings(), WORKING) as here:
        principal = await (caller(here, phone, level) if phone else colleague(here, email or await first_colleague(here)))
        async with desk(here) as at:
            async for words in said(say, principal.name):
                reply = await turn(at, principal, words, "chat" if phone else "console", phone)
                console.print(
                    Panel(reply.words if reply else "[dim]A person has this conversation and will answer.[/]", border_style="green")
                )
                if reply:
                    console.print(f"[dim]{', '.join(reply.modules)} · {', '.join(reply.tools) or 'no tool'}[/]", highlight=False)


async def first_colleague(here: House) -> str:
    """Somebody who watches the network, where nobody says who they are."""
    async with here.atlas.transaction(executor("cli")) as conn:
        found = await members_holding(conn, Role.NOC_LEAD.value)
    if not found:
        raise NotFound("member of staff", "with the role noc_lead; say who you are with --staff")
    return found[0].email


async def said(lines: list[str], name: str) -> AsyncIterator[str]:
    """The given lines, or what is typed until an empty line or Ctrl-D."""
    for line in lines:
        console.print(f"[bold]{name}:[/] {line}", highlight=False)
        yield line
    while not lines:
        try:
            line = await asyncio.to_thread(console.input, f"[bold]{name}:[/] ")
        except (EOFError, KeyboardInterrupt):
            return
        if not line.strip():
            return
        yield line


imports = typer.Typer(no_args_is_help=True, help="Put a network of your own in.")
app.add_typer(imports, name="import")
audit = typer.Typer(no_args_is_help=True, help="The trail of every action.")
app.add_typer(audit, name="audit")

Reference = Annotated[str, typer.Argument(help="The request, as in A-123.")]
Email = Annotated[str, typer.Option("--as", help="Your e-mail as a member of staff; your password is asked for.")]
Note = Annotated[str, typer.Option(help="For the record.")]


@approvals.callback()
def waiting(context: typer.Context, as_json: Json = False) -> None:
    """Who, how many, how much, why, on what evidence, and until when."""
    if context.invoked_subcommand is not None:
        return

    async def work() -> list[Card]:
        async with opened(Settings()) as here, here.atlas.transaction(executor("cli")) as conn:
            return await waiting_for(here.forge, conn)

    cards = run(work)
    if as_json:
        printed_json([asdict(card) for card in cards])
    elif not cards:
        console.print("Nothing waits.")
    for card in cards if not as_json else ():
        console.print(approval_panel(card))


def approval_panel(card: Card) -> Panel:
    """One request as an approver reads it: facts first, the words of whoever asked last."""
    facts = Table.grid(padding=(0, 2))
    rows = {
        "customers": f"{card.facts.customers:,}",
        "money": f"{card.facts.money} in all, at most {card.facts.largest_share} each",
        "devices": f"{card.facts.devices:,}",
        "asked by": f"{card.proposer} at {card.asked_at:%d %b %H:%M:%S}",
        "stopped by": f"{card.rule_reason} (row {card.rule})",
        "needs": f"{' or '.join(card.approver_roles)}, {card.approvals_needed} of them",
        "each would see": card.customers_would_see[0] if card.customers_would_see else "",
        "evidence": json.dumps(card.evidence, default=str)[:400],
        "reason": card.reason,
        "lapses": f"{card.lapses_at:%d %b %H:%M}",
        "digest": card.digest[:16],
    }
    for name, fact in rows.items():
        if fact and fact != "0":
            facts.add_row(Text(name, style="dim"), Text(fact))
    return Panel(facts, title=f"{card.reference} {card.name.replace('_', ' ')}", title_align="left")


@approvals.command("approve")
def approve_(reference: Reference, email: Email, note: Note = "") -> None:
    """Approve exactly what is shown now."""
    ruled_as(reference, email, note, approve)


@approvals.command("reject")
def reject_(reference: Reference, email: Email, note: Note = "") -> None:
    """Reject it: one rejection is enough."""
    ruled_as(reference, email, note, reject)


def ruled_as(reference: str, email: str, note: str, ruling: Callable[..., Coroutine[Any, Any, Ruled]]) -> None:
    """Shows the request, asks for the password, and rules on what was shown."""
    action_id = ActionId(numbered(reference, "A"))

    async def shown() -> Card:
        async with opened(Settings()) as here, here.atlas.transaction(executor("cli")) as conn:
            return await card_of(here.forge, conn, action_id)

    seen = run(shown)
    console.print(approval_panel(seen))
    password = typer.prompt("Password", hide_input=True)

    async def work() -> Ruled:
        async with opened(Settings()) as here:
            return await ruling(here.forge, await colleague_here(here, email, password), action_id, digest_seen=seen.digest, note=note)

    done = run(work)
    console.print(f"{done.reference} is {done.state.value}.")


def password_of(email: str, *, dry_run: bool) -> str:
    """Asked of whoever asks for something; nobody need say who they are to look. Raises BadParameter where nobody is named."""
    if dry_run:
        return ""
    if not email:
        raise typer.BadParameter("say who you are with --as, or only look with --dry-run")
    return str(typer.prompt("Password", hide_input=True))


async def colleague_here(here: House, email: str, password: str) -> Principal:
    """Whoever has this password, in the session that it began. Raises SignInRefused."""
    token = await signed_in_here(here, email, password)
    known = await signed_in(here.atlas, token)
    if known is None:
        raise SignInRefused
    return in_session(staff(known.staff_id, known.name, frozenset(known.roles)), token.fingerprint)


async def signed_in_here(here: House, email: str, password: str) -> Token:
    """With the password, and the code of their app where they have one; a passkey is shown at the console only. Raises SignInRefused."""
    step = await sign_in(here.atlas, email, password)
    if isinstance(step, Halfway):
        code = await asyncio.to_thread(typer.prompt, "Code of your authenticator app", hide_input=True)
        step = await finish_with_code(here.atlas, step, code, here.forge.now())
    known = await signed_in(here.atlas, step.token)
    if known is not None and known.has_given_password:
        await sign_out(here.atlas, step.token)
        raise SignInRefused("choose a password of your own at the console first")
    return step.token


def numbered(reference: str, letter: str) -> int:
    """The number in `A-123`, `INC-31` or `31`. Raises InvalidField."""
    digits = reference.upper().removeprefix(f"{letter}-")
    if not digits.isdigit():
        raise InvalidField("reference", f"{reference} is not of the form {letter}-123")
    return int(digits)


@audit.command("verify")
def verify(
    heads: Annotated[Path | None, typer.Option(help="Heads exported before: these, too, must be in their chains.")] = None,
    as_json: Json = False,
) -> None:
    """Recompute every hash chain of the audit trail; exit 1 where one is broken."""
    kept = heads_in(heads) if heads else []

    async def work() -> tuple[int, list[BrokenLink]]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(executor("cli")) as conn:
            return await audit_entries(conn), await broken_links(conn) + await missing_heads(conn, kept)

    entries, broken = run(work)
    if as_json:
        printed_json({"entries": entries, "broken": [asdict(link) for link in broken]})
    elif broken:
        for link in broken:
            console.print(f"[red]broken[/] {link.stream} entry {link.seq}: {link.why}")
    else:
        console.print(f"The audit trail holds: {entries:,} entries, every hash recomputed.")
    if broken:
        raise typer.Exit(1)


@audit.command("export")
def export(file: Annotated[Path, typer.Argument(help="Outside the reach of the database's owner; it is added to.")]) -> None:
    """Append where every chain ends now: only this shows a tail that was cut, or a chain hashed anew."""

    async def work() -> list[AuditHead]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(executor("cli")) as conn:
            return await audit_heads(conn)

    console.print(f"{written_heads(file, run(work))} heads appended to {file}.")


add_matrix(app)


def main() -> None:
    app()
