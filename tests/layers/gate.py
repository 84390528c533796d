"""The gate's own functions, called as a hostile Python would call them: with whatever facts, by whatever login."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time, timedelta
from typing import Any, Final

from atlas.actions.records import Judgement
from atlas.actions.writes import judge
from atlas.connection import Atlas
from atlas.identity import ActionId, StaffId
from atlas.money import Money
from atlas.principal import Principal, Role, executor, in_session, staff
from forge.matrix_in_force import write_in_force
from forge.register import FACTS
from governance.facts import Facts
from governance.rows import Allowance, Answer, HardLimit, Limits, Matrix, QuietHours, Row
from tests import given

TEST: Final = executor("test")
DIGEST: Final = b"digest"
LIMITS: Final = (
    HardLimit("note", Limits(customers=100), Limits(customers=1)),
    HardLimit("credit", Limits(Money("500.00"), Money("50.00"), 100), Limits(Money("25.00"), Money("5.00"), 10)),
    HardLimit("retire", Limits(customers=10)),
    HardLimit("cut_off", Limits(customers=10), disconnects=True),
)
ACTIONS: Final = tuple(limit.action for limit in LIMITS)
AN_HOUR: Final = timedelta(hours=1)


def lax(actions: Sequence[str] = (*ACTIONS, "unheard_of"), within: timedelta = AN_HOUR) -> tuple[Row, ...]:
    """Rows that let everything go alone: what is refused under them, the gate refuses by its own limits."""
    return (Row("r1", tuple(actions), Answer.ALLOWED, "routine", execute_within=within),)


def asking(*roles: Role, needed: int = 1, execute_within: timedelta = AN_HOUR) -> tuple[Row, ...]:
    """Rows by which everything waits for these roles."""
    return (
        Row(
            "r1",
            ACTIONS,
            Answer.NEEDS_APPROVAL,
            "large",
            approvers=roles,
            how_many=needed,
            expires_in=AN_HOUR,
            execute_within=execute_within,
        ),
    )


def matrix(rows: Sequence[Row], limits: Sequence[HardLimit] = LIMITS, allowances: Sequence[Allowance] = ()) -> Matrix:
    return Matrix(tuple(rows), tuple(allowances), tuple(limits), QuietHours(time(21), time(8)))


async def proposed(
    conn: given.Owner, facts: Facts | Mapping[str, Any], *, key: str | None = None, for_customer: int | None = None, rests_on: str = "[]"
) -> int:
    """Proposes as whoever's transaction this is; facts that name no proposer name the test's own part."""
    columns = columns_of(facts) if isinstance(facts, Facts) else facts
    named = columns.get("action")
    name, key = named if isinstance(named, str) else "note", key or uuid.uuid4().hex
    cursor = await conn.execute(
        "SELECT action_id FROM actions.propose(%s, '{}', %s, %s, %s, %s, 'because', '[]', gen_random_uuid(), NULL, NULL, %s)",
        (name, json.dumps(columns), DIGEST, key, for_customer, rests_on),
    )
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


def columns_of(facts: Facts) -> Mapping[str, Any]:
    named = facts if facts.proposed_by else replace(facts, proposed_by=TEST.reference)
    columns: Mapping[str, Any] = FACTS.dump_python(named, mode="json")
    return columns


async def put(
    owner: given.Owner, rows: Sequence[Row], limits: Sequence[HardLimit] = LIMITS, allowances: Sequence[Allowance] = ()
) -> Matrix:
    """Puts such a matrix in force, as the database's owner."""
    made = matrix(rows, limits, allowances)
    await write_in_force(owner, made)
    return made


async def judged(atlas: Atlas, action_id: int, by: Matrix, *, take: bool = False) -> Judgement:
    async with atlas.transaction(TEST) as conn:
        return await judge(conn, ActionId(action_id), by.digest, take=take)


async def asked(
    atlas: Atlas, owner: given.Owner, facts: Facts, *roles: Role, needed: int = 1, execute_within: timedelta = AN_HOUR, **about: Any
) -> int:
    """An action that waits for these roles."""
    made = await put(owner, asking(*roles, needed=needed, execute_within=execute_within))
    async with atlas.transaction(TEST) as conn:
        action_id = await proposed(conn, facts, **about)
    assert (await judged(atlas, action_id, made)).state == "waiting"
    return action_id


async def lead(owner: given.Owner, name: str, *roles: Role) -> Principal:
    """Somebody who works here, holds these roles, and has just signed in."""
    member = await given.member(owner, name, *roles)
    return in_session(staff(StaffId(member), name, frozenset(roles)), await given.session(owner, member))


async def ruled(atlas: Atlas, who: Principal, action_id: int, *, is_approval: bool = True) -> str:
    async with atlas.transaction(who) as conn:
        row = await (await conn.execute("SELECT actions.rule(%s, %s, %s, '')", (action_id, is_approval, DIGEST))).fetchone()
    assert row is not None
    return str(row[0])


async def claimed(conn: given.Owner, action_id: int) -> None:
    await conn.execute("SELECT actions.claim(%s, %s)", (action_id, DIGEST))


async def carried_out(atlas: Atlas, action_id: int) -> None:
    async with atlas.transaction(TEST) as conn:
        await claimed(conn, action_id)
        await conn.execute("SELECT actions.finish('done', '{}', NULL)")


async def judged_alone(atlas: Atlas, owner: given.Owner, facts: Facts | Mapping[str, Any], within: timedelta = AN_HOUR) -> int:
    """An action that the gate allows alone, and nobody has taken yet."""
    made = await put(owner, lax(within=within))
    async with atlas.transaction(TEST) as conn:
        action_id = await proposed(conn, facts)
    verdict = await judged(atlas, action_id, made)
    assert verdict.state == "allowed", verdict.reason
    return action_id


async def state(owner: given.Owner, action_id: int) -> str:
    row = await (await owner.execute("SELECT state FROM actions.action WHERE id = %s", (action_id,))).fetchone()
    assert row is not None
    return str(row[0])
