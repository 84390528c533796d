"""`bedrock billing`: bills go out; what must hold of the books, and what the payment provider says beside what we have."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from api.bootstrap import House
from api.cli import Json, console, opened, printed_json, run
from api.settings import Settings
from atlas.billing.reads.leaks import leaks as standing_leaks
from atlas.billing.reads.leavers import owed_to_leavers
from atlas.billing.reads.runs import lines_derived, suspension_rules
from atlas.billing.records.books import PaymentDifference
from atlas.billing.records.leaks import Leak
from atlas.billing.records.leavers import OwedToLeaver
from atlas.billing.records.runs import BillRun, LineDerived, SuspensionRule
from atlas.billing.rules.leavers import why_it_waits
from atlas.identity import CustomerId
from atlas.principal import Zone, executor
from forge.bill_run import BILLER, Preview, Told, drafted, go_on, let_go, prepared
from forge.books import BooksChecked, Reconciled, check_books, reconciled
from forge.invoices.documents import document
from forge.leaks import look_at_all
from forge.outside.statement import StatementFile

billing = typer.Typer(no_args_is_help=True, help="The books: what must hold of them, and what the provider says.")


def add_billing(app: typer.Typer) -> None:
    app.add_typer(billing, name="billing")


@billing.command()
def invariants(as_json: Json = False) -> None:
    """Ask now what is asked of the books every night, and keep the result; exit 1 where something does not hold."""

    async def work() -> BooksChecked:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here:
            return await check_books(here.atlas, datetime.now(UTC))

    checked = run(work)
    if as_json:
        printed_json(asdict(checked))
    elif not checked.broken:
        console.print(f"The books hold: {checked.invariants} invariants, nothing breaks one.")
    else:
        table = Table("What must hold", "Does not for", "Expected", "Found")
        for one in checked.broken:
            table.add_row(one.invariant, one.subject, str(one.expected), str(one.found))
        console.print(table)
    if checked.broken:
        raise typer.Exit(1)


@billing.command()
def invoice(
    number: Annotated[int, typer.Argument(help="The number that is printed on it.")],
    pdf: Annotated[Path, typer.Option(help="Where the document is written; the same bytes every time.")],
) -> None:
    """Write an issued bill as the PDF that its customer has."""

    async def work() -> bytes:
        settings = Settings()
        async with opened(settings, (Zone.EXECUTOR,)) as here:
            return await document(here.atlas, number, settings.operator)

    made = run(work)
    pdf.write_bytes(made)
    console.print(f"Invoice {number}: {len(made):,} octets in {pdf}.")


@billing.command()
def leaks(as_json: Json = False) -> None:
    """Look at every line now, and list where billing, provisioning, sessions and inventory do not agree; exit 1 where something leaks."""

    async def work() -> list[Leak]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here:
            await look_at_all(here.atlas)
            async with here.atlas.transaction(executor("cli")) as conn:
                return await standing_leaks(conn)

    found = run(work)
    if as_json:
        printed_json([asdict(one) for one in found])
    else:
        table = Table("Leak", "Kind", "Line", "Customer", "What", "A month")
        for one in found:
            table.add_row(str(one.id), one.kind.value, str(one.subscriber_id), one.name, one.detail, str(one.monthly))
        console.print(table if found else "Nothing leaks.")
    if found:
        raise typer.Exit(1)


@billing.command()
def leavers(as_json: Json = False) -> None:
    """List what we owe to customers who left, and why each sum has not gone back yet; exit 1 while anything is owed."""

    async def work() -> list[OwedToLeaver]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(BILLER) as conn:
            return await owed_to_leavers(conn, _day(here, None))

    found = run(work)
    if as_json:
        printed_json([{**asdict(one), "why": why_it_waits(one)} for one in found])
    else:
        table = Table("Customer", "Name", "Left", "Owed", "Final statement", "Why it waits")
        for one in found:
            why = why_it_waits(one).replace("_", " ") or "goes back tonight"
            table.add_row(str(one.customer_id), one.name, str(one.left_on or ""), str(one.owed), str(one.statement), why)
        console.print(table if found else "Nobody who left has money to come.")
    if found:
        raise typer.Exit(1)


@billing.command()
def preview(
    until: Annotated[
        datetime | None, typer.Argument(help="Bill everybody whose day came by then; today if left out.", formats=["%Y-%m-%d"])
    ] = None,
    as_json: Json = False,
) -> None:
    """Draft the bills that are due and say what would go out and what stands out. Nothing is issued."""
    found = run(lambda: _prepared(until))
    if as_json:
        printed_json(asdict(found))
    else:
        _shown(found)


@billing.command("run")
def run_bills(
    until: Annotated[
        datetime | None, typer.Argument(help="Bill everybody whose day came by then; today if left out.", formats=["%Y-%m-%d"])
    ] = None,
    as_json: Json = False,
) -> None:
    """Draft, ask the matrix, issue what may go alone; a run that stopped, or was approved meanwhile, is taken up. Exit 2 while it waits."""

    async def work() -> tuple[Preview, BillRun | None]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here:
            with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True) as bars:
                told = _bars(bars)
                run_id = await prepared(here.forge, BILLER, _day(here, until))
                found = await drafted(here.forge, run_id, told)
                if found.run.state == "done":  # that day's bills are out already
                    return found, found.run
                if found.run.state == "drafted":
                    await let_go(here.forge, BILLER, run_id)
                return found, await go_on(here.forge, told)

    found, done = run(work)
    if as_json:
        printed_json({"preview": asdict(found), "run": asdict(done) if done else None})
    else:
        _shown(found)
        console.print(f"Issued: run {done.id}, {done.state}." if done else "It waits for somebody's approval; run this again then.")
    if done is None:
        raise typer.Exit(2)


@billing.command()
def explain(customer_id: int, month: Annotated[datetime, typer.Argument(formats=["%Y-%m"])], as_json: Json = False) -> None:
    """How each line of a customer's bill came about: price list, version, days, usage, order, formula."""

    async def work() -> list[LineDerived]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(BILLER) as conn:
            return await lines_derived(conn, CustomerId(customer_id), month.date().replace(day=1))

    lines = run(work)
    if as_json:
        printed_json([asdict(line) for line in lines])
        return
    table = Table("Line", "Net", "Tax", "From", "Until", "Formula (minor units)", "Price list", "Cause", "Suspended")
    for line in lines:
        version = f"{line.catalogue_code} of {line.catalogue_version_from}" if line.catalogue_code else ""
        table.add_row(
            line.label,
            str(line.net),
            str(line.tax),
            str(line.period_from or ""),
            str(line.period_to or ""),
            line.formula,
            version,
            line.cause,
            _suspended(line),
        )
    console.print(table)


