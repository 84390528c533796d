"""Every table × everybody who may come in: what each sees of two households, and that nobody writes what is not theirs to write."""

from typing import Any, Final

import psycopg
import pytest
from psycopg import AsyncConnection, sql
from psycopg.errors import InsufficientPrivilege

from atlas.connection import Atlas, zone_url
from atlas.identity import CustomerId, StaffId
from atlas.principal import Assurance, Principal, Zone, customer, executor, intake, staff, stranger
from tests import given
from tests.conftest import SECRET
from tests.layers import catalogue
from tests.layers.sown import Household, Sown, sow

# What anybody may know who comes in by the customers' door.
PUBLIC: Final = frozenset(
    {
        "billing.compensation_rate",
        "billing.convention",
        "billing.suspension_policy",
        "billing.series",
        "billing.tax_rate",
        "billing.currency",
        "billing.failing_rate",
        "billing.holiday",
        "catalogue.bundle_part",
        "catalogue.offered_service",
        "catalogue.offering",
        "catalogue.offering_version",
        "catalogue.plan_change",
        "catalogue.price",
        "catalogue.price_phase",
        "catalogue.price_tier",
        "catalogue.realisation",
        "catalogue.relation",
        "catalogue.resource_need",
        "catalogue.sla",
        "catalogue.sold_in",
        "catalogue.specification",
        "catalogue.tax_category",
        "gis.area",
        "knowledge.passage",
    }
)
# What a customer sees of their own. A table belongs in here on purpose or not at all.
OWN: Final = frozenset(
    {
        "actions.action",
        "billing.account",
        "billing.allocation",
        "billing.balance",
        "billing.charge",
        "billing.credit",
        "billing.dispute",
        "billing.dunning_step",
        "billing.credit_note",
        "billing.credit_note_line",
        "billing.invoice",
        "billing.invoice_document",
        "billing.invoice_line",
        "billing.one_off",
        "billing.open_item",
        "billing.pause",
        "billing.payment",
        "billing.payment_request",
        "billing.posting",
        "billing.promise_to_pay",
        "catalogue.add_on_held",
        "billing.tax_exemption",
        "billing.tax_region",
        "billing.usage_record",
        "billing.usage_total",
        "cmdb.access",
        "cmdb.accounting",
        "cmdb.session",
        "cmdb.usage",
        "crm.consent",
        "crm.contact",
        "crm.customer",
        "crm.interaction",
        "crm.party_role",
        "crm.subscriber",
        "field_service.job",
        "gis.drop",
        "gis.lead",
        "gis.premise",
        "helpdesk.call",
        "helpdesk.conversation",
        "helpdesk.message",
        "helpdesk.notice",
        "helpdesk.promise",
        "itsm.incident",
        "itsm.incident_subscriber",
        "itsm.ticket",
        "oms.order_event",
        "oms.order_item",
        "oms.order_visit",
        "oms.product_order",
        "oms.quote",
    }
)
# Of that what they see who only write from a number that is on file: nothing that says anything of a person.
UNVERIFIED: Final = frozenset(
    {"actions.action", "crm.subscriber", "helpdesk.conversation", "itsm.incident", "itsm.incident_subscriber", "itsm.ticket"}
)
# What a door for machines must read to name what arrives.
ARRIVING: Final = frozenset(
    {
        "cmdb.access",
        "cmdb.device",
        "cmdb.link",
        "cmdb.mac_sighting",
        "cmdb.observed_profile",
        "crm.contact",
        "crm.customer",
        "crm.moved_number",
        "crm.party_role",
        "helpdesk.call",
        "helpdesk.conversation",
        "helpdesk.inbox",
        "helpdesk.message",
        "nms.alarm",
        "nms.quarantine",
        "nms.writer",
    }
)
NOT_FOR_STAFF: Final = frozenset(
    {
        "field_service.hands_free",
        "staff.api_token",
        "staff.attempt",
        "staff.outside_account",
        "staff.passkey",
        "staff.recovery_code",
        "staff.session",
        "staff.totp",
        "staff.unfinished_proof",
    }
)
INTAKE_WRITES: Final = frozenset(
    {
        "cmdb.mac_sighting",
        "cmdb.observed_profile",
        "nms.alarm",
        "nms.quarantine",
        "helpdesk.call",
        "nms.writer",
        "helpdesk.conversation",
        "helpdesk.inbox",
        "helpdesk.message",
    }
)

Seen = dict[str, set[int]]


async def seen_by(conn: AsyncConnection[tuple[Any, ...]], sown: Sown) -> Seen:
    """For each table that may be asked at all: the numbers of the households whose row is seen."""
    seen: Seen = {}
    for table, key in sown.key_columns.items():
        statement = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(map(sql.Identifier, key)), sql.Identifier(*table.split(".")))
        try:
            async with conn.transaction():
                rows = {tuple(row) for row in await (await conn.execute(statement)).fetchall()}
        except InsufficientPrivilege:
            continue
        seen[table] = {household.number for household in (sown.one, sown.other) if household.keys.get(table) in rows}
    return seen


def all_of(sown: Sown, tables: frozenset[str]) -> Seen:
    return {table: {household.number for household in (sown.one, sown.other) if table in household.keys} for table in tables}


