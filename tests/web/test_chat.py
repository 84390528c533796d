"""Staff chat: what is typed is kept once and answered by the agents; beside an answer stands what it spoke of, as Atlas has it now."""

import asyncio
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import httpx
import pytest

from atlas.identity import StaffId
from atlas.principal import Role, staff
from atlas.staff.records import SignedIn
from console.chat import said_on
from console.room import Me
from forge.sign_in.sessions import Token, begun
from forge.sign_in.sessions import signed_in as who_is_in
from tests import given
from tests.billing.arranged import outage
from tests.web.browsing import Site, form_token, origin_of, posted, signed_in

ASHA = "Asha Patel"


async def one(owner: given.Owner, statement: str, *values: Any) -> Any:
    row = await (await owner.execute(statement.encode(), values)).fetchone()
    return None if row is None else row[0] if len(row) == 1 else row


async def answered(owner: given.Owner, staff_id: int, words: str, *cards: dict[str, Any]) -> int:
    """An answer of the agents in a conversation of this colleague's."""
    talk = await one(owner, "SELECT id FROM helpdesk.conversation WHERE staff_id = %s", staff_id)
    talk = talk or await given.row(owner, "helpdesk.conversation", staff_id=staff_id, channel="console")
    tool = {"name": "aged_debt", "arguments": {}, "failed": False}
    trace = {"cards": list(cards), "answers": [{"module": "billing", "tools": [tool]}]}
    return await given.row(
        owner,
        "helpdesk.message",
        conversation_id=talk,
        is_from_us=True,
        author="agents:billing",
        words=words,
        channel="console",
        trace=trace,
    )


@pytest.fixture
async def asha(client: httpx.AsyncClient, owner: given.Owner) -> int:
    return await signed_in(client, owner, ASHA, "billing_lead")


async def test_what_is_typed_waits_for_the_agents_once_however_often_the_form_is_sent(
    client: httpx.AsyncClient, here: Site, owner: given.Owner, asha: int
) -> None:
    key = str(uuid4())

    sent = [await posted(client, "/chat", words="Who owes us the most?", key=key) for _ in range(2)]

    assert [answer.headers["location"] for answer in sent] == ["/chat", "/chat"]
    assert await one(owner, "SELECT count(*), min(provider), min(state) FROM helpdesk.inbox") == (1, "console", "received")
    assert await one(owner, "SELECT staff_id, channel FROM helpdesk.conversation") == (asha, "console")


@pytest.mark.parametrize("words", ["", "   ", "x" * 4001])
async def test_nothing_and_a_pasted_book_are_refused_by_name(
    client: httpx.AsyncClient, here: Site, owner: given.Owner, asha: int, words: str
) -> None:
    answer = await client.post(
        "/chat", data={"words": words, "key": str(uuid4())}, headers={"X-Form-Token": await form_token(client), "Origin": origin_of(client)}
    )

    assert answer.status_code == 422
    assert "words" in answer.text
    assert await one(owner, "SELECT count(*) FROM helpdesk.message") == 0


async def test_words_of_a_model_and_of_a_colleague_are_shown_as_text(client: httpx.AsyncClient, owner: given.Owner, asha: int) -> None:
    await answered(owner, asha, "<img src=x onerror=alert(1)> owes 3.00")

    page = (await client.get("/chat")).text

    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img src=x" not in page


async def test_a_customer_and_an_incident_are_cards_with_what_is_true_now(client: httpx.AsyncClient, owner: given.Owner, asha: int) -> None:
    maya = await given.customer(owner)
    cut = await outage(owner)
    await answered(owner, asha, "Here.", {"kind": "customer", "number": maya}, {"kind": "incident", "number": cut})
    await owner.execute("UPDATE crm.customer SET name = 'Maya Married'")

    page = (await client.get("/chat")).text

    assert f'href="/customers/{maya}"' in page
    assert "Maya Married" in page
    assert f"INC-{cut}" in page


async def test_a_card_of_what_is_gone_is_left_out(client: httpx.AsyncClient, owner: given.Owner, asha: int) -> None:
    await answered(owner, asha, "Here.", {"kind": "customer", "number": 99}, {"kind": "incident", "number": 99})

    page = await client.get("/chat")

    assert page.status_code == 200
    assert "glance" not in page.text


