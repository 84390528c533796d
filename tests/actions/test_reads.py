"""The audit trail shows a hand that was laid on it; what went alone is counted, and what a person approved is not."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection

from atlas.actions import reads
from atlas.connection import Atlas
from atlas.money import Money
from atlas.principal import executor
from tests import given

Owner = AsyncConnection[tuple[Any, ...]]
HOUR = timedelta(hours=1)


async def audited(owner: Owner, times: int = 20) -> None:
    for _ in range(times):
        await owner.execute("SELECT actions.append_audit('system:test', 'done', 8, %s, '{}')", (uuid.uuid4(),))


async def broken(atlas: Atlas) -> list[str]:
    async with atlas.transaction(executor("audit")) as conn:
        return [link.why for link in await reads.broken_links(conn)]


async def test_a_chain_that_nobody_touched_holds(atlas: Atlas, owner: Owner) -> None:
    await audited(owner)

    assert await broken(atlas) == []


@pytest.mark.parametrize(
    ("tampering", "shows"),
    [
        ("UPDATE actions.audit SET actor = 'staff:1' WHERE seq = 7", "its text was changed"),
        ("DELETE FROM actions.audit WHERE seq = 7", "an entry before it is gone or was changed"),
        ("DELETE FROM actions.audit WHERE seq > 15", "the end of the chain is gone"),
    ],
)
async def test_an_entry_that_was_changed_or_taken_out_shows(atlas: Atlas, owner: Owner, tampering: str, shows: str) -> None:
    await audited(owner)

    await owner.execute(tampering)

    assert shows in await broken(atlas)


async def gave(owner: Owner, money: str, to: int, needed: int = 0, state: str = "done") -> None:
    facts = {"money": money, "money_each": money, "customers": 1, "devices": 0, "touched_customers": [to]}
    action_id = await given.action(owner, "issue_credits", state)
    await owner.execute("UPDATE actions.action SET judged_at = now(), approvals_needed = %s WHERE id = %s", (needed, action_id))
    await owner.execute("UPDATE actions.action SET facts = %s::jsonb WHERE id = %s", (json.dumps(facts), action_id))


async def test_what_went_alone_adds_up_and_what_a_person_approved_does_not(atlas: Atlas, owner: Owner) -> None:
    await gave(owner, "10.00", to=1)
    await gave(owner, "15.50", to=2)
    await gave(owner, "900.00", to=3, needed=1)
    await gave(owner, "70.00", to=3, state="refused")

    async with atlas.transaction(executor("forge")) as conn:
        went = await reads.went_alone(conn, ["issue_credits"], HOUR)

    assert (went.money, went.customers, went.actions) == (Money("25.50"), 2, 2)


async def test_the_customer_who_has_had_most_counts_for_all_who_are_touched(atlas: Atlas, owner: Owner) -> None:
    for money, to in (("10.00", 1), ("15.50", 2), ("4.00", 1), ("99.00", 7)):
        await gave(owner, money, to)

    async with atlas.transaction(executor("forge")) as conn:
        most = await reads.went_alone_to_one(conn, ["issue_credits"], HOUR, "touched_customers", (1, 2, 3))

    assert (most.money, most.actions) == (Money("15.50"), 2)
