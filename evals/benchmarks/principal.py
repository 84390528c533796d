"""`principal`: what a signed principal and row security add to a transaction that reads one customer by id."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import numpy as np
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from api.serve import database
from api.settings import Settings
from atlas.connection import Atlas
from atlas.identity import CustomerId
from atlas.principal import Assurance, Zone, customer
from atlas.statements import Connection
from evals.bench import Conditions, Row

TIMES: Final = 2000
WARM_UP: Final = 20
CUSTOMERS: Final = 10_000
READ: Final = "SELECT name FROM crm.customer WHERE id = %s"


async def run(conditions: Conditions) -> Sequence[Row]:
    settings = Settings(home=conditions.home / "principal")
    async with database(settings) as url:
        async with await AsyncConnection.connect(url, autocommit=True) as owner:
            await owner.execute(
                "INSERT INTO crm.customer (id, kind, name, customer_since) SELECT n, 'individual', 'Customer ' || n, '2026-01-01'"
                "  FROM generate_series(1, %s) AS n ON CONFLICT DO NOTHING",
                (CUSTOMERS,),
            )
            await owner.execute("ANALYZE crm.customer")
        async with Atlas.open(url, settings.secret, (Zone.CUSTOMER,), most=1) as atlas:
            return await transactions(atlas, TIMES)


async def transactions(atlas: Atlas, times: int) -> list[Row]:
    """Both kinds by turns over the same sort of pool, so that whatever slows the machine slows both."""
    async with AsyncConnectionPool[Connection](
        atlas.url, min_size=1, max_size=1, open=False, kwargs={"autocommit": True}, check=AsyncConnectionPool.check_connection
    ) as bare:

        async def without(number: int) -> None:
            async with bare.connection() as conn, conn.transaction():
                await (await conn.execute(READ, (number,))).fetchall()

        async def with_principal(number: int) -> None:
            async with atlas.transaction(customer(CustomerId(number), Assurance.VERIFIED)) as conn:
                await (await conn.execute(READ, (number,))).fetchall()

        took = [(await seconds(without, number), await seconds(with_principal, number)) for number in range(1, WARM_UP + times + 1)]
    floor, figure = (np.array(took[WARM_UP:]) * 1000).T
    added = figure - floor
    floor_is = "the same read by the owner: no principal, no policies"
    median, p99, floor_median = (float(value) for value in (np.median(figure), np.percentile(figure, 99), np.median(floor)))
    return [
        Row("principal", "a transaction that reads one customer", "ms", median, p99, floor_median, floor_is, ""),
        Row("principal", "of it principal and row security", "ms", float(np.median(added)), None, None, "", "≤ 0.3 ms"),
    ]


async def seconds(read: Callable[[int], Awaitable[None]], number: int) -> float:
    began = time.perf_counter()
    await read(number)
    return time.perf_counter() - began