def expected_of(who: str, sown: Sown) -> Seen:
    every = frozenset(sown.key_columns)
    return {
        "the one customer": all_of(sown, PUBLIC) | {table: {1} for table in OWN},
        "the other customer": all_of(sown, PUBLIC) | {table: {2} for table in OWN},
        "a known number": all_of(sown, PUBLIC) | {table: {1} if table in UNVERIFIED else set() for table in OWN},
        "a stranger": all_of(sown, PUBLIC) | {table: set() for table in OWN},
        "staff": all_of(sown, every - NOT_FOR_STAFF),
        "intake": all_of(sown, ARRIVING),
        "executor": all_of(sown, every),
    }[who]


def principal_of(who: str, sown: Sown) -> Principal:
    def customer_of(household: Household) -> CustomerId:
        return CustomerId(household.keys["crm.customer"][0])

    return {
        "the one customer": customer(customer_of(sown.one), Assurance.VERIFIED),
        "the other customer": customer(customer_of(sown.other), Assurance.VERIFIED),
        "a known number": customer(customer_of(sown.one)),
        "a stranger": stranger(),
        "staff": staff(StaffId(sown.one.keys["staff.member"][0]), "Anna Bell", frozenset()),
        "intake": intake("test"),
        "executor": executor("test"),
    }[who]


EVERYBODY: Final = ["the one customer", "the other customer", "a known number", "a stranger", "staff", "intake", "executor"]


@pytest.mark.parametrize("who", EVERYBODY)
async def test_everybody_sees_what_is_theirs_in_every_table_and_nothing_else(atlas: Atlas, owner: given.Owner, who: str) -> None:
    sown = await sow(owner)

    async with atlas.transaction(principal_of(who, sown)) as conn:
        seen = await seen_by(conn, sown)

    assert seen == expected_of(who, sown)


@pytest.mark.parametrize("zone", list(Zone))
async def test_without_a_principal_no_login_sees_a_row_of_any_table(atlas: Atlas, owner: given.Owner, zone: Zone) -> None:
    sown = await sow(owner)

    async with await AsyncConnection.connect(zone_url(atlas.url, zone, SECRET)) as conn:
        seen = await seen_by(conn, sown)

    assert {table for table, households in seen.items() if households} == set()


async def refused(conn: AsyncConnection[tuple[Any, ...]], statement: sql.Composed) -> bool:
    try:
        async with conn.transaction():
            await conn.execute(statement)
    except InsufficientPrivilege:
        return True
    except psycopg.Error:
        return False
    return False


def writes_to(table: str, key: tuple[str, ...]) -> dict[str, sql.Composed]:
    """Each way to write a row; nobody may at all, so that it need not be a sensible row."""
    name, column = sql.Identifier(*table.split(".")), sql.Identifier(key[0])
    return {
        "INSERT": sql.SQL("INSERT INTO {} DEFAULT VALUES").format(name),
        "UPDATE": sql.SQL("UPDATE {} SET {} = {}").format(name, column, column),
        "DELETE": sql.SQL("DELETE FROM {}").format(name),
        "TRUNCATE": sql.SQL("TRUNCATE {}").format(name),
    }


@pytest.mark.parametrize("who", EVERYBODY)
async def test_everybody_is_refused_every_write_that_was_not_granted(atlas: Atlas, owner: given.Owner, who: str) -> None:
    sown = await sow(owner)
    principal = principal_of(who, sown)
    grants = {table.name: table for table in await catalogue.tables(owner)}

    let_through = []
    async with atlas.transaction(principal) as conn:
        for table, key in sown.key_columns.items():
            granted = {way for way in ("INSERT", "UPDATE", "DELETE") if f"bedrock_{principal.zone}" in grants[table].granted(way)}
            for way, statement in writes_to(table, key).items():
                if way not in granted and not await refused(conn, statement):
                    let_through.append((way, table))

    assert let_through == []


async def test_only_what_arrives_is_written_by_the_intake(owner: given.Owner) -> None:
    tables = await catalogue.tables(owner)

    assert {table.name for table in tables if "bedrock_intake" in table.granted("INSERT") | table.granted("UPDATE")} == INTAKE_WRITES


async def test_an_effect_that_is_not_repeated_in_the_ledger_is_never_erased_by_the_executor(owner: given.Owner) -> None:
    tables = await catalogue.tables(owner)

    erased = {table.name for table in tables if table.schema in catalogue.OURS and "bedrock_executor" in table.granted("DELETE")}
    # What somebody signs in with is theirs to take away; staff.api_token is revoked and stays on the record.
    # That a letter may have left is taken back where the mail server surely refused it.
    assert erased == (NOT_FOR_STAFF - {"staff.api_token", "field_service.hands_free"}) | {"knowledge.passage", "helpdesk.handed_letter"}


@pytest.mark.parametrize(
    "table", ["billing.posting", "billing.journal", "billing.credit", "crm.interaction", "itsm.incident_event", "actions.audit"]
)
async def test_what_is_append_only_is_changed_by_nobody(owner: given.Owner, table: str) -> None:
    (found,) = (one for one in await catalogue.tables(owner) if one.name == table)

    assert found.granted("UPDATE") | found.granted("DELETE") == set()
