"""`activation`: an order from capture to a line that works and is charged, by hand and for real; fifty at once on the last ten ports."""

import time
from collections.abc import Sequence
from typing import Final

import numpy as np

from atlas.errors import AtlasError
from atlas.oms.records import OrderState
from atlas.statements import Statements
from evals.bench import Conditions, Row
from evals.benchmarks.activation_radius import with_radius
from evals.benchmarks.orders_town import Town, town

SQL = Statements(__file__)
TIMES: Final = 20
FIFTY: Final = 50
LAST: Final = 10


class NotActivated(AtlasError):
    """An order that was to become a line did not."""


async def run(conditions: Conditions) -> Sequence[Row]:
    async with town(conditions.home / "activation") as here:
        homes = await (await here.owner.execute(SQL.text("homes"), {"most": 2 * TIMES + FIFTY})).fetchall()
        played, real, at_once = homes[:TIMES], homes[TIMES : 2 * TIMES], homes[2 * TIMES :]
        rows = [*await one_by_one(here, played), *await with_radius(here, real, conditions.home / "activation")]
        return [*rows, *await all_at_once(here, at_once)]


async def one_by_one(here: Town, homes: Sequence[tuple[int, int]]) -> list[Row]:
    took = []
    for who, premise in homes:
        began = time.perf_counter()
        case = await here.activated(await here.placed(who, premise))
        took.append(time.perf_counter() - began)
        if case.state is not OrderState.COMPLETED:
            raise NotActivated(f"order {case.order_id} is {case.state.value}: {case.sequence_why}")
    median, p99 = float(np.median(took)), float(np.percentile(took, 99))
    return [Row("activation", "from capture to a line that works and is charged (recorded network)", "s", median, p99, None, "", "≤ 2 s")]


async def all_at_once(here: Town, homes: Sequence[tuple[int, int]]) -> list[Row]:
    orders = [await here.placed(who, premise) for who, premise in homes]
    await leave_free(here, homes[0][1], LAST)
    began = time.perf_counter()
    await here.all_activated()
    took = time.perf_counter() - began
    cases = [await here.case(order) for order in orders]
    works = sum(case.state is OrderState.COMPLETED for case in cases)
    refused = sum(case.state is OrderState.FAILED and "; instead: " in (case.sequence_why or "") for case in cases)
    held = await (await here.owner.execute("SELECT count(*) FROM gis.reservation WHERE ended_at IS NULL")).fetchone()
    rows = [
        ("of 50 orders at once on the last 10 ports: lines that work", works, "10"),
        ("refused with a reason and an alternative", refused, "40"),
        ("ports still held by them afterwards", held[0] if held else 0, "0"),
    ]
    named = [Row("activation", what, "", float(figure), None, None, "", goal) for what, figure, goal in rows]
    return [*named, Row("activation", "all fifty", "s", took, None, None, "", "")]


async def leave_free(here: Town, premise: int, ports: int) -> None:
    """Hangs lines on every fibre port there is but the last few, those nearest to these homes."""
    splitters = await (await here.owner.execute(SQL.text("splitters"), {"premise": premise})).fetchall()
    left = ports
    for device, free in splitters:
        kept = min(left, max(0, free))
        left -= kept
        await here.owner.execute(SQL.text("fill"), {"device": device, "premise": premise, "lines": max(0, free - kept)})
