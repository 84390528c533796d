"""`cut`: from the last alarm of the whitepaper's burst, over UDP, to one incident committed with its root and everybody behind it."""

import time
from collections.abc import Sequence
from statistics import median
from typing import Final

import numpy as np
import psycopg

from atlas.statements import Connection, Statements
from evals.bench import Conditions, Row
from evals.benchmarks.cut_stage import CutStage, cut_stage

SQL = Statements(__file__)

TIMES: Final = 40


async def run(conditions: Conditions) -> Sequence[Row]:
    async with cut_stage(conditions, "cut") as stage:
        took_s = [await one_cut(stage, number) for number in range(TIMES + 1)][1:]
        floor = floor_ms(stage)
    found = np.array(took_s) * 1000
    figure = f"{len(stage.told)} alarms, the last sent, to one incident with root, {len(stage.scene.dark)} devices and 312 subscribers"
    floor_is = "one bare transaction that writes as many rows"
    return [Row("cut", figure, "ms", float(np.median(found)), float(np.percentile(found, 99)), floor, floor_is, "p99 ≤ 150 ms")]


async def one_cut(stage: CutStage, number: int) -> float:
    """Seconds from the last `sendto` to the commit of the incident as the whole burst makes it; then the repair."""
    played = await stage.cut(number)
    sent = time.monotonic()

    async def is_whole(conn: Connection) -> bool:
        whole = {"link_id": stage.scene.link.link_id, "alarms": len(stage.told), "subscribers": lines(stage), "since": played.first_at}
        return bool(await SQL.value(conn, "whole_incidents", **whole))

    took = await stage.until(is_whole) - sent
    await stage.repair()
    return took


def lines(stage: CutStage) -> int:
    return sum(group.lines for group in stage.scene.groups)


def floor_ms(stage: CutStage, times: int = 50) -> float:
    """What PostgreSQL needs for as many rows (alarms, members of the incident) in one durable transaction, with nothing around it."""
    rows = "".join(f"{number}\n" for number in range(2 * len(stage.told) + len(stage.scene.dark) + lines(stage)))
    took = []
    with psycopg.connect(stage.url) as conn:
        conn.execute("CREATE TABLE public.floor (id bigint)")
        conn.commit()
        for _ in range(times):
            began = time.monotonic()
            with conn.cursor().copy("COPY public.floor FROM STDIN") as copy:
                copy.write(rows)
            conn.commit()
            took.append((time.monotonic() - began) * 1000)
        conn.execute("DROP TABLE public.floor")
        conn.commit()
    return median(took)
