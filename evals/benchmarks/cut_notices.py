"""`cut-notices`: from the first alarm of the whitepaper's burst to a notice in the outbox for everybody who may be told, word for word."""

import time
from collections.abc import Sequence
from typing import Final

import numpy as np
import psycopg

from atlas.itsm.reads import incident as incident_of
from atlas.statements import Connection
from evals.bench import Conditions, Row
from evals.benchmarks.cut_stage import CutStage, cut_stage
from evals.demo.watching import figures, incidents_of_fault, notices

# The matrix that ships lets two thousand people an hour be told alone; more cuts than this would wait for a person.
TIMES: Final = 5


async def run(conditions: Conditions) -> Sequence[Row]:
    async with cut_stage(conditions) as stage:
        found = np.array([await one_cut(stage, number) for number in range(TIMES)])
        floor, told = floor_s(stage), int(await told_last(stage))
    figure = f"first alarm sent, to {told} notices queued with their words"
    floor_is = "as many rows written by one bare transaction"
    return [Row("cut-notices", figure, "s", float(np.median(found)), float(np.percentile(found, 99)), floor, floor_is, "≤ 2 s")]


async def one_cut(stage: CutStage, number: int) -> float:
    began = time.monotonic()
    played = await stage.cut(number)

    async def are_told(conn: Connection) -> bool:
        found = await incidents_of_fault(conn, stage.device_ids, played.first_at)
        if len(found) != 1:
            return False
        told = sum(each.notices for each in await notices(conn, found[0], "outage"))
        incident = await incident_of(conn, found[0])
        return told > 0 and told + (await figures(conn, found[0])).opted_out == incident.customers

    took = await stage.until(are_told) - began
    await stage.repair()
    return took


async def told_last(stage: CutStage) -> int:
    async with await psycopg.AsyncConnection.connect(stage.url) as conn:
        row = await (
            await conn.execute("SELECT count(*) FROM helpdesk.notice WHERE purpose = 'outage' GROUP BY incident_id LIMIT 1")
        ).fetchone()
    return row[0] if row else 0


def floor_s(stage: CutStage) -> float:
    """The notices' own bytes, durable, with nothing around them."""
    with psycopg.connect(stage.url) as conn:
        words = conn.execute("SELECT words FROM helpdesk.notice WHERE purpose = 'outage' LIMIT 312").fetchall()
        conn.execute("CREATE TABLE public.floor (words text)")
        conn.commit()
        began = time.monotonic()
        with conn.cursor().copy("COPY public.floor FROM STDIN") as copy:
            for row in words:
                copy.write_row(row)
        conn.commit()
        took = time.monotonic() - began
        conn.execute("DROP TABLE public.floor")
    return took
