"""The shipped matrix's hard limits, as the gate in the database holds them."""

import pytest
from psycopg.errors import InsufficientPrivilege

from atlas import principal
from atlas.connection import Atlas
from atlas.identity import CustomerId
from forge.hard_limits import load_hard_limits
from governance.matrix import SHIPPED, Matrix
from governance.matrix import load as load_matrix
from tests import given
from tests.layers import gate


@pytest.fixture(scope="module")
def shipped() -> Matrix:
    return load_matrix(SHIPPED.read_text())


async def test_the_shipped_limits_stand_in_the_gate_as_the_matrix_has_them(atlas: Atlas, owner: given.Owner, shipped: Matrix) -> None:
    await load_hard_limits(atlas, shipped)

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
    await load_hard_limits(atlas, shipped)
    await load_hard_limits(atlas, shipped)

    rows = await owner.execute("SELECT event FROM actions.audit")
    assert await rows.fetchall() == [("matrix_in_force",)]


@pytest.mark.parametrize("who", [principal.intake("snmp"), principal.customer(CustomerId(1)), principal.stranger()])
async def test_nobody_but_the_executor_loads_limits(atlas: Atlas, who: principal.Principal) -> None:
    with pytest.raises(InsufficientPrivilege):
        async with atlas.transaction(who) as conn:
            await gate.load(conn)
