"""What is kept of a conversation between turns: unreadable, believed only as it was written, and forgotten in time."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection

from agents.checkpoints import KeptInAtlas
from agents.conversation import Said
from agents.supervisor import Supervisor, answer
from atlas.connection import Atlas
from atlas.identity import CustomerId
from atlas.principal import Assurance, Principal, customer, executor
from forge.graph import Bookmarks
from forge.privacy import CHECKPOINTS_LIVE, expire_checkpoints
from forge.sealed_checkpoints import CheckpointRefused, SealedSerializer
from tests import given
from tests.agents.conftest import NOW, checkpoints, consulted, maya, members, router, supervisor  # noqa: F401
from tests.conftest import SECRET

Owner = AsyncConnection[tuple[Any, ...]]

CANARY = "My canary is zanzibar-4711, why is my bill higher this month?"


def somebody(customer_id: int) -> Principal:
    return customer(CustomerId(customer_id), Assurance.VERIFIED)


async def raw(owner: Owner) -> str:
    """Every column of every row of LangGraph's tables, octets as text."""
    found = await owner.execute(
        "SELECT kept::text FROM checkpoints.checkpoints AS kept"
        " UNION ALL SELECT kept::text || encode(kept.blob, 'escape') FROM checkpoints.checkpoint_blobs AS kept"
        " UNION ALL SELECT kept::text || encode(kept.blob, 'escape') FROM checkpoints.checkpoint_writes AS kept"
    )
    return "\n".join(row[0] for row in await found.fetchall() if row[0])


async def kept_words(supervised: Supervisor, kept: KeptInAtlas, thread: UUID) -> list[str]:
    async with kept.of(thread) as saver:
        state = await supervised.graph.copy({"checkpointer": saver}).aget_state({"configurable": {"thread_id": str(thread)}})
    said: list[Said] = state.values["said"]
    return [one["words"] for one in said]


async def conversation_in_atlas(owner: Owner, customer_id: int) -> UUID:
    """A conversation of two messages: theirs, and our answer."""
    conversation = await given.row(owner, "helpdesk.conversation", customer_id=customer_id, channel="sms", address="+447700900001")
    for is_from_us, words in ((False, "Hello, this is Maya."), (True, "Hello Maya.")):
        await given.row(
            owner, "helpdesk.message", conversation_id=conversation, customer_id=customer_id, is_from_us=is_from_us, author="x", words=words
        )
    found = await (await owner.execute("SELECT thread FROM helpdesk.conversation WHERE id = %s", (conversation,))).fetchone()
    assert found
    return UUID(str(found[0]))


async def test_nothing_that_was_said_is_readable_in_the_raw_rows(supervisor: Supervisor, owner: Owner, maya: int) -> None:  # noqa: F811
    reply = await answer(supervisor, somebody(maya), uuid4(), CANARY, NOW)

    rows = await raw(owner)
    assert "aes256gcm." in rows
    assert "zanzibar" not in rows
    assert "6.20" in reply.words
    assert "6.20" not in rows


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE checkpoints.checkpoint_blobs SET blob = set_byte(blob, 20, get_byte(blob, 20) # 1) WHERE channel = 'said'",
        "UPDATE checkpoints.checkpoint_blobs SET blob = '\\x90', type = 'msgpack' WHERE channel = 'said'",
        "UPDATE checkpoints.checkpoint_blobs SET type = 'msgpack+aes256gcm.00000000' WHERE channel = 'said'",
        "UPDATE checkpoints.checkpoint_blobs SET blob = '\\x00' WHERE channel = 'said'",
    ],
)
async def test_a_tampered_checkpoint_is_refused_and_the_conversation_goes_on_from_atlas(
    supervisor: Supervisor,  # noqa: F811
    checkpoints: KeptInAtlas,  # noqa: F811
    owner: Owner,
    maya: int,  # noqa: F811
    tampering: str,
) -> None:
    thread = await conversation_in_atlas(owner, maya)
    await answer(supervisor, somebody(maya), thread, "How much do I owe?", NOW)
    changed = await owner.execute(tampering)

    reply = await answer(supervisor, somebody(maya), thread, "Why is my bill higher this month?", NOW)

    assert changed.rowcount == 1
    assert "6.20" in reply.words
    assert (await kept_words(supervisor, checkpoints, thread))[:3] == [
        "Hello, this is Maya.",
        "Hello Maya.",
        "Why is my bill higher this month?",
    ]


async def test_somebody_who_may_not_read_a_conversation_does_not_go_on_with_it(
    supervisor: Supervisor,  # noqa: F811
    checkpoints: KeptInAtlas,  # noqa: F811
    owner: Owner,
    maya: int,  # noqa: F811
) -> None:
    tom = await given.customer(owner, "Tom Okafor", "+447700900002")
    thread = await conversation_in_atlas(owner, maya)

    await answer(supervisor, somebody(tom), thread, "How much do I owe?", NOW)

    assert "Hello Maya." not in await kept_words(supervisor, checkpoints, thread)


async def test_a_conversation_that_nobody_went_on_with_is_forgotten_and_one_of_today_is_kept(
    supervisor: Supervisor,  # noqa: F811
    atlas: Atlas,
    owner: Owner,
    maya: int,  # noqa: F811
) -> None:
    await answer(supervisor, somebody(maya), uuid4(), "How much do I owe?", NOW)
    await owner.execute(
        "UPDATE checkpoints.checkpoints SET checkpoint = jsonb_set(checkpoint, '{ts}', to_jsonb((checkpoint->>'ts')::timestamptz - %s))",
        (CHECKPOINTS_LIVE + timedelta(hours=1),),
    )
    recent = uuid4()
    await answer(supervisor, somebody(maya), recent, "How much do I owe?", NOW)

    gone = await expire_checkpoints(atlas, datetime.now(UTC))

    tables = ("checkpoints", "checkpoint_blobs", "checkpoint_writes")
    counted = [await owner.execute(f"SELECT DISTINCT thread_id FROM checkpoints.{table}") for table in tables]  # noqa: S608
    assert gone == 1
    assert {row[0] for one in counted for row in await one.fetchall()} == {str(recent)}


def test_a_checkpoint_of_another_installation_is_not_believed() -> None:
    theirs = SealedSerializer(b"another secret").dumps_typed({"said": "zanzibar"})

    with pytest.raises(CheckpointRefused):
        SealedSerializer(SECRET).loads_typed(theirs)


def test_a_checkpoint_that_names_a_class_brings_no_object_to_life() -> None:
    sealed = SealedSerializer(SECRET)

    read = sealed.loads_typed(sealed.dumps_typed(executor("clock")))

    assert not isinstance(read, Principal)


async def test_the_number_of_an_action_does_not_name_its_thread(database_url: str) -> None:
    ours, theirs = (Bookmarks(database_url, secret, open=False) for secret in (SECRET, b"another secret"))

    assert ours.threads.of("action", 1) == ours.threads.of("action", 1)
    assert ours.threads.of("action", 1) != theirs.threads.of("action", 1)
    assert ours.threads.of("action", 1) != ours.threads.of("incident", 1)
