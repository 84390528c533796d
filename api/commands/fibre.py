"""`bedrock fibre`: the strands of a line and of a cable, who goes dark with a cut, and splices written down as they are built."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from api.cli import Email, Json, colleague_here, console, opened, password_of, printed_json, run
from api.settings import Settings
from atlas.cmdb.reads import cable_named, fibre_of_line, lines_lit, strands_of_cable
from atlas.cmdb.records.fibre import FibreWay, Glass, LineLit, Strand
from atlas.cmdb.rules import strands_meant
from atlas.identity import CorrelationId, SubscriberId
from atlas.principal import Zone, executor
from atlas.statements import Connection
from forge.action import Action
from forge.actions.cmdb.fibre import RecordSplice, RemoveSplice
from forge.propose import Proposed, propose

Found = TypeVar("Found")
Cable = Annotated[str, typer.Argument(help="A cable by its name.")]
End = Annotated[str, typer.Argument(help="CABLE/STRAND@from, CABLE/STRAND@to or DEVICE#PORT, as F-01/orange.green@to or spl-01#leg 7.")]

fibre = typer.Typer(no_args_is_help=True, help="Glass down to the strand: ways, cables, cuts and splices.")


def add_fibre(app: typer.Typer) -> None:
    app.add_typer(fibre, name="fibre")


@fibre.command()
def line(number: Annotated[int, typer.Argument(help="A line by its number.")], as_json: Json = False) -> None:
    """The way of a line from the port of its OLT to its ONT: cables, tubes, strands and colours, splitters and legs."""
    found = asked(lambda conn: fibre_of_line(conn, SubscriberId(number)))
    if as_json:
        printed_json(asdict(found))
        return
    console.print(headline(found), highlight=False)
    table = Table("What", "Tube", "Strand", "Length", "Splice")
    for one in found.way:
        table.add_row(*stretch(one))
    console.print(table)


def headline(way: FibreWay) -> str:
    whole = "" if way.is_whole else " A splice is not on record: it begins at the last strand that is known."
    return f"Line {way.line}: {way.olt} {way.olt_port} to {way.ont}.{whole}"


def stretch(one: Glass) -> tuple[str, str, str, str, str]:
    tube, strand = (f"{one.tube} {one.tube_colour}", f"{one.strand} {one.colour}") if one.strand else ("", one.port)
    return (
        one.name,
        tube,
        strand,
        f"{one.length_m} m" if one.length_m is not None else "",
        str(one.splice_id or ""),
    )


@fibre.command()
def cable(name: Cable, as_json: Json = False) -> None:
    """Every strand of a cable: colours, what its ends are spliced to, how many lines it reaches."""
    found: list[Strand] = asked(lambda conn: strands_of_cable(conn, name))
    if as_json:
        printed_json([asdict(one) for one in found])
        return
    table = Table("Strand", "Tube", "Colour", "From", "To", "Lines")
    for one in found:
        table.add_row(
            str(one.strand), f"{one.tube} {one.tube_colour}", one.colour, one.at_from or "free", one.at_to or "free", str(one.lines or "")
        )
    console.print(table)


@fibre.command()
def cut(
    name: Cable,
    strands: Annotated[str, typer.Option(help="1-12, 15, or the colour of a tube; all, where none are said.")] = "",
    as_json: Json = False,
) -> None:
    """Who goes dark when a cable is cut, whole or at some of its strands."""

    async def lit(conn: Connection) -> list[LineLit]:
        return await lines_lit(conn, name, strands_meant(strands, await cable_named(conn, name)))

    found = asked(lit)
    if as_json:
        printed_json([asdict(one) for one in found])
        return
    table = Table("Strand", "Line", "Customer", "Splitter", "Leg", "Where", "Beware")
    for one in found:
        beware = ", ".join(
            word for word, stands in (("vulnerable", one.is_vulnerable), ("emergency line", one.has_emergency_line)) if stands
        )
        where = (one.splitter, str(one.leg or ""), one.address, beware)
        table.add_row(str(one.strand), str(one.subscriber_id), str(one.customer_id), *where)
    console.print(table)
    console.print(f"{len({one.subscriber_id for one in found}):,} lines go dark.", highlight=False)


@fibre.command()
def splice(one: End, other: End, email: Email = "") -> None:
    """Write down, as built and in your name, that two ends are spliced. Refused where one is spliced already."""
    ordered(lambda conn, now: RecordSplice.of(conn, one, other, now), email, "as built")


@fibre.command()
def unsplice(
    number: Annotated[int, typer.Argument(help="A splice by its number.")],
    reason: Annotated[str, typer.Option(help="Why it was taken apart.")],
    email: Email = "",
) -> None:
    """Write down, in your name, that a splice was taken apart."""
    ordered(lambda conn, _: RemoveSplice.of(conn, number, reason), email, reason)


def asked(question: Callable[[Connection], Awaitable[Found]]) -> Found:
    async def work() -> Found:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(executor("cli")) as conn:
            return await question(conn)

    return run(work)


def ordered(making: Callable[..., Awaitable[Action]], email: str, reason: str) -> None:
    password = password_of(email, dry_run=False)

    async def work() -> Proposed:
        async with opened(Settings()) as here:
            me = await colleague_here(here, email, password)
            async with here.atlas.transaction(executor("cli")) as conn:
                action = await making(conn, here.forge.now())
            return await propose(here.forge, me, action, reason=reason, correlation_id=CorrelationId(uuid.uuid4()))

    made = run(work)
    console.print(f"{made.reference} is {made.state.value}" + (f": {made.failure}" if made.failure else "."), highlight=False)
    if made.failure:
        raise typer.Exit(1)
