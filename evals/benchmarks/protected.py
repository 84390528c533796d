"""`protected`: the hottest reads over millions of rows, each as the login of its zone under row security and as the owner without."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
from psycopg import AsyncConnection

from api.serve import database
from api.settings import Settings
from atlas.billing import reads as billing
from atlas.cmdb import reads as cmdb
from atlas.connection import Atlas
from atlas.crm import reads as crm
from atlas.identity import CustomerId, StaffId
from atlas.itsm import reads as itsm
from atlas.knowledge import reads as knowledge
from atlas.oms import reads as oms
from atlas.principal import Principal, Zone, customer, staff
from atlas.statements import Connection, Statements
from evals.bench import Conditions, Row
from evals.world.seed import seed

# Over two million postings and a million lines, contacts, premises and bills between them.
SUBSCRIBERS: Final = 250_000
CUSTOMERS: Final = 60
DIMENSIONS: Final = 384


@dataclass(frozen=True)
class Hot:
    """A read of the product by the zone that asks it most."""

    zone: Zone
    statements: Statements
    name: str

    @property
    def title(self) -> str:
        return f"{self.statements.path.parent.name}.{self.name} as {self.zone}"


ASKED: Final = (
    (Zone.CUSTOMER, crm.SQL, ("customer", "contacts", "consents", "services_held", "outages_at_lines", "owed")),
    (Zone.CUSTOMER, billing.SQL, ("balance", "months_billed", "invoice_of_month", "lines_of_month", "credits_given", "last_incident_of")),
    (Zone.CUSTOMER, itsm.SQL, ("tickets_of_customer",)),
    (Zone.CUSTOMER, oms.SQL, ("orders_of",)),
    (Zone.CUSTOMER, knowledge.SQL, ("nearest",)),
    (Zone.STAFF, crm.SQL, ("customer", "services_held", "tickets_open", "visits_planned", "notices_to", "interactions")),
    (Zone.STAFF, billing.SQL, ("balance", "lines_of_month")),
    (Zone.STAFF, itsm.SQL, ("incidents_at_lines",)),
    (Zone.STAFF, cmdb.SQL, ("device_named",)),
)
HOTTEST: Final = tuple(Hot(zone, statements, name) for zone, statements, names in ASKED for name in names)


async def run(conditions: Conditions) -> Sequence[Row]:
    return await measured(conditions, SUBSCRIBERS)


async def measured(conditions: Conditions, subscribers: int, customers: int = CUSTOMERS) -> list[Row]:
    """Each read by turns with and without, over the same customers."""
    settings = Settings(home=conditions.home / "protected")
    now = datetime.now(UTC)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database(settings))
        made = await asyncio.to_thread(seed, url, subscribers=subscribers, now=now)
        owner = await stack.enter_async_context(await AsyncConnection.connect(url, autocommit=True))
        atlas = await stack.enter_async_context(Atlas.open(url, settings.secret, (Zone.CUSTOMER, Zone.STAFF), most=1))
        # An owner that row security does not bind either: FORCE spares the superuser, whom the embedded server's owner is.
        numbers = np.random.default_rng(1).integers(1, made.customers, customers).tolist()
        rows = [await compared(atlas, owner, hot, numbers, now) for hot in HOTTEST]
    worst = max(row.median / row.floor for row in rows if row.floor)
    return [*rows, Row("protected", f"the worst of {len(rows)} hot reads", "× unprotected", worst, None, None, "", "≤ 2 ×")]


async def compared(atlas: Atlas, owner: Connection, hot: Hot, numbers: Sequence[int], now: datetime) -> Row:
    took = []
    for number in numbers:
        asked = parameters(number, now)
        async with owner.transaction():
            without = await seconds(owner, hot, asked)
        async with atlas.transaction(principal_of(hot.zone, number)) as conn:
            took.append((await seconds(conn, hot, asked), without))
    protected, bare = (np.array(took) * 1000).T
    floor_is = "the same by the owner, whom no policy binds"
    return Row(
        "protected",
        hot.title,
        "ms",
        float(np.median(protected)),
        float(np.percentile(protected, 99)),
        float(np.median(bare)),
        floor_is,
        "≤ 2 ×",
    )


def principal_of(zone: Zone, number: int) -> Principal:
    return customer(CustomerId(number)) if zone is Zone.CUSTOMER else staff(StaffId(1), "bench", frozenset())


async def seconds(conn: Connection, hot: Hot, asked: dict[str, Any]) -> float:
    began = time.perf_counter()
    await (await conn.execute(hot.statements.text(hot.name), asked)).fetchall()
    return time.perf_counter() - began


def parameters(number: int, now: datetime) -> dict[str, Any]:
    """What any of the reads may be asked with, about one customer."""
    month = (now.date().replace(day=1) - timedelta(days=1)).replace(day=1)
    return {
        "customer_id": number,
        "today": now.date(),
        "now": now,
        "since": now - timedelta(days=30),
        "month": month,
        "before": date.max,
        "most": 10,
        "name": "no such device",
        "kind": "article",
        "model": "any",
        "language": None,
        "vector": str([0.05] * DIMENSIONS),
        "order_id": None,
        "restored_since": now - timedelta(days=1),
    }
