"""`protected`: the hottest reads over millions of rows, each as the login of its zone under row security and as the owner without.

Every read must answer with rows: one that finds nothing is not timed but raises ReadsNothing.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
from psycopg import AsyncConnection

from api.serve import database
from api.settings import Settings
from atlas.billing.reads import bills, compensation
from atlas.cmdb import reads as cmdb
from atlas.connection import Atlas
from atlas.crm import reads as crm
from atlas.errors import AtlasError
from atlas.helpdesk import reads as helpdesk
from atlas.identity import CustomerId, StaffId
from atlas.itsm import reads as itsm
from atlas.knowledge import reads as knowledge
from atlas.oms import reads as oms
from atlas.principal import Assurance, Principal, Zone, customer, staff
from atlas.statements import Connection, Statements
from evals.bench import Conditions, Row
from evals.world.seed import seed

# Over two million postings and a million lines, contacts, premises and bills between them.
SUBSCRIBERS: Final = 250_000
CUSTOMERS: Final = 60
FEWEST: Final = 5
DIMENSIONS: Final = 384
# From so many rows on a table is not read from end to end; psycopg prepares a statement at its sixth run.
LARGE: Final = 10_000
WARMED: Final = 8
# Searched exactly on purpose: thousands of passages, and an index under a filter loses some.
SEARCHED_WHOLE: Final = "knowledge.passage"
SQL: Final = Statements(__file__)


class ReadsNothing(AtlasError):
    """Too few of the customers have anything for this read: what it costs was not measured."""


@dataclass(frozen=True)
class Hot:
    """A read of the product by the zone that asks it most."""

    zone: Zone
    statements: Statements
    name: str

    @property
    def title(self) -> str:
        folder = self.statements.path.parent
        return f"{(folder.parent if folder.name == 'reads' else folder).name}.{self.name} as {self.zone}"


ASKED: Final = (
    (Zone.CUSTOMER, crm.SQL, ("customer", "contacts", "consents", "services_held", "outages_at_lines", "owed")),
    (Zone.CUSTOMER, bills.SQL, ("balance", "months_billed", "invoice_of_month", "lines_of_month")),
    (Zone.CUSTOMER, compensation.SQL, ("credits_given", "last_incident_of")),
    (Zone.CUSTOMER, itsm.SQL, ("tickets_of_customer",)),
    (Zone.CUSTOMER, oms.SQL, ("orders_of",)),
    (Zone.CUSTOMER, knowledge.SQL, ("nearest",)),
    (Zone.CUSTOMER, helpdesk.SQL, ("conversation", "messages")),
    (Zone.CUSTOMER, SQL, ("ticket_by_reference",)),
    (Zone.STAFF, crm.SQL, ("customer", "services_held", "tickets_open", "visits_planned", "notices_to", "interactions")),
    (Zone.STAFF, bills.SQL, ("balance", "lines_of_month")),
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
        await arranged(owner, numbers, now)
        asked = [await parameters(owner, number, now) for number in numbers]
        rows = [await compared(atlas, owner, hot, asked) for hot in HOTTEST]
        scanned = [f"{hot.title}: {table}" for hot in HOTTEST for table in await read_whole(atlas, owner, hot, asked[0])]
    worst = max(row.median / row.floor for row in rows if row.floor)
    return [
        *rows,
        Row("protected", f"the worst of {len(rows)} hot reads", "× unprotected", worst, None, None, "", "≤ 2 ×"),
        Row("protected", "large tables read from end to end", "reads", len(scanned), None, None, "; ".join(scanned), "0"),
    ]


async def arranged(owner: Connection, numbers: Sequence[int], now: datetime) -> None:
    await SQL.run(owner, "acting")
    await SQL.run(owner, "hot_rows", customer_ids=numbers, now=now)
    await SQL.run(owner, "credits", customer_ids=numbers, now=now)
    await owner.execute("ANALYZE")


async def compared(atlas: Atlas, owner: Connection, hot: Hot, asked: Sequence[dict[str, Any]]) -> Row:
    """Over the customers for whom the read finds something, on warm connections. Raises ReadsNothing."""
    found = []
    for one in asked:
        async with atlas.transaction(principal_of(hot.zone, one["customer_id"])) as conn:
            if await rows_of(conn, hot, one):
                found.append(one)
    if len(found) < FEWEST:
        raise ReadsNothing(f"{hot.title} finds rows for {len(found)} of {len(asked)} customers, at least {FEWEST} are needed")
    took = [await by_turns(atlas, owner, hot, one) for one in [*found[:1] * WARMED, *found]][WARMED:]
    protected, bare = (np.array(took) * 1000).T
    median, p99, floor = float(np.median(protected)), float(np.percentile(protected, 99)), float(np.median(bare))
    return Row("protected", hot.title, "ms", median, p99, floor, "the same by the owner, whom no policy binds", "≤ 2 ×")


async def by_turns(atlas: Atlas, owner: Connection, hot: Hot, asked: dict[str, Any]) -> tuple[float, float]:
    async with owner.transaction():
        without = await seconds(owner, hot, asked)
    async with atlas.transaction(principal_of(hot.zone, asked["customer_id"])) as conn:
        return await seconds(conn, hot, asked), without


async def read_whole(atlas: Atlas, owner: Connection, hot: Hot, asked: dict[str, Any]) -> list[str]:
    """The large tables that the plan under row security reads from end to end."""
    async with atlas.transaction(principal_of(hot.zone, asked["customer_id"])) as conn:
        answer = await (
            await conn.execute(f"EXPLAIN (FORMAT JSON, VERBOSE) {hot.statements.text(hot.name).decode()}".encode(), asked)
        ).fetchone()
    tables = sorted(set(scans(answer[0][0]["Plan"] if answer else {})) - {SEARCHED_WHOLE})
    return [table for table in tables if await SQL.value(owner, "size_of", name=table) >= LARGE]


def scans(plan: dict[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan":
        yield f"{plan['Schema']}.{plan['Relation Name']}"
    for part in plan.get("Plans", ()):
        yield from scans(part)


def principal_of(zone: Zone, number: int) -> Principal:
    return customer(CustomerId(number), Assurance.VERIFIED) if zone is Zone.CUSTOMER else staff(StaffId(1), "bench", frozenset())


async def rows_of(conn: Connection, hot: Hot, asked: dict[str, Any]) -> int:
    return len(await (await conn.execute(hot.statements.text(hot.name), asked)).fetchall())


async def seconds(conn: Connection, hot: Hot, asked: dict[str, Any]) -> float:
    began = time.perf_counter()
    await rows_of(conn, hot, asked)
    return time.perf_counter() - began


async def parameters(owner: Connection, number: int, now: datetime) -> dict[str, Any]:
    """What any of the reads may be asked with, about one customer."""
    month = (now.date().replace(day=1) - timedelta(days=1)).replace(day=1)
    cursor = await owner.execute(SQL.text("numbers_of"), {"customer_id": number})
    conversation, ticket, device = await cursor.fetchone() or (None, None, None)
    return {
        "customer_id": number,
        "today": now.date(),
        "now": now,
        "since": now - timedelta(days=365),
        "month": month,
        "before": date.max,
        "most": 10,
        "name": device,
        "conversation_id": conversation,
        "ticket_id": ticket,
        "thread": None,
        "staff_id": None,
        "kind": "article",
        "model": "any",
        "language": None,
        "vector": str([0.05] * DIMENSIONS),
        "order_id": None,
        "restored_since": now - timedelta(days=1),
    }