def _suspended(line: LineDerived) -> str:
    if not line.suspended_days:
        return ""
    why = " and ".join(reason.replace("_", " ") for reason in line.suspended_for)
    return f"{line.suspended_days} days ({why}), {line.suspended_charged} of them charged"


@billing.command("suspended-days")
def suspended_days(as_json: Json = False) -> None:
    """Whether days on which a line is suspended are charged: by why it is, and from which day on (billing.suspension_policy)."""

    async def work() -> list[SuspensionRule]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(BILLER) as conn:
            return await suspension_rules(conn)

    rules = run(work)
    if as_json:
        printed_json([asdict(one) for one in rules])
        return
    table = Table("Suspended for", "From", "Its days are")
    for one in rules:
        table.add_row(one.reason.replace("_", " "), str(one.valid_from or "ever"), "charged" if one.is_charged else "not charged")
    console.print(table)


async def _prepared(until: datetime | None) -> Preview:
    async with opened(Settings(), (Zone.EXECUTOR,)) as here:
        return await drafted(here.forge, await prepared(here.forge, BILLER, _day(here, until)))


def _day(here: House, until: datetime | None) -> date:
    return until.date() if until else here.forge.now().astimezone(here.forge.timezone).date()


def _bars(bars: Progress) -> Told:
    tasks: dict[str, TaskID] = {}

    def told(step: str, done: int, of: int) -> None:
        if step not in tasks:
            tasks[step] = bars.add_task(step, total=of)
        bars.update(tasks[step], completed=done)

    return told


def _shown(found: Preview) -> None:
    totals = found.totals
    console.print(f"Run {found.run.id} until {found.run.billed_on}: {found.run.accounts:,} accounts, {found.run.state}.")
    console.print(
        f"{totals.bills:,} bills for {totals.total}; the dearest is {totals.largest}. {totals.carried:,} are carried to the next bill."
    )
    for one in found.suspended:
        days = f"{one.charged} days are charged, {one.spared} are not"
        console.print(f"{one.lines} lines were suspended ({one.reason.replace('_', ' ')}): {days}.")
    if found.held:
        table = Table(
            "Held",
            "Customer",
            "Bill",
            "Last",
            "Because",
            title=f"{totals.held:,} bills wait for somebody to look, {totals.held_total} together",
        )
        for bill in found.held:
            table.add_row(str(bill.invoice_id), str(bill.customer_id), str(bill.total), str(bill.last or ""), ", ".join(bill.anomalies))
        console.print(table)


@billing.command()
def reconcile(
    statement: Annotated[
        Path, typer.Argument(help="The provider's list: a CSV with reference, amount (a refund: below 0) and at.", exists=True)
    ],
    days: Annotated[int, typer.Option(help="How many days back, until now.")] = 7,
    as_json: Json = False,
) -> None:
    """Lay the provider's payments and refunds beside ours; nothing is changed. Exit 1 where they differ."""
    until = datetime.now(UTC)

    async def work() -> Reconciled:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here:
            return await reconciled(here.atlas, StatementFile(statement), until - timedelta(days=days), until)

    found = run(work)
    if as_json:
        printed_json(asdict(found))
    else:
        _beside("payments", found.agree, found.differences)
        _beside("refunds", found.refunds_agree, found.refund_differences)
    if found.differences or found.refund_differences:
        raise typer.Exit(1)


def _beside(what: str, agree: int, differences: Sequence[PaymentDifference]) -> None:
    console.print(f"{agree:,} {what} agree, {len(differences):,} do not.")
    for one in differences:
        console.print(f"  {one.reference}: we have {one.kept or 'nothing'}, the provider {one.reported or 'nothing'}", highlight=False)
