"""Who acts is proven for one transaction on one connection: it does not survive it, and cannot be borrowed, forged or changed."""

import asyncio
import time
import uuid
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.errors import InsufficientPrivilege

from atlas.connection import PRINCIPAL_LIVES_S, Atlas, principal_key, signed, zone_url
from atlas.identity import CustomerId, StaffId
from atlas.principal import Assurance, Principal, Zone, customer, executor, in_conversation, staff, stranger
from evals.benchmarks.principal import transactions
from tests import given
from tests.conftest import SECRET

Connection = AsyncConnection[tuple[Any, ...]]


async def households(owner: given.Owner) -> tuple[Principal, Principal]:
    maya = await given.customer(owner, "Maya Patel", "+447700900001")
    tom = await given.customer(owner, "Tom Reed", "+447700900002")
    return customer(CustomerId(maya), Assurance.VERIFIED), customer(CustomerId(tom), Assurance.VERIFIED)


async def names_seen(conn: Connection) -> list[str]:
    rows = await (await conn.execute("SELECT name FROM crm.customer ORDER BY name")).fetchall()
    return [row[0] for row in rows]


async def claiming(conn: Connection, claim: str) -> list[str]:
    """What is seen by whoever says that this is who they are."""
    await conn.execute("SELECT set_config('bedrock.principal', %s, true)", (claim,))
    return await names_seen(conn)


def as_signed(who: Principal, conn: Connection, *, ago_s: float = 0) -> str:
    return signed(who, conn.info.backend_pid, time.time() - ago_s, principal_key(who.zone, SECRET))


async def test_the_principal_of_one_transaction_is_gone_in_the_next_on_the_same_connection(atlas: Atlas, owner: given.Owner) -> None:
    maya, _ = await households(owner)
    pool = atlas.pools[Zone.CUSTOMER]
    async with atlas.transaction(maya) as conn:
        backend = conn.info.backend_pid

    async with pool.connection() as conn:
        assert (conn.info.backend_pid, await names_seen(conn)) == (backend, [])


async def test_a_principal_kept_for_the_whole_session_is_overruled_by_the_next_transaction(atlas: Atlas, owner: given.Owner) -> None:
    maya, tom = await households(owner)
    async with atlas.transaction(maya) as conn:
        await conn.execute("SELECT set_config('bedrock.principal', current_setting('bedrock.principal'), false)")

    async with atlas.transaction(tom) as conn:
        assert await names_seen(conn) == ["Tom Reed"]


LEFT_BEHIND = [
    "SELECT set_config('bedrock.principal', current_setting('bedrock.principal'), false)",
    "SELECT set_config('bedrock.part', 'forge', false)",
    "SET search_path = pg_temp",
    "SET default_transaction_read_only = on",
    "SET statement_timeout = 1",
    "SET timezone = 'Pacific/Apia'",
]
SETTINGS = ("bedrock.principal", "bedrock.part", "search_path", "default_transaction_read_only", "statement_timeout", "timezone")


async def settings_of(conn: Connection) -> list[str]:
    rows = await (
        await conn.execute("SELECT coalesce(current_setting(name, true), '') FROM unnest(%s::text[]) AS name", (list(SETTINGS),))
    ).fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize("statement", LEFT_BEHIND, ids=SETTINGS)
async def test_a_setting_left_behind_for_the_session_is_gone_for_whoever_comes_next(
    atlas: Atlas, owner: given.Owner, statement: str
) -> None:
    maya, _ = await households(owner)
    pool = atlas.pools[Zone.CUSTOMER]
    async with pool.connection() as conn:
        before = (conn.info.backend_pid, await settings_of(conn))
    async with atlas.transaction(maya) as conn:
        await conn.execute(statement.encode())

    async with pool.connection() as conn:
        assert (conn.info.backend_pid, await settings_of(conn)) == before


async def test_a_table_left_behind_for_the_session_is_gone_for_whoever_comes_next(atlas: Atlas) -> None:
    async with atlas.transaction(stranger()) as conn:
        await conn.execute("CREATE TEMPORARY TABLE account AS SELECT 1 AS id")

    async with atlas.transaction(stranger()) as conn:
        rows = await conn.execute("SELECT to_regclass('pg_temp.account')")
        assert await rows.fetchall() == [(None,)]


