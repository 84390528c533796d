"""One action whole: who, why, by which rule, on what evidence, by which model, and everything that came of it."""

import uuid

import pytest

from atlas.connection import Atlas
from atlas.errors import NotFound
from atlas.identity import ActionId
from atlas.principal import executor
from forge.explained import Explanation, explained
from tests import given
from tests.given import NOW, Owner

CAUSE = uuid.UUID(int=7)


async def explanation(atlas: Atlas, action_id: int) -> Explanation:
    async with atlas.transaction(executor("test")) as conn:
        return await explained(conn, ActionId(action_id))


async def acted(owner: Owner, name: str) -> int:
    made = await given.action(owner, name)
    await owner.execute("UPDATE actions.action SET correlation_id = %s WHERE id = %s", (CAUSE, made))
    return made


async def test_an_action_shows_every_row_that_it_wrote_and_how_far_its_messages_came(atlas: Atlas, owner: Owner) -> None:
    customer, action = await given.customer(owner), await acted(owner, "record_promise")
    await given.row(owner, "helpdesk.promise", customer_id=customer, promised="a call", due_at=NOW, action_id=action)
    await given.row(owner, "crm.interaction", customer_id=customer, kind="call", summary="they rang", action_id=action)
    sent = {
        "purpose": "reply",
        "key": "k",
        "channel": "sms",
        "address": "+447700900001",
        "language": "en",
        "template": "",
        "words": "Soon.",
    }
    became = {"state": "failed", "failure": "no such number"}
    await given.row(owner, "helpdesk.notice", customer_id=customer, action_id=action, **became, **sent)
    await given.row(
        owner, "actions.errand", action_id=action, port="prober", operation="ping", arguments=given.Jsonb({}), key="e-1", state="done"
    )

    found = await explanation(atlas, action)

    assert found.written == {"actions.errand": 1, "crm.interaction": 1, "helpdesk.notice": 1, "helpdesk.promise": 1}
    assert [(one.state, one.failure) for one in found.messages] == [("failed", "no such number")]
    assert [(one.operation, one.state) for one in found.outside] == [("ping", "done")]


async def test_rows_of_another_action_are_not_its_own(atlas: Atlas, owner: Owner) -> None:
    customer, action, other = await given.customer(owner), await acted(owner, "one"), await given.action(owner, "another")
    await given.row(owner, "helpdesk.promise", customer_id=customer, promised="a call", due_at=NOW, action_id=other)

    assert (await explanation(atlas, action)).effects == ()


async def test_the_model_and_the_brief_of_the_turn_that_led_to_it_are_named(atlas: Atlas, owner: Owner) -> None:
    customer, action, reply = await given.customer(owner), await acted(owner, "request_credit"), await acted(owner, "send_message")
    conversation = await given.row(owner, "helpdesk.conversation", customer_id=customer, channel="sms", address="+447700900001")
    answer = {"module": "billing", "model": "gpt-5-mini", "prompt": "0123456789ab", "tools": [{"name": "request_credit"}]}
    said = {"conversation_id": conversation, "is_from_us": True, "author": "agents:billing", "words": "Done."}
    await given.row(owner, "helpdesk.message", trace=given.Jsonb({"answers": [answer]}), action_id=reply, **said)

    (spoke,) = (await explanation(atlas, action)).spoken_by

    assert (spoke.model, spoke.prompt_version, spoke.tools) == ("gpt-5-mini", "0123456789ab", ("request_credit",))


async def test_the_words_of_the_trail_are_beside_its_links(atlas: Atlas, owner: Owner) -> None:
    action = await acted(owner, "request_credit")
    await owner.execute("SELECT actions.append_audit('staff:1', 'rejected', %s, NULL, '{\"note\": \"too much\"}')", (action,))

    (entry,) = (await explanation(atlas, action)).trail

    assert (entry.event, entry.detail) == ("rejected", {"note": "too much"})


async def test_nothing_is_explained_that_is_not_there(atlas: Atlas) -> None:
    with pytest.raises(NotFound):
        await explanation(atlas, 4711)
