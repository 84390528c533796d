"""A kill switch stops an action or an agent at once, whatever was allowed or approved; few let it run again."""

import pytest
from psycopg.errors import InsufficientPrivilege, ObjectNotInPrerequisiteState

from atlas import principal
from atlas.connection import Atlas
from atlas.identity import CustomerId
from atlas.principal import Role, executor
from governance.facts import Facts
from tests import given
from tests.layers import gate
from tests.layers.gate import judged_alone, state

NOTE = Facts("note", customers=1)


async def switched(atlas: Atlas, who: principal.Principal, scope: str, name: str, is_on: bool) -> None:
    async with atlas.transaction(who) as conn:
        await conn.execute("SELECT actions.switch(%s, %s, %s, 'because')", (scope, name, is_on))


@pytest.mark.parametrize(("scope", "name"), [("action", "note"), ("action", "*"), ("agent", "test"), ("agent", "*")])
async def test_what_is_switched_off_is_not_claimed(atlas: Atlas, owner: given.Owner, scope: str, name: str) -> None:
    action_id = await judged_alone(atlas, owner, NOTE)
    await switched(atlas, executor("breaker"), scope, name, True)

    with pytest.raises(ObjectNotInPrerequisiteState, match="switched off"):
        await gate.carried_out(atlas, action_id)


@pytest.mark.parametrize(("scope", "name"), [("action", "credit"), ("agent", "another"), ("channel", "*")])
async def test_what_else_is_switched_off_stops_nothing(atlas: Atlas, owner: given.Owner, scope: str, name: str) -> None:
    action_id = await judged_alone(atlas, owner, NOTE)
    await switched(atlas, executor("breaker"), scope, name, True)

    await gate.carried_out(atlas, action_id)

    assert await state(owner, action_id) == "done"


async def test_what_a_noc_lead_switches_on_again_goes_on(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await judged_alone(atlas, owner, NOTE)
    noc_lead = await gate.lead(owner, "Anna Bell", Role.NOC_LEAD)
    await switched(atlas, noc_lead, "action", "note", True)
    await switched(atlas, noc_lead, "action", "note", False)

    await gate.carried_out(atlas, action_id)

    assert await state(owner, action_id) == "done"


@pytest.mark.parametrize("who", [executor("forge"), principal.intake("snmp"), principal.customer(CustomerId(1)), principal.stranger()])
async def test_no_machine_and_no_customer_switches_anything_on_again(atlas: Atlas, who: principal.Principal) -> None:
    await switched(atlas, executor("breaker"), "action", "note", True)

    with pytest.raises(InsufficientPrivilege):
        await switched(atlas, who, "action", "note", False)


async def test_every_switching_is_on_record(atlas: Atlas, owner: given.Owner) -> None:
    anna = await gate.lead(owner, "Anna Bell", Role.NOC_LEAD)
    await switched(atlas, anna, "action", "note", True)
    await switched(atlas, anna, "action", "note", False)

    rows = await owner.execute("SELECT actor, event FROM actions.audit ORDER BY seq")
    assert await rows.fetchall() == [(anna.reference, "stopped"), (anna.reference, "released")]