async def test_what_was_asked_for_says_who_it_waits_for_and_then_what_became_of_it(
    client: httpx.AsyncClient, here: Site, owner: given.Owner, asha: int
) -> None:
    asked = await given.row(
        owner,
        "actions.action",
        name="issue_credits",
        arguments="{}",
        facts="{}",
        digest=b"d" * 32,
        operation_key="k",
        proposer=f"staff:{asha}",
        reason="asked in chat",
        correlation_id=uuid4(),
        state="waiting",
        approver_roles=["finance_director"],
        approvals_needed=1,
    )
    said = await answered(owner, asha, "I have asked.", {"kind": "action", "number": asked})

    before = (await client.get(f"/chat/cards/{said}")).text
    await owner.execute("ALTER TABLE actions.action DISABLE TRIGGER USER")
    await owner.execute("UPDATE actions.action SET state = 'rejected'")
    after = (await client.get(f"/chat/cards/{said}")).text

    assert "Waits for finance director" in before
    assert f'href="/approvals#A-{asked}"' in before
    assert (f'href="/actions/{asked}"' in after, "rejected" in after) == (True, True)


async def test_a_colleagues_chat_is_theirs_alone(client: httpx.AsyncClient, owner: given.Owner, asha: int) -> None:
    ben = await given.member(owner, "Ben Osei", "billing_lead")
    said = await answered(owner, ben, "Ben's secret answer")

    page, cards = await client.get("/chat"), await client.get(f"/chat/cards/{said}")

    assert "secret" not in page.text
    assert cards.status_code == 404


async def test_older_answers_are_a_page_away(client: httpx.AsyncClient, owner: given.Owner, asha: int) -> None:
    numbers = [await answered(owner, asha, f"answer number {count}.") for count in range(45)]

    newest, older = (await client.get("/chat")).text, (await client.get(f"/chat?before={numbers[5]}")).text

    assert ("answer number 44." in newest, "answer number 4." in newest) == (True, False)
    assert ("answer number 4." in older, "answer number 44." in older) == (True, False)


async def test_the_page_runs_only_scripts_with_the_nonce_of_its_answer(client: httpx.AsyncClient, owner: given.Owner, asha: int) -> None:
    page = await client.get("/chat")

    policy = page.headers["content-security-policy"]
    nonce = policy.split("'nonce-")[1].split("'")[0]

    assert f'<script src="/static/chat.js" nonce="{nonce}"' in page.text
    assert "unsafe-inline" not in policy
    assert "style=" not in page.text


async def streamed(here: Site, staff_id: int, most: int, then: Any = None) -> list[tuple[str, str]]:
    """The first events of a colleague's stream as (kind, what it carries)."""
    token: Token = await begun(here.atlas, StaffId(staff_id))
    known = await who_is_in(here.atlas, token)
    assert isinstance(known, SignedIn)
    me = Me(staff(StaffId(staff_id), ASHA, frozenset({Role.BILLING_LEAD})), known, token)
    events: list[tuple[str, str]] = []
    async with here.room.changes.listening(), asyncio.timeout(20), aclosing(said_on(here.room, me, 0)) as stream:
        async for event in stream:
            events.append((str(event.event), str(event.data)))
            if len(events) == 1 and then is not None:
                await asyncio.sleep(0.3)
                await then()
            if len(events) >= most:
                break
    return events


async def test_what_is_done_meanwhile_and_what_is_said_come_as_they_are_committed(
    client: httpx.AsyncClient, here: Site, owner: given.Owner, asha: int
) -> None:
    await posted(client, "/chat", words="Who owes us the most?", key=str(uuid4()))

    async def work() -> None:
        await owner.execute("UPDATE helpdesk.inbox SET step = 'billing.aged_debt'")

    events = await streamed(here, asha, 3, work)

    assert events[0] == ("step", "")
    assert ("step", "Bills and money: aged debt") in events
    assert any(kind == "said" and "Who owes us the most?" in data for kind, data in events)
