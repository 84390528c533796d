"""The ways round row security that somebody once walked, each closed: asked of PostgreSQL's own catalogue."""

from collections.abc import Awaitable, Callable
from typing import Final, LiteralString

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from atlas import principal
from atlas.connection import Atlas, zone_url
from tests import given
from tests.conftest import SECRET
from tests.layers import catalogue
from tests.layers.catalogue import LOGINS, MACHINERY, OURS

WRITES: Final = frozenset({"INSERT", "UPDATE", "DELETE"})
# Whoever may be told something of every channel: the name of a table, a fixed word, the number of a job.
MAY_NOTIFY: Final = {
    "atlas.announce": "pg_notify('atlas', TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME)",
    "atlas.announce_update": "pg_notify('atlas', TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME)",
    "cmdb.topology_changed": "pg_notify('atlas', 'cmdb.topology')",
    "jobs.defer": "pg_notify('procrastinate_any_queue_v1', json_build_object('type', 'job_inserted', 'job_id', job)::text)",
}


async def test_every_schema_is_known_to_these_tests(owner: given.Owner) -> None:
    assert {table.schema for table in await catalogue.tables(owner)} <= OURS | MACHINERY


async def test_every_table_has_row_security_even_for_its_owner(owner: given.Owner) -> None:
    ours = [table for table in await catalogue.tables(owner) if table.schema in OURS and table.is_table]

    assert [table.name for table in ours if not (table.is_protected and table.is_forced and table.policies)] == []


async def test_whoever_may_touch_a_table_has_a_policy_of_their_own_there(owner: given.Owner) -> None:
    ours = [table for table in await catalogue.tables(owner) if table.schema in OURS and table.is_table]

    touched = {(table.name, grant.partition(" ")[0]) for table in ours for grant in table.grants}
    assert touched - {(table.name, login) for table in ours for login in table.policies} == set()


async def test_only_the_executor_comes_near_the_machinery(owner: given.Owner) -> None:
    machinery = [table for table in await catalogue.tables(owner) if table.schema in MACHINERY]

    assert {grant.partition(" ")[0] for table in machinery for grant in table.grants} <= {"bedrock_executor"}


async def test_a_view_sees_no_more_than_whoever_asks_it(owner: given.Owner) -> None:
    views = [table for table in await catalogue.tables(owner) if table.kind == "v" and table.schema in OURS]

    assert [view.name for view in views if not view.is_invoker] == []


async def test_nothing_that_knows_no_policies_is_granted_to_anybody(owner: given.Owner) -> None:
    blind = [table for table in await catalogue.tables(owner) if table.kind in ("m", "f") or table.is_partition]

    assert [(table.name, table.grants) for table in blind if table.grants] == []


async def test_nobody_empties_locks_or_hooks_a_table(owner: given.Owner) -> None:
    tables = await catalogue.tables(owner)

    beyond = {"TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"}
    assert [(table.name, privilege) for table in tables for privilege in beyond if table.granted(privilege)] == []


async def test_nothing_is_granted_to_everybody(owner: given.Owner) -> None:
    granted = [*await catalogue.tables(owner), *await catalogue.sequences(owner)]

    assert [(one.name, grant) for one in granted for grant in one.grants if grant.startswith("PUBLIC ")] == []


async def test_customers_and_staff_write_no_table_themselves(owner: given.Owner) -> None:
    tables = await catalogue.tables(owner)

    writers = {(table.name, who) for table in tables for privilege in WRITES for who in table.granted(privilege)}
    assert {(name, who) for name, who in writers if who not in ("bedrock_executor", "bedrock_intake")} == set()


async def test_no_door_moves_a_sequence_by_hand(owner: given.Owner) -> None:
    sequences = await catalogue.sequences(owner)

    assert {
        (one.name, grant) for one in sequences if one.schema not in MACHINERY for grant in one.grants if not grant.endswith(" SELECT")
    } == set()
    assert {one.name for one in sequences if one.schema not in MACHINERY and one.grants} == {"cmdb.topology_version"}


async def test_a_function_with_its_owners_rights_looks_names_up_in_one_place_only(owner: given.Owner) -> None:
    definers = [one for one in await catalogue.functions(owner) if one.is_definer]

    # pg_temp last: named nowhere, it would be looked at first.
    paths = {one.name: one.search_path for one in definers if one.search_path not in ("pg_catalog, pg_temp", "jobs, pg_catalog, pg_temp")}
    assert paths == {}


async def test_every_function_of_ours_has_a_fixed_search_path(owner: given.Owner) -> None:
    ours = [one for one in await catalogue.functions(owner) if one.name.partition(".")[0] in OURS]

    arranging = {"atlas.announce_changes", "atlas.protect", "actions.guard"}
    assert [one.name for one in ours if not one.search_path and one.name not in arranging] == []


async def test_no_function_is_everybodys_to_call(owner: given.Owner) -> None:
    assert [one.name for one in await catalogue.functions(owner) if "PUBLIC" in one.may_call] == []


async def test_no_function_of_ours_claims_to_leak_nothing(owner: given.Owner) -> None:
    assert [one.name for one in await catalogue.functions(owner) if one.is_leakproof] == []


async def test_whoever_listens_hears_nothing_but_that_something_changed(owner: given.Owner) -> None:
    speaking = {one.name: one.text for one in await catalogue.functions(owner) if "pg_notify" in one.text}

    ours = {name: text for name, text in speaking.items() if not name.startswith("jobs.procrastinate_")}
    assert ours.keys() == MAY_NOTIFY.keys()
    assert [name for name, text in ours.items() if text.count("pg_notify") != 1 or MAY_NOTIFY[name] not in text] == []


