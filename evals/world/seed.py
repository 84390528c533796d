"""Makes the demo ISP in an empty Atlas: the same from the same seed, written as columns, all or nothing."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import psycopg
from psycopg import Connection

from atlas.errors import AtlasError
from atlas.statements import Statements
from evals.world.bills import bills
from evals.world.charges import charges_made
from evals.world.copying import FreshTables, Progress, checked_at_the_end, sequences_moved_past
from evals.world.glass import glass_tables
from evals.world.history import history_tables
from evals.world.ledger import ledger_tables, triggers_of_the_books
from evals.world.numbers import number_tables
from evals.world.people import MOST_CUSTOMERS, people
from evals.world.plan import World, world
from evals.world.plant import lay
from evals.world.staff import staff_tables
from evals.world.tables import Table, aaa_tables, billing_tables, catalogue, people_tables, plant_tables

SCHEMAS: Final = ("staff", "actions", "catalogue", "gis", "crm", "oms", "billing", "cmdb", "nms", "itsm", "field_service", "helpdesk")
SQL: Final = Statements(__file__)
# Every table with an id of its own that gets rows here.
NUMBERED: Final = (
    "staff.member", "catalogue.sla", "catalogue.offering", "catalogue.offering_version", "gis.area", "gis.premise", "crm.customer",
    "crm.subscriber", "cmdb.site", "cmdb.device", "cmdb.conduit", "cmdb.link", "cmdb.cable", "cmdb.vrf", "cmdb.prefix", "cmdb.pool",
    "billing.account", "billing.invoice", "billing.journal", "oms.product_order", "itsm.incident", "itsm.ticket", "nms.alarm",
    "cmdb.credential",
)  # fmt: skip
IMPORTED: Final = "import_history"
FEWEST: Final = 4_000


class OtherRowsPresent(AtlasError):
    """There is something else in this Atlas: the demo is only ever put into an empty one."""

    def __init__(self, table: str) -> None:
        super().__init__(f"{table} has rows that are not the demo's: seed an empty database instead")
        self.table = table


class SubscribersOutOfRange(AtlasError):
    """Fewer lines than reach every area, where the named people live, or more than there are made-up telephone numbers."""


@dataclass(frozen=True)
class Seeded:
    """The demo ISP that is in Atlas. `rows` is how many this call wrote: 0 where it was there already."""

    world: str
    seed: int
    subscribers: int
    customers: int
    devices: int
    links: int
    made_at: str
    rows: int = 0


def seeded(url: str) -> Seeded | None:
    """The demo ISP at `url`, or None."""
    with psycopg.connect(url) as conn:
        return _found(conn)


def seed(url: str, *, subscribers: int = 10_000, seed: int = 1, now: datetime, progress: Progress | None = None) -> Seeded:
    """Makes the demo ISP at `url` (as the database's owner), unless it is there; history and shifts lie around `now`.

    Raises OtherRowsPresent where Atlas holds anything else; SubscribersOutOfRange outside 4,000 to 1,000,000.
    """
    if not FEWEST <= subscribers <= MOST_CUSTOMERS:
        raise SubscribersOutOfRange(f"the demo ISP has from {FEWEST:,} to {MOST_CUSTOMERS:,} subscribers, not {subscribers:,}")
    with psycopg.connect(url) as conn:
        # Two starts at once: the second waits here and then finds it made.
        conn.execute("SELECT pg_advisory_xact_lock(hashtext('evals.world'))")
        there = _found(conn)
        if there:
            return there
        _must_be_empty(conn)
        conn.execute("SET LOCAL timezone = 'UTC'")
        # Keys are checked by joining whole tables; in a server's default 4 MB that goes by way of the disk.
        conn.execute("SET LOCAL work_mem = '256MB'")
        conn.execute("SET LOCAL maintenance_work_mem = '512MB'")
        return _make(conn, world(), subscribers, seed, now.replace(microsecond=0), progress)


def _found(conn: Connection) -> Seeded | None:
    row = conn.execute("SELECT facts FROM actions.action WHERE name = %s", (IMPORTED,)).fetchone()
    return Seeded(**row[0]) if row else None


def _must_be_empty(conn: Connection) -> None:
    for table in ("crm.customer", "cmdb.device", "gis.area", "catalogue.offering", "staff.member", "actions.action"):
        if conn.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():  # noqa: S608  names of our own
            raise OtherRowsPresent(table)


def _make(conn: Connection, plan: World, subscribers: int, number: int, now: datetime, progress: Progress | None) -> Seeded:
    rng = np.random.default_rng(number)
    plant = lay(plan, subscribers, rng)
    lines, customers = people(plant, rng)
    header, detail = bills(plan, lines, customers, now, rng)
    made = Seeded(plan.name, number, subscribers, customers.line.size, len(plant.devices), len(plant.links), now.isoformat())
    with checked_at_the_end(conn, SCHEMAS):
        action_id = _import_action(conn, made, now)
        triggers_of_the_books(conn, are_on=False)
        fresh = FreshTables(conn)
        rows = sum(
            _copied(fresh, tables, progress)
            for tables in (
                staff_tables(plan, now),
                catalogue(plan, now),
                plant_tables(plant, now),
                glass_tables(plant, action_id, now),
                people_tables(plant, lines, customers, now, rng),
                number_tables(plant, lines, action_id, now),
                billing_tables(header, detail, now),
                ledger_tables(header, action_id),
                aaa_tables(lines, action_id),
                history_tables(plant, lines, customers, action_id, now, rng),
            )
        )
    sequences_moved_past(conn, NUMBERED)
    conn.execute(SQL.text("splices_numbered"))
    charges_made(conn, action_id, plan.tax_percent)
    triggers_of_the_books(conn, are_on=True)
    conn.execute(SQL.text("failing_rates"))
    conn.execute(SQL.text("holidays"))
    # Nothing of it is news: the first night looks at all of it.
    conn.execute(SQL.text("no_leak_looks"))
    conn.commit()
    conn.autocommit = True
    conn.execute("ANALYZE")
    return Seeded(**{**asdict(made), "rows": rows})


def _copied(fresh: FreshTables, tables: Iterable[Table], progress: Progress | None) -> int:
    return sum(fresh.copy(table, columns, progress) for table, columns in tables)


def _import_action(conn: Connection, made: Seeded, now: datetime) -> int:
    """The one action that everything before today is put down to, with its two lines in the audit trail."""
    facts = json.dumps(asdict(made))
    correlation = uuid5(NAMESPACE_URL, f"bedrock:{made.world}:{made.seed}")
    row = conn.execute(
        "INSERT INTO actions.action (name, arguments, facts, digest, operation_key, proposer, proposed_at, reason, correlation_id, state,"
        " rule, verdict_reason, judged_at, ruled_at, finished_at, outcome)"
        " VALUES (%(name)s, %(facts)s, %(facts)s, %(digest)s, %(key)s, 'system:import', %(now)s, 'history of the demo ISP',"
        " %(correlation)s, 'done', 'import', 'history is taken as it was', %(now)s, %(now)s, %(now)s, '{}') RETURNING id",
        {
            "name": IMPORTED,
            "facts": facts,
            "digest": hashlib.sha256(facts.encode()).digest(),
            "key": f"{IMPORTED}:{made.world}",
            "now": now,
            "correlation": correlation,
        },
    ).fetchone()
    action_id = int(row[0]) if row else 0
    for event in ("proposed", "done"):
        conn.execute("SELECT actions.append_audit('system:import', %s, %s, %s, %s)", (event, action_id, correlation, facts))
    return action_id


def content_digest(conn: Connection, tables: Iterable[str]) -> dict[str, str]:
    """A digest of each table's rows, whatever their order: equal for equal seeds."""
    return {table: _digest(conn, table) for table in tables}


def _digest(conn: Connection, table: str) -> str:
    row: Any = conn.execute(f"SELECT md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM {table} AS t").fetchone()  # noqa: S608
    return str(row[0])
