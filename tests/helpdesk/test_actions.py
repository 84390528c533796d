from datetime import timedelta

import pytest

from atlas.connection import Atlas
from atlas.helpdesk import reads
from atlas.helpdesk.rules import NotTheirConversation, PromiseInThePast
from atlas.helpdesk.writes import record_inbound
from atlas.identity import ConversationId, CustomerId
from atlas.itsm.reads import tickets_of_customer, tickets_of_incident
from atlas.principal import executor, intake
from forge.actions.helpdesk.saying import HandOverToPerson, RecordPromise, SendMessage
from forge.actions.itsm.incidents import CloseIncident, OpenTickets, ResolveIncident
from tests import carried, given
from tests.given import NOW, Owner
from tests.helpdesk.outage import notices, outage

LATER = NOW + timedelta(minutes=20)


async def written(
    atlas: Atlas, customer_id: int | None, words: str = "is it me?", channel: str = "sms", **columns: object
) -> ConversationId:
    async with atlas.transaction(intake("tests")) as conn:
        inbound = await record_inbound(
            conn,
            channel=channel,
            address="+447700900001",
            customer_id=CustomerId(customer_id) if customer_id else None,
            words=words,
            at=NOW,
            author="customer",
            **columns,  # type: ignore[arg-type]
        )
    return inbound.conversation_id


async def test_a_reply_goes_to_the_address_that_asked(atlas: Atlas, owner: Owner) -> None:
    customer = await given.customer(owner)
    conversation = await written(atlas, customer)

    await carried.out(atlas, SendMessage(conversation, CustomerId(customer), 1, "It is not you.", "agents:nms"), NOW)

    (reply,) = await notices(atlas, "reply")
    assert (reply.customer_id, reply.channel, reply.words) == (customer, "sms", "It is not you.")


async def test_a_stranger_is_answered_too(atlas: Atlas, owner: Owner) -> None:
    conversation = await written(atlas, None)

    await carried.out(atlas, SendMessage(conversation, None, 1, "There is no outage.", "agents:itsm"), NOW)

    assert [reply.customer_id for reply in await notices(atlas, "reply")] == [None]


async def test_an_answer_that_whatsapp_takes_no_more_goes_as_a_text_to_that_very_number(atlas: Atlas, owner: Owner) -> None:
    customer = await given.customer(owner)
    conversation = await written(atlas, customer, channel="whatsapp")

    await carried.out(atlas, SendMessage(conversation, CustomerId(customer), 1, "In time.", "agents:nms"), NOW + timedelta(hours=24))
    await carried.out(
        atlas, SendMessage(conversation, CustomerId(customer), 1, "Too late.", "staff:1"), NOW + timedelta(hours=24, seconds=1)
    )

    told = await (await owner.execute("SELECT channel, address, words FROM helpdesk.notice ORDER BY id")).fetchall()
    assert told == [("whatsapp", "+447700900001", "In time."), ("sms", "+447700900001", "Too late.")]


async def test_a_reply_in_our_own_chat_needs_no_carrier(atlas: Atlas, owner: Owner) -> None:
    customer = await given.customer(owner)
    conversation = await written(atlas, customer, channel="chat")

    await carried.out(atlas, SendMessage(conversation, CustomerId(customer), 1, "Hello.", "agents:helpdesk"), NOW)

    assert await notices(atlas, "reply") == []


async def test_nobody_is_answered_in_somebody_elses_conversation(atlas: Atlas, owner: Owner) -> None:
    conversation = await written(atlas, await given.customer(owner))
    other = await given.customer(owner, "Somebody Else", "+447700900002")

    with pytest.raises(NotTheirConversation):
        await carried.out(atlas, SendMessage(conversation, CustomerId(other), 1, "Hello.", "agents:helpdesk"), NOW)


async def test_a_second_message_within_the_day_is_the_same_case_on_any_channel(atlas: Atlas, owner: Owner) -> None:
    customer = await given.customer(owner)

    first, second = await written(atlas, customer), await written(atlas, customer, "hello?", "whatsapp")

    assert first == second


async def test_the_same_message_delivered_twice_is_kept_once(atlas: Atlas, owner: Owner) -> None:
    customer = await given.customer(owner)
    conversation = await written(atlas, customer, provider_reference="SM1")
    await written(atlas, customer, provider_reference="SM1")

    async with atlas.transaction(executor("tests")) as conn:
        assert len(await reads.messages(conn, conversation)) == 1


