"""`bedrock orders`: the story of one order over all systems, what waits to be mended, and what will be late."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from api.cli import Json, console, opened, printed_json, run
from api.settings import Settings
from atlas.identity import OrderId
from atlas.oms.reads import case_of, fallout_queue, in_jeopardy, story_of
from atlas.oms.records import Case, Fallen, Happened, Jeopardy
from atlas.principal import Zone, executor

ME = executor("command-line")
orders = typer.Typer(no_args_is_help=True, help="Orders: their story, what waits to be mended, what will be late.")


def add_orders(app: typer.Typer) -> None:
    app.add_typer(orders, name="orders")


@orders.command()
def show(order: Annotated[int, typer.Argument(help="The order's number.")], as_json: Json = False) -> None:
    """Tell the whole story of one order, over all systems, with times; exit 1 where there is none."""

    async def work() -> tuple[Case, list[Happened]]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(ME) as conn:
            return await case_of(conn, OrderId(order)), await story_of(conn, OrderId(order))

    case, story = run(work)
    if as_json:
        printed_json({"order": asdict(case), "story": [asdict(one) for one in story]})
        return
    console.print(f"Order {order}: {case.kind} {case.plan}, {case.state.value}", highlight=False)
    told = Table("At", "System", "What", "By", "ms")
    for one in story:
        took = "" if one.took_ms is None else str(one.took_ms)
        told.add_row(f"{one.at:%Y-%m-%d %H:%M:%S.%f}"[:-3], one.system, one.what, one.by, took)
    console.print(told)


@orders.command()
def fallout(as_json: Json = False) -> None:
    """List the orders of which a step failed and that wait for a person."""

    async def work() -> list[Fallen]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(ME) as conn:
            return await fallout_queue(conn)

    found = run(work)
    if as_json:
        printed_json([asdict(one) for one in found])
        return
    shown = Table("Order", "Plan", "Step", "Cause", "Why", "Since", "Until")
    for one in found:
        shown.add_row(str(one.order_id), one.plan, one.step, one.cause, one.failure, f"{one.since:%d %b %H:%M}", f"{one.until:%d %b %H:%M}")
    console.print(shown)


@orders.command()
def jeopardy(as_json: Json = False) -> None:
    """List the orders that will miss the day that was wanted, or have."""

    async def work() -> list[Jeopardy]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(ME) as conn:
            return await in_jeopardy(conn)

    found = run(work)
    if as_json:
        printed_json([asdict(one) for one in found])
        return
    shown = Table("Order", "State", "Wanted on", "Expected on", "Because")
    for one in found:
        shown.add_row(str(one.order_id), one.state.value, str(one.wanted_on), str(one.expected_on), one.reason)
    console.print(shown)
