"""The shared inbox: a person takes a conversation over, answers, and hands it back; the customer is told each time."""

import re

import httpx
import pytest

from atlas.connection import Atlas
from tests import given
from tests.web.browsing import Site, posted, signed_in

ASHA = "Asha Patel"
MAYA = "+447700900001"


async def conversation(owner: given.Owner, *, held_by: str = "queue", channel: str = "sms") -> int:
    """Maya asked something and waits."""
    maya = await given.customer(owner)
    made = await given.row(owner, "helpdesk.conversation", customer_id=maya, channel=channel, address=MAYA)
    await owner.execute("UPDATE helpdesk.conversation SET owner = %s, handed_over_because = 'disputes a charge'", (held_by,))
    await given.row(
        owner,
        "helpdesk.message",
        conversation_id=made,
        customer_id=maya,
        is_from_us=False,
        author=f"customer:{maya}",
        words="<b>This</b> bill is wrong",
        channel=channel,
        address=MAYA,
    )
    return made


async def one(owner: given.Owner, statement: str) -> object:
    row = await (await owner.execute(statement.encode())).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


@pytest.fixture
async def asha(client: httpx.AsyncClient, owner: given.Owner) -> int:
    await signed_in(client, owner, ASHA, "customer_care")
    return int(str(await one(owner, f"SELECT id FROM staff.member WHERE name = '{ASHA}'")))  # noqa: S608 - a name of ours


async def test_who_waits_for_a_person_is_listed_with_the_reason_and_their_words_as_words(
    client: httpx.AsyncClient, owner: given.Owner, asha: int
) -> None:
    await conversation(owner)

    page = (await client.get("/inbox")).text

    assert "disputes a charge" in page
    assert "&lt;b&gt;This&lt;/b&gt; bill is wrong" in page


async def test_whoever_takes_over_reads_why_what_was_asked_and_what_was_looked_at_before(
    client: httpx.AsyncClient, owner: given.Owner, asha: int
) -> None:
    talk = await conversation(owner)
    tools = [{"name": "explain_bill_change", "arguments": {}, "failed": False}, {"name": "balance", "arguments": {}, "failed": True}]
    trace = {"answers": [{"module": "billing", "model": "rules", "prompt": "b1", "second_try": True, "tools": tools}]}
    await given.row(
        owner, "helpdesk.message", conversation_id=talk, is_from_us=True, author="agents:billing", words="It is 6.20 more.", trace=trace
    )
    await posted(client, f"/inbox/{talk}/take")

    page = (await client.get(f"/inbox/{talk}")).text
    before = page[page.index("Until now") : page.index("<ol")]

    assert "disputes a charge" in before
    assert "&lt;b&gt;This&lt;/b&gt; bill is wrong" in before
    assert re.search(r"Agents looked at</dt><dd>explain bill change</dd>\s*<dt>In vain</dt><dd>balance</dd>", before)
    assert "the first said what no tool had" in before


async def test_orders_to_our_agents_stand_first_and_are_shown_until_a_colleague_has_been_there(
    client: httpx.AsyncClient, here: Site, owner: given.Owner, asha: int
) -> None:
    talk = await conversation(owner, held_by="agents")
    trace = {"answers": [], "route": {}, "flags": [{"where": "message", "sign": "asks to forget the rules"}]}
    await given.row(owner, "helpdesk.message", conversation_id=talk, is_from_us=True, author="agents:billing", words="No.", trace=trace)
    quiet = await given.row(owner, "helpdesk.conversation", channel="sms", address="+447700900009")

    listed = (await client.get("/inbox")).text
    page = (await client.get(f"/inbox/{talk}")).text
    await posted(client, f"/inbox/{talk}/take")
    await posted(client, f"/inbox/{talk}/back")
    later = (await client.get("/inbox")).text

    assert listed.index(f"/inbox/{talk}") < listed.index(f"/inbox/{quiet}")
    assert "gives our agents orders" in listed
    assert "not followed: message asks to forget the rules" in page
    assert "gives our agents orders" not in later


async def test_why_somebody_may_need_one_of_us_stands_beside_whom_the_agents_answer(
    client: httpx.AsyncClient, owner: given.Owner, asha: int
) -> None:
    talk = await conversation(owner, held_by="agents")
    await owner.execute("UPDATE helpdesk.message SET words = 'I am furious and will leave you for Sky'")

    listed, page = (await client.get("/inbox")).text, (await client.get(f"/inbox/{talk}")).text

    assert all(reason in text for reason in ("angry", "means to leave") for text in (listed, page))