async def test_a_conversation_handed_over_waits_in_the_queue_with_its_reason(atlas: Atlas, owner: Owner) -> None:
    customer = await given.customer(owner)
    conversation = await written(atlas, customer)

    await carried.out(atlas, HandOverToPerson(conversation, CustomerId(customer), 1, "asked for a person"), NOW)

    async with atlas.transaction(executor("tests")) as conn:
        (waiting,) = await reads.queue(conn)
    assert (waiting.conversation_id, waiting.because, waiting.last_words) == (conversation, "asked for a person", "is it me?")


async def test_a_conversation_handed_over_twice_has_one_ticket(atlas: Atlas, owner: Owner) -> None:
    customer = await given.customer(owner)
    conversation = await written(atlas, customer)
    await carried.out(atlas, HandOverToPerson(conversation, CustomerId(customer), 1, "asked for a person"), NOW)

    await carried.out(atlas, HandOverToPerson(conversation, CustomerId(customer), 2, "asked again"), NOW)

    async with atlas.transaction(executor("tests")) as conn:
        assert len(await tickets_of_customer(conn, CustomerId(customer))) == 1


async def test_vulnerable_customers_are_first_in_the_queue(atlas: Atlas, owner: Owner) -> None:
    first = await given.customer(owner)
    second = await given.customer(owner, "Ada Frail", "+447700900002", is_vulnerable=True)
    for customer in (first, second):
        conversation = await written(atlas, customer)
        await carried.out(atlas, HandOverToPerson(conversation, CustomerId(customer), 1, "asked"), NOW)

    async with atlas.transaction(executor("tests")) as conn:
        assert [waiting.customer_id for waiting in await reads.queue(conn)] == [second, first]


async def test_a_promise_that_is_due_and_not_kept_is_listed(atlas: Atlas, owner: Owner) -> None:
    customer = await given.customer(owner)
    await carried.out(atlas, RecordPromise(CustomerId(customer), "a credit by Friday", NOW + timedelta(days=1)), NOW)

    async with atlas.transaction(executor("tests")) as conn:
        overdue = await reads.overdue_promises(conn, NOW + timedelta(days=2))

    assert [promise.promised for promise in overdue] == ["a credit by Friday"]


async def test_a_promise_is_due_after_it_is_made(atlas: Atlas, owner: Owner) -> None:
    customer = await given.customer(owner)

    with pytest.raises(PromiseInThePast):
        await carried.out(atlas, RecordPromise(CustomerId(customer), "yesterday", NOW - timedelta(days=1)), NOW)


async def asked_for_a_person(atlas: Atlas, customer: int) -> None:
    conversation = await written(atlas, customer)
    await carried.out(atlas, HandOverToPerson(conversation, CustomerId(customer), 1, "asked for a person"), NOW)


async def test_many_who_ask_under_one_fault_are_joined_to_its_one_ticket(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    parent = (await carried.out(atlas, OpenTickets(now.incident_id), NOW))["parent"]

    for customer in now.plant.customers:
        await asked_for_a_person(atlas, customer)

    async with atlas.transaction(executor("tests")) as conn:
        tickets = await tickets_of_incident(conn, now.incident_id)
    assert [ticket.customer_id for ticket in tickets if ticket.parent_id == parent and ticket.customer_id] == list(now.plant.customers)


async def test_what_a_customer_asked_stays_open_when_the_fault_is_over(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await carried.out(atlas, OpenTickets(now.incident_id), NOW)
    await asked_for_a_person(atlas, now.plant.customers[0])

    await carried.out(atlas, ResolveIncident(now.incident_id), LATER)
    await carried.out(atlas, CloseIncident(now.incident_id), LATER)

    async with atlas.transaction(executor("tests")) as conn:
        (ticket,) = await tickets_of_customer(conn, CustomerId(now.plant.customers[0]))
    assert ticket.state == "acknowledged"


async def test_whoever_asks_elsewhere_is_joined_to_no_fault(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await carried.out(atlas, OpenTickets(now.incident_id), NOW)
    elsewhere = await given.customer(owner, "Tom Okafor", "+447700900999")

    await asked_for_a_person(atlas, elsewhere)

    async with atlas.transaction(executor("tests")) as conn:
        (ticket,) = await tickets_of_customer(conn, CustomerId(elsewhere))
    assert ticket.incident_id is None
