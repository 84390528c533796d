"""The shipped matrix's hard limits, as the gate in the database holds them."""

import pytest
from psycopg.errors import InsufficientPrivilege

from atlas import principal
from atlas.connection import Atlas
from atlas.identity import CustomerId, StaffId
from forge.matrix_in_force import put_in_force, read_in_force, write_in_force
from governance.matrix import SHIPPED, Matrix
from governance.matrix import load as load_matrix
from tests import given
from tests.layers import gate

STAFF = principal.staff(StaffId(1), "Anna Bell", frozenset())


@pytest.fixture(scope="module")
def shipped() -> Matrix:
    return load_matrix(SHIPPED)


async def test_the_shipped_limits_stand_in_the_gate_as_the_matrix_has_them(atlas: Atlas, owner: given.Owner, shipped: Matrix) -> None:
    await put_in_force(atlas, shipped)

    rows = await owner.execute(
        "SELECT action, disconnects, (ever).money, (ever).customers, (ever).device_tier, alone IS NULL, (alone).money_each"
        "  FROM actions.hard_limit"
    )
    assert sorted(await rows.fetchall()) == sorted(
        (
            limit.action,
            limit.disconnects,
            limit.ever.money.minor,
            limit.ever.customers,
            limit.ever.device_tier,
            limit.alone is None,
            limit.alone.money_each.minor if limit.alone else None,
        )
        for limit in shipped.hard_limits
    )


async def test_limits_that_stand_already_are_not_loaded_again(atlas: Atlas, owner: given.Owner, shipped: Matrix) -> None:
    await put_in_force(atlas, shipped)
    await put_in_force(atlas, shipped)

    rows = await owner.execute("SELECT event FROM actions.audit")
    assert await rows.fetchall() == [("matrix_in_force",)]


@pytest.mark.parametrize(
    "who", [principal.executor("forge"), principal.intake("snmp"), principal.customer(CustomerId(1)), principal.stranger(), STAFF]
)
async def test_no_door_and_no_executor_puts_a_matrix_in_force(atlas: Atlas, who: principal.Principal) -> None:
    with pytest.raises(InsufficientPrivilege):
        async with atlas.transaction(who) as conn:
            await write_in_force(conn, gate.matrix(gate.lax()))


async def test_whoever_puts_a_matrix_in_force_can_do_nothing_else(atlas: Atlas, owner: given.Owner) -> None:
    rows = await owner.execute(
        "SELECT n.nspname || '.' || p.proname FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
        " WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND has_function_privilege('bedrock_governance', p.oid, 'EXECUTE')"
        " AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = p.oid AND deptype = 'e') ORDER BY 1"
    )

    assert [row[0] for row in await rows.fetchall() if not row[0].startswith("atlas.")] == ["actions.put_in_force"]


async def test_the_rows_stand_in_the_gate_as_the_matrix_has_them(atlas: Atlas, owner: given.Owner, shipped: Matrix) -> None:
    await put_in_force(atlas, shipped)

    rows = await owner.execute("SELECT action, rule FROM actions.matrix_row ORDER BY action, place")
    assert await rows.fetchall() == [(action, row.rule) for action in sorted(shipped.actions) for row in shipped.rows_for(action)]


async def test_a_matrix_is_read_again_from_the_gate_as_it_was_written(atlas: Atlas, shipped: Matrix) -> None:
    await put_in_force(atlas, shipped)

    async with atlas.transaction(principal.executor("forge")) as conn:
        assert await read_in_force(conn) == shipped
