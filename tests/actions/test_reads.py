"""The audit trail shows a hand that was laid on it."""

import uuid
from typing import Any

import pytest
from psycopg import AsyncConnection

from atlas.actions import reads
from atlas.connection import Atlas
from atlas.principal import executor

Owner = AsyncConnection[tuple[Any, ...]]


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


async def test_a_cut_tail_whose_head_was_set_back_shows_by_the_exported_heads_alone(atlas: Atlas, owner: Owner) -> None:
    await audited(owner)
    async with atlas.transaction(executor("audit")) as conn:
        exported = await reads.audit_heads(conn)
    await owner.execute("DELETE FROM actions.audit WHERE seq > 15")
    await owner.execute("UPDATE actions.audit_head SET seq = 15, hash = (SELECT hash FROM actions.audit WHERE seq = 15)")

    async with atlas.transaction(executor("audit")) as conn:
        found = (await reads.broken_links(conn), [(one.stream, one.seq) for one in await reads.missing_heads(conn, exported)])

    assert found == ([], [("actions/0", 20)])


async def test_heads_that_still_stand_are_found(atlas: Atlas, owner: Owner) -> None:
    await audited(owner)

    async with atlas.transaction(executor("audit")) as conn:
        assert await reads.missing_heads(conn, await reads.audit_heads(conn)) == []
