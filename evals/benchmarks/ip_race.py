"""`ip-race`: 64 requests at once on a /28; each address once, the rest told that it is exhausted."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from atlas.cmdb.records.numbers import PlannedPool
from atlas.cmdb.rules import places_of
from atlas.identity import CorrelationId, CustomerId, SubscriberId
from atlas.principal import executor
from evals.bench import Conditions, Row
from evals.benchmarks.orders_town import Town, town
from forge.actions.cmdb.stock import ReserveNumbers
from forge.propose import propose

REQUESTS: Final = 64
NETWORK: Final = "192.0.2.0/28"


async def run(conditions: Conditions) -> Sequence[Row]:
    async with town(conditions.home / "ip-race") as here:
        return await raced(here)


async def raced(here: Town) -> list[Row]:
    """All pools but a new /28 are closed first; then everybody asks at once."""
    await here.owner.execute("DELETE FROM cmdb.allotment; DELETE FROM cmdb.pool")
    first, last = places_of(NETWORK, 32)
    pool = PlannedPool("race", "address", network=NETWORK, block_length=32)
    await here.owner.execute(
        "INSERT INTO cmdb.pool (name, kind, vrf_id, network, block_length, first_place, last_place, next_place, action_id)"
        " SELECT %s, %s, vrf.id, %s, 32, %s, %s, %s, 1 FROM cmdb.vrf",
        (pool.name, pool.kind, NETWORK, first, last, first),
    )
    lines = await (await here.owner.execute("SELECT customer_id, id FROM crm.subscriber ORDER BY id LIMIT %s", (REQUESTS,))).fetchall()
    began = time.perf_counter()
    said = await asyncio.gather(*(_asked(here, CustomerId(who), SubscriberId(line)) for who, line in lines))
    took = time.perf_counter() - began
    blocks = [block for blocks in said if blocks for block in blocks]
    figures = (
        ("addresses handed out", len(blocks), "14"),
        ("of them twice", len(blocks) - len(set(blocks)), "0"),
        ("told that it is exhausted", said.count(None), "50"),
    )
    rows = [Row("ip-race", what, "", float(figure), None, None, "", goal) for what, figure, goal in figures]
    return [*rows, Row("ip-race", f"{REQUESTS} requests at once, through the gate", "s", took, None, None, "", "")]


async def _asked(here: Town, who: CustomerId, line: SubscriberId) -> list[str] | None:
    """The numbers that the line has now; None where the pool was exhausted."""
    by = executor("benchmark")
    action = ReserveNumbers(who, line, "race")
    proposed = await propose(here.forge, by, action, reason="a benchmark", correlation_id=CorrelationId(uuid4()))
    if proposed.outcome is None and "exhausted" not in (proposed.failure or ""):
        raise AssertionError(f"neither a number nor exhausted: {proposed}")
    return None if proposed.outcome is None else list(proposed.outcome["numbers"])
