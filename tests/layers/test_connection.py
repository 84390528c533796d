"""Nobody reads what is not theirs, whatever the query says; and nothing critical is written without an allowed action."""

import asyncio

import psycopg
import pytest

from atlas import principal
from atlas.actions.writes import judge
from atlas.connection import Atlas, principal_key, signed
from atlas.identity import ActionId, CustomerId
from atlas.principal import Role
from governance.facts import Facts
from tests import given
from tests.conftest import SECRET
from tests.layers import gate


async def test_a_customer_sees_only_their_own_rows(atlas: Atlas, owner: given.Owner) -> None:
    maya = await given.customer(owner, "Maya Patel", "+447700900001")
    await given.customer(owner, "Tom Reed", "+447700900002")

    async with atlas.transaction(principal.customer(CustomerId(maya), principal.Assurance.VERIFIED)) as conn:
        seen = await (await conn.execute("SELECT name FROM crm.customer")).fetchall()

    assert seen == [("Maya Patel",)]


async def test_a_stranger_sees_nobody(atlas: Atlas, owner: given.Owner) -> None:
    await given.customer(owner, "Maya Patel", "+447700900001")

    async with atlas.transaction(principal.stranger()) as conn:
        seen = await (await conn.execute("SELECT name FROM crm.customer")).fetchall()

    assert seen == []


async def test_a_principal_made_up_in_sql_is_nobody(atlas: Atlas, owner: given.Owner) -> None:
    maya = await given.customer(owner, "Maya Patel", "+447700900001")

    async with atlas.transaction(principal.stranger()) as conn:
        await conn.execute(
            "SELECT set_config('bedrock.principal', %s, true)", (f"customer|{maya}||1|{conn.info.backend_pid}|9999999999|00",)
        )
        seen = await (await conn.execute("SELECT name FROM crm.customer")).fetchall()

    assert seen == []


async def test_a_principal_signed_for_another_connection_is_nobody(atlas: Atlas, owner: given.Owner) -> None:
    maya = principal.customer(CustomerId(await given.customer(owner, "Maya Patel", "+447700900001")))

    async with atlas.transaction(principal.stranger()) as conn:
        stolen = signed(maya, conn.info.backend_pid + 1, 4e9, principal_key(maya.zone, SECRET))
        await conn.execute("SELECT set_config('bedrock.principal', %s, true)", (stolen,))
        seen = await (await conn.execute("SELECT name FROM crm.customer")).fetchall()

    assert seen == []


async def test_an_effect_without_an_allowed_action_is_refused_by_the_database(atlas: Atlas, owner: given.Owner) -> None:
    maya = await given.customer(owner, "Maya Patel", "+447700900001")

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="no action was allowed"):
        async with atlas.transaction(principal.executor("test")) as conn:
            await conn.execute("INSERT INTO crm.interaction (customer_id, kind, summary) VALUES (%s, 'note', 'hello')", (maya,))


async def test_an_effect_cannot_borrow_an_action_that_was_done_before(atlas: Atlas, owner: given.Owner) -> None:
    maya = await given.customer(owner, "Maya Patel", "+447700900001")
    done = await given.action(owner)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with atlas.transaction(principal.executor("test")) as conn:
            await conn.execute(
                "INSERT INTO crm.interaction (customer_id, kind, summary, action_id) VALUES (%s, 'note', 'hello', %s)", (maya, done)
            )


async def test_an_action_allowed_and_claimed_lets_its_effect_through_once(atlas: Atlas, owner: given.Owner) -> None:
    maya = await given.customer(owner, "Maya Patel", "+447700900001")

    await owner.execute("INSERT INTO actions.may_write (action, effect) VALUES ('note', 'crm.interaction')")
    made = await gate.put(owner, gate.lax())

    async with atlas.transaction(principal.executor("test")) as conn:
        action_id = await gate.proposed(conn, Facts("note", customers=1))
        await judge(conn, ActionId(action_id), made.digest, take=True)
        await conn.execute("INSERT INTO crm.interaction (customer_id, kind, summary) VALUES (%s, 'note', 'hello')", (maya,))
        await conn.execute("SELECT actions.finish('done', '{}', NULL)")

    assert await (await owner.execute("SELECT summary, action_id FROM crm.interaction")).fetchall() == [("hello", action_id)]


async def test_an_action_that_waits_cannot_be_claimed(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await gate.asked(atlas, owner, Facts("note", customers=1), Role.BILLING_LEAD)

    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="is waiting"):
        await gate.carried_out(atlas, action_id)


async def test_a_committed_change_is_heard_and_an_update_that_found_no_row_is_not(atlas: Atlas, owner: given.Owner) -> None:
    await given.device(owner, "OLT-1")
    await owner.execute("LISTEN atlas")

    await owner.execute("UPDATE helpdesk.notice SET state = 'queued' WHERE id = -1")
    await owner.execute("UPDATE cmdb.device SET operational_state = 'disabled' WHERE name = 'OLT-1'")

    assert [heard.payload async for heard in owner.notifies(timeout=5, stop_after=1)] == ["cmdb.device"]


@pytest.mark.parametrize("turns", range(8))
async def test_whoever_is_stopped_as_a_connection_becomes_free_stops(atlas: Atlas, database_url: str, turns: int) -> None:
    """Python before 3.12 forgot it in some of these moments; a writer in a loop then went on for ever."""
    async with Atlas.open(database_url, SECRET, (principal.Zone.EXECUTOR,), most=1) as narrow:

        async def write() -> None:
            async with narrow.transaction(principal.executor("test")) as conn:
                await conn.execute("SELECT 1")

        async with narrow.transaction(principal.executor("test")):
            waiting = asyncio.create_task(write())
            await asyncio.sleep(0.02)
        for _ in range(turns):
            await asyncio.sleep(0)
        stopped = waiting.cancel()
        await asyncio.wait({waiting})

        assert waiting.cancelled() == stopped
