"""`cut-notices`: from the first alarm of the whitepaper's burst to a notice in the outbox for everybody who may be told, word for word."""

import time
from collections.abc import Sequence
from typing import Final

import numpy as np
import psycopg

from atlas.statements import Connection, Statements
from evals.bench import Conditions, Row
from evals.benchmarks.cut_stage import WATCHER, CutStage, cut_stage

SQL = Statements(__file__)

# The matrix that ships lets two thousand people an hour be told alone; more cuts than this would wait for a person.
TIMES: Final = 5


async def run(conditions: Conditions) -> Sequence[Row]:
    async with cut_stage(conditions, "cut-notices") as stage:
        async with stage.here.atlas.transaction(WATCHER) as conn:
            people = int(await SQL.value(conn, "may_be_told", device_ids=stage.device_ids))
        found = np.array([await one_cut(stage, number, people) for number in range(TIMES)])
        floor = floor_s(stage)
    figure = f"first alarm sent, to {people} notices queued with their words: all of the 312 who may be told"
    floor_is = "as many rows written by one bare transaction"
    return [Row("cut-notices", figure, "s", float(np.median(found)), float(np.percentile(found, 99)), floor, floor_is, "≤ 2 s")]


async def one_cut(stage: CutStage, number: int, people: int) -> float:
    """Seconds from the first `sendto` to the commit of the last notice; then the repair."""
    played = await stage.cut(number)
    took_to_send = (played.last_at - played.first_at).total_seconds()
    sent = time.monotonic()

    async def are_told(conn: Connection) -> bool:
        return int(await SQL.value(conn, "told", since=played.first_at)) == people

    took = await stage.until(are_told) - sent + took_to_send
    await stage.repair()
    return took


def floor_s(stage: CutStage) -> float:
    """The notices' own words, durable, with nothing around them."""
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