async def test_a_principal_without_a_transaction_sees_nothing(atlas: Atlas, owner: given.Owner) -> None:
    maya, _ = await households(owner)

    async with await AsyncConnection.connect(zone_url(atlas.url, Zone.CUSTOMER, SECRET), autocommit=True) as conn:
        assert await claiming(conn, as_signed(maya, conn)) == []


async def test_a_principal_whose_time_is_over_is_nobody(atlas: Atlas, owner: given.Owner) -> None:
    maya, _ = await households(owner)

    async with atlas.transaction(stranger()) as conn:
        assert await claiming(conn, as_signed(maya, conn, ago_s=PRINCIPAL_LIVES_S + 2)) == []


async def test_a_principal_still_in_its_time_is_believed(atlas: Atlas, owner: given.Owner) -> None:
    maya, _ = await households(owner)

    async with atlas.transaction(stranger()) as conn:
        assert await claiming(conn, as_signed(maya, conn, ago_s=PRINCIPAL_LIVES_S - 60)) == ["Maya Patel"]


async def test_the_expiry_cannot_be_moved(atlas: Atlas, owner: given.Owner) -> None:
    maya, _ = await households(owner)

    async with atlas.transaction(stranger()) as conn:
        parts = as_signed(maya, conn, ago_s=PRINCIPAL_LIVES_S + 2).split("|")
        parts[5] = str(int(time.time()) + 3600)
        assert await claiming(conn, "|".join(parts)) == []


@pytest.mark.parametrize("who", [executor("forge"), staff(StaffId(1), "Anna Bell", frozenset())], ids=["executor", "staff"])
async def test_a_principal_of_another_zone_is_nobody_at_the_customers_door(atlas: Atlas, owner: given.Owner, who: Principal) -> None:
    await households(owner)

    async with atlas.transaction(stranger()) as conn:
        assert await claiming(conn, as_signed(who, conn)) == []


async def test_a_customer_at_the_staffs_door_is_nobody(atlas: Atlas, owner: given.Owner) -> None:
    maya, _ = await households(owner)

    async with atlas.transaction(staff(StaffId(1), "Anna Bell", frozenset())) as conn:
        assert await claiming(conn, as_signed(maya, conn)) == []


@pytest.mark.parametrize("place", range(7))
async def test_no_part_of_a_principal_can_be_changed(atlas: Atlas, owner: given.Owner, place: int) -> None:
    maya, tom = await households(owner)

    async with atlas.transaction(maya) as conn:
        parts = as_signed(maya, conn).split("|")
        parts[place] = ["staff", str(tom.customer_id), "1", "3", "0", "9999999999", "ab"][place]
        assert await claiming(conn, "|".join(parts)) == []


ODD = ["", "|", "||||||", "customer", "customer|1||1|1|1|", "customer|1||1|1|1|1|1", "customer|1||1|1|9999999999||1", "x" * 100_000]


@pytest.mark.parametrize("claim", ODD, ids=range(len(ODD)))
async def test_an_odd_principal_is_nobody(atlas: Atlas, owner: given.Owner, claim: str) -> None:
    await households(owner)

    async with atlas.transaction(stranger()) as conn:
        assert await claiming(conn, claim) == []


async def test_a_principal_made_up_in_the_middle_of_one_select_opens_nothing(atlas: Atlas, owner: given.Owner) -> None:
    await households(owner)

    async with atlas.transaction(stranger()) as conn:
        rows = await conn.execute(
            "SELECT name FROM (SELECT set_config('bedrock.principal', 'customer|1||3|' || pg_backend_pid() || '|9999999999|00', true))"
            " AS first (made), crm.customer WHERE first.made <> ''"
        )
        assert await rows.fetchall() == []


async def test_another_secret_signs_nothing(atlas: Atlas, owner: given.Owner) -> None:
    maya, _ = await households(owner)

    async with atlas.transaction(stranger()) as conn:
        assert await claiming(conn, signed(maya, conn.info.backend_pid, time.time(), principal_key(maya.zone, b"a guess"))) == []


async def test_the_key_is_out_of_reach_of_every_zone(atlas: Atlas) -> None:
    for who in (stranger(), staff(StaffId(1), "Anna Bell", frozenset()), executor("forge")):
        with pytest.raises(InsufficientPrivilege):
            await _key_read_by(atlas, who)