async def test_no_login_is_mighty_owns_or_belongs_to_anything(owner: given.Owner) -> None:
    logins = await catalogue.logins(owner)

    plain = [catalogue.Login(name, False, False, (), (), 0, ()) for name in LOGINS]
    assert [login for login in logins if login.name in LOGINS] == plain


async def test_the_key_of_the_principals_is_read_by_nobody(owner: given.Owner) -> None:
    (key,) = (table for table in await catalogue.tables(owner) if table.name == "atlas.zone_key")

    assert key.grants == ()


HOLES: Final[dict[str, tuple[LiteralString, Callable[[given.Owner], Awaitable[None]]]]] = {
    "a table without row security": ("CREATE TABLE crm.note (id int)", test_every_table_has_row_security_even_for_its_owner),
    "row security that spares the owner": (
        "ALTER TABLE crm.customer NO FORCE ROW LEVEL SECURITY",
        test_every_table_has_row_security_even_for_its_owner,
    ),
    "a schema nobody thought of": ("CREATE SCHEMA annex; CREATE TABLE annex.note (id int)", test_every_schema_is_known_to_these_tests),
    "a grant without a policy": (
        "GRANT SELECT ON billing.journal TO bedrock_customer",
        test_whoever_may_touch_a_table_has_a_policy_of_their_own_there,
    ),
    "a grant on one column without a policy": (
        "GRANT SELECT (kind) ON billing.journal TO bedrock_customer",
        test_whoever_may_touch_a_table_has_a_policy_of_their_own_there,
    ),
    "a customer among the jobs": (
        "GRANT SELECT ON jobs.procrastinate_jobs TO bedrock_customer",
        test_only_the_executor_comes_near_the_machinery,
    ),
    "a view with its owner's eyes": (
        "CREATE VIEW crm.everybody AS SELECT name FROM crm.customer",
        test_a_view_sees_no_more_than_whoever_asks_it,
    ),
    "a copy that knows no policies": (
        "CREATE MATERIALIZED VIEW crm.everybody AS SELECT name FROM crm.customer; GRANT SELECT ON crm.everybody TO bedrock_customer",
        test_nothing_that_knows_no_policies_is_granted_to_anybody,
    ),
    "a partition opened by itself": (
        "CREATE TABLE crm.log (id int) PARTITION BY LIST (id); CREATE TABLE crm.log_1 PARTITION OF crm.log FOR VALUES IN (1);"
        " GRANT SELECT ON crm.log_1 TO bedrock_customer",
        test_nothing_that_knows_no_policies_is_granted_to_anybody,
    ),
    "truncation": ("GRANT TRUNCATE ON billing.posting TO bedrock_executor", test_nobody_empties_locks_or_hooks_a_table),
    "a table for everybody": ("GRANT SELECT ON gis.area TO PUBLIC", test_nothing_is_granted_to_everybody),
    "staff that write": ("GRANT UPDATE (name) ON crm.customer TO bedrock_staff", test_customers_and_staff_write_no_table_themselves),
    "a sequence moved by hand": ("GRANT USAGE ON crm.customer_id_seq TO bedrock_customer", test_no_door_moves_a_sequence_by_hand),
    "a definer that looks around": (
        "ALTER FUNCTION actions.claim RESET search_path",
        test_a_function_with_its_owners_rights_looks_names_up_in_one_place_only,
    ),
    "a function that looks around": ("ALTER FUNCTION actions.actor RESET search_path", test_every_function_of_ours_has_a_fixed_search_path),
    "a function for everybody": ("GRANT EXECUTE ON FUNCTION actions.judge TO PUBLIC", test_no_function_is_everybodys_to_call),
    "a function made by an old hand": (
        "CREATE FUNCTION crm.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION crm.f TO PUBLIC",
        test_no_function_is_everybodys_to_call,
    ),
    "a leaky function that swears": ("ALTER FUNCTION actions.beyond LEAKPROOF", test_no_function_of_ours_claims_to_leak_nothing),
    "names in a notification": (
        "CREATE FUNCTION crm.tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('atlas', NEW.name); RETURN NEW; END $$",
        test_whoever_listens_hears_nothing_but_that_something_changed,
    ),
    "a login that owns": ("ALTER TABLE crm.customer OWNER TO bedrock_staff", test_no_login_is_mighty_owns_or_belongs_to_anything),
    "a login that builds": ("GRANT CREATE ON SCHEMA crm TO bedrock_staff", test_no_login_is_mighty_owns_or_belongs_to_anything),
    "a key that can be read": ("GRANT SELECT ON atlas.zone_key TO bedrock_staff", test_the_key_of_the_principals_is_read_by_nobody),
}


@pytest.mark.parametrize(("hole", "lint"), HOLES.values(), ids=HOLES)
async def test_a_hole_is_noticed(owner: given.Owner, hole: LiteralString, lint: Callable[[given.Owner], Awaitable[None]]) -> None:
    await owner.execute(hole)

    with pytest.raises(AssertionError):
        await lint(owner)


@pytest.mark.parametrize("login", LOGINS)
async def test_no_login_becomes_another(atlas: Atlas, login: str) -> None:
    zone = principal.Zone(login.removeprefix("bedrock_"))
    others = [other for other in LOGINS if other != login]

    async with await psycopg.AsyncConnection.connect(zone_url(atlas.url, zone, SECRET), autocommit=True) as conn:
        for other in [*others, "postgres"]:
            with pytest.raises(InsufficientPrivilege):
                await conn.execute(f"SET ROLE {other}")