async def test_while_the_agents_answer_nothing_is_summed_up(client: httpx.AsyncClient, owner: given.Owner, asha: int) -> None:
    talk = await conversation(owner, held_by="agents")

    assert "Until now" not in (await client.get(f"/inbox/{talk}")).text


async def test_a_colleague_takes_it_over_and_the_customer_is_told_by_name(
    client: httpx.AsyncClient, here: Site, owner: given.Owner, asha: int
) -> None:
    talk = await conversation(owner)

    page = await posted(client, f"/inbox/{talk}/take")

    assert page.status_code == 200
    assert await one(owner, "SELECT owner FROM helpdesk.conversation") == f"staff:{asha}"
    assert await one(owner, "SELECT channel, words FROM helpdesk.notice") == (
        "sms",
        "Asha is with you from here on, and has read what you wrote.",
    )


async def test_an_answer_typed_in_the_inbox_goes_where_the_question_came_from_once(
    client: httpx.AsyncClient, here: Site, owner: given.Owner, asha: int
) -> None:
    talk = await conversation(owner)
    await posted(client, f"/inbox/{talk}/take")
    after = await one(owner, "SELECT max(id) FROM helpdesk.message")

    for _ in range(2):
        await posted(client, f"/inbox/{talk}/reply", words="You are right, I have corrected it.", after=str(after))

    assert await one(owner, "SELECT count(*) FROM helpdesk.notice WHERE words LIKE 'You are right%'") == 1
    assert await one(owner, "SELECT author FROM helpdesk.message ORDER BY id DESC LIMIT 1") == f"staff:{asha}"


async def test_handed_back_the_agents_answer_again_and_the_customer_is_told(
    client: httpx.AsyncClient, here: Site, owner: given.Owner, asha: int
) -> None:
    talk = await conversation(owner)
    await posted(client, f"/inbox/{talk}/take")

    await posted(client, f"/inbox/{talk}/back")

    assert await one(owner, "SELECT owner, handed_over_because FROM helpdesk.conversation") == ("agents", None)
    assert "Our assistant is with you again" in str(await one(owner, "SELECT words FROM helpdesk.notice ORDER BY id DESC LIMIT 1"))


async def test_of_two_who_take_it_at_once_one_has_it(client: httpx.AsyncClient, here: Site, owner: given.Owner, asha: int) -> None:
    talk = await conversation(owner, held_by=f"staff:{await given.member(owner, 'Ben Osei', 'customer_care')}")
    page = (await client.get(f"/inbox/{talk}")).text

    assert "<b>Ben</b> has it" in page
    answered = await posted(client, f"/inbox/{talk}/reply", words="I am faster", after="1")

    assert answered.status_code == 409
    assert await one(owner, "SELECT count(*) FROM helpdesk.notice") == 0


async def test_nobody_hands_back_what_a_colleague_holds(client: httpx.AsyncClient, here: Site, owner: given.Owner, asha: int) -> None:
    talk = await conversation(owner, held_by=f"staff:{await given.member(owner, 'Ben Osei', 'customer_care')}")

    answered = await posted(client, f"/inbox/{talk}/back")

    assert answered.status_code == 409
    assert str(await one(owner, "SELECT owner FROM helpdesk.conversation")).startswith("staff:")


async def test_beside_an_answer_stands_how_the_agents_came_to_it(client: httpx.AsyncClient, owner: given.Owner, asha: int) -> None:
    talk = await conversation(owner, held_by="agents")
    tool = {"name": "balance", "arguments": {}, "failed": False}
    answer = {"module": "billing", "model": "rules", "prompt": "b1", "second_try": False, "tools": [tool]}
    trace = {"route": {"nearest": {"billing": 0.81}}, "answers": [answer]}
    await given.row(
        owner, "helpdesk.message", conversation_id=talk, is_from_us=True, author="agents:billing", words="You owe 3.00.", trace=trace
    )

    page = (await client.get(f"/inbox/{talk}")).text

    assert "billing 0.81" in page
    assert "balance" in page


async def test_whoever_wrote_by_whatsapp_more_than_a_day_ago_is_told_by_text_who_took_it_over(
    client: httpx.AsyncClient, here: Site, owner: given.Owner, atlas: Atlas, asha: int
) -> None:
    talk = await conversation(owner, channel="whatsapp")
    await owner.execute("UPDATE helpdesk.message SET at = at - interval '2 days'")

    await posted(client, f"/inbox/{talk}/take")

    assert await one(owner, "SELECT owner FROM helpdesk.conversation") == f"staff:{asha}"
    assert await one(owner, "SELECT channel, address, purpose FROM helpdesk.notice") == ("sms", MAYA, "reply")