async def _key_read_by(atlas: Atlas, who: Principal) -> None:
    async with atlas.transaction(who) as conn:
        await conn.execute("SELECT inner_pad FROM atlas.zone_key")


@pytest.mark.parametrize("statement", ["SET ROLE bedrock_staff", "SET SESSION AUTHORIZATION bedrock_executor", "SET LOCAL ROLE postgres"])
async def test_nobody_takes_another_role(atlas: Atlas, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        await _run_as_stranger(atlas, statement)


async def _run_as_stranger(atlas: Atlas, statement: str) -> None:
    async with atlas.transaction(stranger()) as conn:
        await conn.execute(statement.encode())


async def test_row_security_cannot_be_switched_off(atlas: Atlas, owner: given.Owner) -> None:
    await households(owner)

    with pytest.raises(InsufficientPrivilege):
        await _seen_without_row_security(atlas)


async def _seen_without_row_security(atlas: Atlas) -> list[str]:
    async with atlas.transaction(stranger()) as conn:
        await conn.execute("SET LOCAL row_security = off")
        return await names_seen(conn)


async def test_fifty_transactions_at_once_each_see_their_own(atlas: Atlas, owner: given.Owner) -> None:
    maya, tom = await households(owner)

    async def seen_by(who: Principal) -> list[str]:
        async with atlas.transaction(who) as conn:
            first = await names_seen(conn)
            await asyncio.sleep(0.01)
            return first + await names_seen(conn)

    seen = await asyncio.gather(*(seen_by(who) for who in (maya, tom) * 25))

    assert seen == [["Maya Patel"] * 2, ["Tom Reed"] * 2] * 25


async def test_a_transaction_that_fails_leaves_no_principal_behind(atlas: Atlas, owner: given.Owner) -> None:
    maya, _ = await households(owner)
    with pytest.raises(ZeroDivisionError):
        await _failing(atlas, maya)

    async with atlas.pools[Zone.CUSTOMER].connection() as conn:
        assert await names_seen(conn) == []


async def _failing(atlas: Atlas, who: Principal) -> None:
    async with atlas.transaction(who):
        raise ZeroDivisionError


async def test_what_a_principal_costs_is_measured_beside_a_bare_transaction(atlas: Atlas) -> None:
    rows = await transactions(atlas, times=20)

    assert [(row.figure, row.unit, row.goal) for row in rows] == [
        ("a transaction that reads one customer", "ms", ""),
        ("of it principal and row security", "ms", "≤ 0.3 ms"),
    ]


async def asked_as(atlas: Atlas, who: Principal, action: str) -> None:
    """What an agent's own connection could say without any tool."""
    async with atlas.transaction(who) as conn:
        await conn.execute(
            "SELECT actions.propose(%s, '{}', '{}', 'digest', %s, NULL, 'asked', '[]', gen_random_uuid(), NULL, NULL)", (action, action)
        )


async def test_whoever_only_writes_from_a_known_number_cannot_ask_for_what_needs_more(atlas: Atlas, owner: given.Owner) -> None:
    maya, _ = await households(owner)
    by_number = customer(CustomerId(maya.customer_id or 0))

    with pytest.raises(InsufficientPrivilege, match="known more surely"):
        await asked_as(atlas, by_number, "request_credit")
    await asked_as(atlas, maya, "request_credit")
    await asked_as(atlas, by_number, "hand_over_to_person")


async def test_a_conversation_is_seen_by_whoever_was_signed_for_it_and_by_nobody_else(atlas: Atlas, owner: given.Owner) -> None:
    thread = uuid.uuid4()
    conversation = await given.row(owner, "helpdesk.conversation", thread=thread, channel="sms", address="+447700900999")

    async def own_of(who: Principal) -> list[Any]:
        async with atlas.transaction(who) as conn:
            return await (await conn.execute("SELECT conversation_id FROM helpdesk.own_conversation()")).fetchall()

    assert await own_of(in_conversation(stranger(), thread)) == [(conversation,)]
    assert await own_of(in_conversation(stranger(), uuid.uuid4())) == []
    assert await own_of(stranger()) == []
