"""Two households with a row each in every table there is, made by reading the catalogue: a table added later is sown by itself."""

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from atlas.statements import Statements
from tests import given
from tests.layers.catalogue import OURS

SQL = Statements(__file__)

# One row in the whole database, by nature; of bundles, for two that hold one another are refused.
SINGLE: Final = frozenset({"actions.matrix_in_force", "billing.currency", "billing.convention", "catalogue.bundle_part"})
# Its row is there from the start.
THERE: Final[Mapping[str, tuple[Any, ...]]] = {"billing.convention": (True,)}
EARLY, LATE = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)

# What no type tells: the columns that a constraint ties to one another, and references that are no foreign keys.
TOLD: Final[Mapping[str, Any]] = {
    "actions.break_glass.opened_at": LATE,
    "actions.break_glass.ends_at": LATE + timedelta(hours=1),
    "actions.delegation.starts_at": LATE - timedelta(days=1),
    "billing.billed_days.days": "{[2026-02-01,2026-03-01)}",
    "billing.bill_run.billed_on": date(2026, 3, 1),
    "billing.bill_run.since": date(2026, 2, 1),
    "billing.bill_run.state": "done",
    "billing.charge.ends_on": None,
    "billing.currency.code": "GBP",
    "billing.invoice.issued_at": LATE,
    "billing.invoice.month": date(2026, 3, 1),
    "billing.invoice.period_from": date(2026, 2, 1),
    "billing.invoice.period_to": date(2026, 3, 1),
    "billing.posting.amount_minor": 0,
    "billing.posting.ledger_account": "receivable",
    "billing.usage_record.period_from": date(2026, 2, 1),
    "billing.usage_record.why": "",
    "billing.usage_total.period_from": date(2026, 2, 1),
    "billing.usage_total.period_to": date(2026, 3, 1),
    "catalogue.offering_version.valid_to": date(2027, 1, 1),
    "catalogue.reply_item.attribute": "Filter-Id",
    "cmdb.mac_sighting.first_seen_at": EARLY,
    "cmdb.splice_end.cable_end": "from",
    "cmdb.splice_end.strand": 1,
    "cmdb.observed_profile.since": EARLY,
    "cmdb.pool.first_place": 2,
    "cmdb.pool.kind": "vlan",
    "cmdb.pool.last_place": 9,
    "cmdb.pool.network": None,
    "cmdb.pool.next_place": 2,
    "cmdb.pool.s_tag": 100,
    "cmdb.credential.secret": "sixteen letters!",
    "crm.subscriber.state": "active",
    "crm.subscriber.suspended_for": None,
    "field_service.job.window_from": EARLY,
    "gis.coverage.east": 2.0,
    "gis.coverage.geometry": Jsonb({"type": "Polygon"}),
    "gis.coverage.north": 2.0,
    "gis.reservation.expires_at": LATE + timedelta(days=36500),
    "gis.reservation.ended_as": None,
    "oms.quote.stands_until": LATE + timedelta(days=36500),
    "helpdesk.inbox.kind": "message",
    "helpdesk.one_time_code.sent_channel": "email",
    "nms.maintenance_window.starts_at": EARLY,
    "staff.shift.starts_at": EARLY,
}
# A link has two ends, a loan two people, what offerings are to one another: the second is at the neighbours'.
NEXT_DOOR: Final = frozenset(
    {
        "actions.delegation.delegate_id",
        "catalogue.bundle_part.part_id",
        "catalogue.plan_change.to_id",
        "catalogue.relation.other_id",
        "cmdb.cable.to_site_id",
        "cmdb.link.to_device_id",
        "cmdb.relation.to_device_id",
        "crm.merge.absorbed_id",
    }
)
# References that are no foreign keys, because the books ask for them by the statement and not by the row.
ASKED_FOR: Final[Mapping[str, str]] = {
    "billing.invoice_line.subscriber_id": "crm.subscriber",
    "billing.open_item.customer_id": "crm.customer",
    "billing.posting.customer_id": "crm.customer",
}
# Optional references that would lead in a circle, or mean something of their own.
LEFT_OUT: Final = frozenset(
    {
        "actions.action.incident_id",
        "actions.action.supersedes_id",
        "billing.allocation.undoes_id",
        "crm.customer.action_id",
        "crm.customer.merged_into_id",
        "billing.invoice.journal_id",
        "billing.journal.gives_back_id",
        "billing.journal.reverses_id",
        "cmdb.allotment.subscriber_id",
        "cmdb.asset.replaced_by_id",
        "cmdb.asset.subscriber_id",
        "cmdb.splice_end.device_id",
        "cmdb.splice_end.removed_by_action_id",
        "itsm.ticket.parent_id",
        "oms.product_order.follows_id",
        "staff.member.customer_id",
    }
)


