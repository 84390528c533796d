"""The audit trail tells of every hand laid on it; a cut tail and a trail hashed anew only beside heads that were carried out before."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest

from api.oversight import Witness, heads_in
from atlas.actions.reads import broken_links, missing_heads
from atlas.connection import Atlas
from atlas.principal import executor
from tests import given

ENTRIES: Final = 12
HASH_ANEW: Final = """
UPDATE actions.audit SET hash = actions.audit_hash(stream, seq, at, actor, event, action_id, correlation_id, detail, previous_hash)
 WHERE seq = %s
"""
Hand = Callable[[given.Owner], Awaitable[object]]


async def written(owner: given.Owner) -> None:
    for number in range(ENTRIES):
        await owner.execute("SELECT actions.append_audit('staff:1', 'noted', 8, NULL, jsonb_build_object('n', %s::int))", (number,))


async def an_entry_edited(owner: given.Owner) -> None:
    await owner.execute("""UPDATE actions.audit SET detail = '{"n": 99}' WHERE seq = 5""")


async def its_actor_edited(owner: given.Owner) -> None:
    await owner.execute("UPDATE actions.audit SET actor = 'staff:2' WHERE seq = 5")


async def an_entry_edited_and_hashed_anew(owner: given.Owner) -> None:
    await an_entry_edited(owner)
    await owner.execute(HASH_ANEW, (5,))


async def an_entry_deleted(owner: given.Owner) -> None:
    await owner.execute("DELETE FROM actions.audit WHERE seq = 5")


async def an_entry_put_between(owner: given.Owner) -> None:
    await owner.execute("UPDATE actions.audit SET seq = -seq - 1 WHERE seq > 5")
    await owner.execute("UPDATE actions.audit SET seq = -seq WHERE seq < 0")
    await owner.execute(
        "INSERT INTO actions.audit (stream, seq, at, actor, event, action_id, correlation_id, detail, previous_hash, hash)"
        " SELECT stream, 6, at, actor, event, action_id, correlation_id, detail, hash, hash FROM actions.audit WHERE seq = 5"
    )


async def two_entries_exchanged(owner: given.Owner) -> None:
    await owner.execute("UPDATE actions.audit SET seq = -seq WHERE seq IN (5, 6)")
    await owner.execute("UPDATE actions.audit SET seq = 11 + seq WHERE seq < 0")


async def the_tail_cut(owner: given.Owner) -> None:
    await owner.execute("DELETE FROM actions.audit WHERE seq > 8")
    await owner.execute("UPDATE actions.audit_head SET seq = 8, hash = (SELECT hash FROM actions.audit WHERE seq = 8)")


async def everything_hashed_anew(owner: given.Owner) -> None:
    await an_entry_edited(owner)
    for seq in range(1, ENTRIES + 1):
        await owner.execute(
            "UPDATE actions.audit SET previous_hash = coalesce((SELECT one.hash FROM actions.audit AS one WHERE one.seq = %s), ''::bytea)"
            " WHERE seq = %s",
            (seq - 1, seq),
        )
        await owner.execute(HASH_ANEW, (seq,))
    await owner.execute("UPDATE actions.audit_head SET hash = (SELECT hash FROM actions.audit WHERE seq = %s)", (ENTRIES,))


async def everything_deleted(owner: given.Owner) -> None:
    await owner.execute("DELETE FROM actions.audit")
    await owner.execute("DELETE FROM actions.audit_head")


INSIDE: Final = (
    an_entry_edited,
    its_actor_edited,
    an_entry_edited_and_hashed_anew,
    an_entry_deleted,
    an_entry_put_between,
    two_entries_exchanged,
)
OUTSIDE: Final = (the_tail_cut, everything_hashed_anew, everything_deleted)


@pytest.mark.parametrize("hand", INSIDE, ids=lambda hand: str(hand.__name__))
async def test_a_hand_laid_on_the_trail_breaks_its_chain(atlas: Atlas, owner: given.Owner, hand: Hand) -> None:
    await written(owner)

    await hand(owner)

    async with atlas.transaction(executor("test")) as conn:
        assert await broken_links(conn)


@pytest.mark.parametrize("hand", OUTSIDE, ids=lambda hand: str(hand.__name__))
async def test_what_the_chain_alone_cannot_tell_the_heads_carried_out_tell(
    atlas: Atlas, owner: given.Owner, tmp_path: Path, hand: Hand
) -> None:
    await written(owner)
    await Witness(atlas, tmp_path / "heads").look()

    await hand(owner)

    async with atlas.transaction(executor("test")) as conn:
        assert await missing_heads(conn, heads_in(tmp_path / "heads"))


async def test_a_trail_that_nobody_touched_holds_and_grows_past_its_heads(atlas: Atlas, owner: given.Owner, tmp_path: Path) -> None:
    await written(owner)
    witness = Witness(atlas, tmp_path / "heads")
    first = await witness.look()
    again = await witness.look()
    await written(owner)

    grown = await witness.look()

    async with atlas.transaction(executor("test")) as conn:
        assert (first, again, grown) == (1, 0, 1)
        assert (await broken_links(conn), await missing_heads(conn, heads_in(tmp_path / "heads"))) == ([], [])
