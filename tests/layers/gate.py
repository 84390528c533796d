"""The gate's own functions, called as a hostile Python would call them: with whatever facts, by whatever login."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from atlas.connection import Atlas
from atlas.identity import StaffId
from atlas.money import Money
from atlas.principal import Principal, Role, executor, in_session, staff
from forge.hard_limits import as_loaded
from forge.register import FACTS
from governance.facts import Facts
from governance.rows import HardLimit, Limits
from tests import given

TEST: Final = executor("test")
MATRIX: Final = "the matrix of this test"
DIGEST: Final = b"digest"
LIMITS: Final = (
    HardLimit("note", Limits(customers=100), Limits(customers=1)),
    HardLimit("credit", Limits(Money("500.00"), Money("50.00"), 100), Limits(Money("25.00"), Money("5.00"), 10)),
    HardLimit("retire", Limits(customers=10)),
    HardLimit("cut_off", Limits(customers=10), disconnects=True),
)


async def load(conn: given.Owner, limits: tuple[HardLimit, ...] = LIMITS, matrix: str = MATRIX) -> None:
    await conn.execute("SELECT actions.set_hard_limits(%s, %s)", (json.dumps([as_loaded(limit) for limit in limits]), matrix))


async def proposed(conn: given.Owner, facts: Facts | Mapping[str, Any], *, key: str | None = None) -> int:
    """Proposes as whoever's transaction this is; facts that name no proposer name the test's own part."""
    columns = _columns(facts) if isinstance(facts, Facts) else facts
    cursor = await conn.execute(
        "SELECT action_id FROM actions.propose(%s, '{}', %s, %s, %s, NULL, 'because', '[]', %s, NULL, NULL)",
        (columns.get("action", "note"), json.dumps(columns), DIGEST, key or uuid.uuid4().hex, uuid.uuid4()),
    )
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


def _columns(facts: Facts) -> Mapping[str, Any]:
    named = facts if facts.proposed_by else replace(facts, proposed_by=TEST.reference)
    columns: Mapping[str, Any] = FACTS.dump_python(named, mode="json")
    return columns


async def allowed(conn: given.Owner, action_id: int, within: str = "1 hour") -> None:
    await conn.execute("SELECT actions.judge(%s, 'allowed', 'r1', 'routine', %s, '{}', 0, '0', %s)", (action_id, MATRIX, within))


async def left_waiting(conn: given.Owner, action_id: int, *roles: str, needed: int = 1, execute_within: str = "1 hour") -> None:
    await conn.execute(
        "SELECT actions.judge(%s, 'waiting', 'r1', 'large', %s, %s, %s, '1 hour', %s)",
        (action_id, MATRIX, list(roles), needed, execute_within),
    )


async def claimed(conn: given.Owner, action_id: int) -> None:
    await conn.execute("SELECT actions.claim(%s, %s)", (action_id, DIGEST))


async def asked(atlas: Atlas, facts: Facts, *roles: str, needed: int = 1, execute_within: str = "1 hour") -> int:
    """An action that waits for these roles."""
    async with atlas.transaction(TEST) as conn:
        await load(conn)
        action_id = await proposed(conn, facts)
        await left_waiting(conn, action_id, *roles, needed=needed, execute_within=execute_within)
    return action_id


async def lead(owner: given.Owner, name: str, *roles: Role) -> Principal:
    """Somebody who works here and holds these roles."""
    member = await given.member(owner, name, *roles)
    return in_session(staff(StaffId(member), name, frozenset(roles)), await given.session(owner, member))


async def ruled(atlas: Atlas, who: Principal, action_id: int, *, is_approval: bool = True) -> str:
    async with atlas.transaction(who) as conn:
        row = await (await conn.execute("SELECT actions.rule(%s, %s, %s, '')", (action_id, is_approval, DIGEST))).fetchone()
    assert row is not None
    return str(row[0])


async def carried_out(atlas: Atlas, action_id: int) -> None:
    async with atlas.transaction(TEST) as conn:
        await claimed(conn, action_id)
        await conn.execute("SELECT actions.finish('done', '{}', NULL)")