@dataclass(frozen=True)
class Column:
    """`refers_to`: the table of a foreign key of this column alone; `first_choice`: where a check lists what it may be."""

    table_name: str
    name: str
    type: str
    is_required: bool
    has_default: bool
    refers_to: str
    first_choice: str
    is_key: bool


@dataclass
class Household:
    """One customer's row in each table, by the table's name, as its key."""

    number: int
    keys: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    neighbours: "Household | None" = field(default=None, repr=False)


@dataclass(frozen=True)
class Sown:
    """Every table with its key's columns, and the two households that live in them."""

    key_columns: dict[str, tuple[str, ...]]
    one: Household
    other: Household


async def sow(owner: given.Owner) -> Sown:
    """A row of each of two households in every table of ours."""
    columns: dict[str, list[Column]] = defaultdict(list)
    for column in await SQL.all(owner, Column, "columns", schemas=sorted(OURS - {"atlas"})):
        asked_for = ASKED_FOR.get(f"{column.table_name}.{column.name}", column.refers_to)
        columns[column.table_name].append(replace(column, refers_to=asked_for))
    one, other = Household(1), Household(2)
    one.neighbours, other.neighbours = other, one
    # In one transaction: a journal and its postings are committed together or not at all.
    async with owner.transaction():
        for table in ("crm.customer", *columns):
            await _sow_row(owner, columns, table, one)
            await _sow_row(owner, columns, table, other)
    keys = {table: tuple(column.name for column in listed if column.is_key) for table, listed in columns.items()}
    return Sown(keys, one, other)


async def _sow_row(owner: given.Owner, columns: dict[str, list[Column]], table: str, household: Household) -> None:
    if table in household.keys or (table in SINGLE and household.number > 1):
        return
    if table in THERE:
        household.keys[table] = THERE[table]
        return
    values: dict[str, Any] = {}
    for column in columns[table]:
        if f"{table}.{column.name}" in LEFT_OUT or (column.has_default and column.is_key and not column.refers_to):
            continue
        if column.refers_to:
            at = (household.neighbours or household) if f"{table}.{column.name}" in NEXT_DOOR else household
            await _sow_row(owner, columns, column.refers_to, at)
            values[column.name] = at.keys[column.refers_to][0]
        elif _is_wanted(table, column):
            values[column.name] = _value(table, column, household)
    household.keys[table] = await _inserted(owner, table, values, [column.name for column in columns[table] if column.is_key])


def _is_wanted(table: str, column: Column) -> bool:
    return f"{table}.{column.name}" in TOLD or column.name in _CUSTOMERS_OWN or (column.is_required and not column.has_default)


# Columns that name the customer without a foreign key.
_CUSTOMERS_OWN: Final = frozenset({"proposed_for", "number"})


def _value(table: str, column: Column, household: Household) -> Any:
    """Something of the type, different for each household; a listed choice where there is a list."""
    if f"{table}.{column.name}" in TOLD:
        return TOLD[f"{table}.{column.name}"]
    if column.name == "proposed_for":
        return household.keys["crm.customer"][0]
    if column.first_choice:
        return column.first_choice
    kind = column.type.removesuffix("[]").partition("(")[0]
    made = {"actions.measures": "(1,1,1,1,1,1)", "vector": str([0.0] * 383 + [1.0])}.get(kind) or _OF_TYPE[kind](household.number)
    return [made] if column.type.endswith("[]") else made


_OF_TYPE: Final[Mapping[str, Any]] = {
    "bigint": lambda number: number,
    "integer": lambda number: number,
    "smallint": lambda number: number,
    "boolean": lambda number: True,  # noqa: ARG005
    "text": lambda number: f"household {number}",
    "tsvector": lambda number: f"household{number}",
    "bytea": lambda number: f"household {number}".encode(),
    "jsonb": lambda number: Jsonb({"household": number}),
    "uuid": lambda number: uuid.UUID(int=number),
    "date": lambda number: date(2026, 1, number),
    "timestamp with time zone": lambda number: LATE + timedelta(hours=number),
    "interval": lambda number: timedelta(hours=number),
    "double precision": lambda number: number / 10,
    "real": lambda number: number / 10,
    "numeric": lambda number: number / 10,
    "cidr": lambda number: f"10.{number}.0.0/16",
    "macaddr": lambda number: f"02:00:00:00:00:0{number}",
    "inet": lambda number: f"192.0.2.{number}",
    "xid8": lambda number: str(number),
}


async def _inserted(owner: given.Owner, table: str, values: Mapping[str, Any], key: list[str]) -> tuple[Any, ...]:
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING {}").format(
        sql.Identifier(*table.split(".")),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.Placeholder() for _ in values),
        sql.SQL(", ").join(map(sql.Identifier, key)),
    )
    row = await (await owner.execute(statement, list(values.values()))).fetchone()
    assert row is not None
    return tuple(row)
