from datetime import timedelta

import pytest

from atlas.connection import Atlas
from atlas.errors import NotFound
from atlas.helpdesk.writes import record_inbound
from atlas.identity import CustomerId, StaffId
from atlas.principal import NotPermittedHere, customer, intake, staff, stranger
from forge.actions.helpdesk.saying import HandOverToPerson, NotifyOutage, RecordPromise
from tests import carried, given
from tests.asking import asking
from tests.given import NOW, Owner
from tests.helpdesk.outage import Outage, outage
from tools import helpdesk

PRIYA = staff(StaffId(1), "Priya", frozenset())


async def told(atlas: Atlas, owner: Owner) -> Outage:
    """An outage of which everybody was told."""
    now = await outage(atlas, owner)
    async with asking(atlas, PRIYA) as (turn, _):
        action = await NotifyOutage.due_for(turn.conn, now.incident_id, NOW)
    await carried.out(atlas, action, NOW)
    return now


async def written(atlas: Atlas, asker: CustomerId) -> int:
    async with atlas.transaction(intake("tests")) as conn:
        inbound = await record_inbound(conn, channel="chat", address=None, customer_id=asker, words="help", at=NOW, author="customer")
    return inbound.conversation_id


async def test_a_customer_reads_what_they_were_sent_and_nothing_else(atlas: Atlas, owner: Owner) -> None:
    now = await told(atlas, owner)

    async with asking(atlas, customer(CustomerId(now.plant.customers[0]))) as (turn, _):
        found = await helpdesk.what_did_we_tell(turn)

    assert [(one.purpose, one.customers) for one in found.told] == [("outage", 1)]


async def test_staff_read_the_words_of_an_incident_with_how_many_got_them(atlas: Atlas, owner: Owner) -> None:
    now = await told(atlas, owner)

    async with asking(atlas, PRIYA) as (turn, _):
        found = await helpdesk.what_did_we_tell(turn)

    assert (found.incident_id, sorted(one.customers for one in found.told)) == (now.incident_id, [2, 2])
    assert all("Harbour" in one.words or "Old Town" in one.words for one in found.told)


async def test_before_anybody_was_told_there_is_nothing_to_read(atlas: Atlas, owner: Owner) -> None:
    async with asking(atlas, PRIYA) as (turn, _):
        assert (await helpdesk.what_did_we_tell(turn)).told == []


async def test_whoever_asks_for_a_person_hands_over_their_own_conversation(atlas: Atlas, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))
    conversation = await written(atlas, maya)

    async with asking(atlas, customer(maya)) as (turn, proposed):
        await helpdesk.hand_over(turn, "I want a person")

    (action,) = proposed
    assert isinstance(action, HandOverToPerson)
    assert (action.conversation, action.customer, action.is_urgent) == (conversation, maya, False)


async def test_somebody_in_danger_is_urgent(atlas: Atlas, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))
    await written(atlas, maya)

    async with asking(atlas, customer(maya)) as (turn, proposed):
        await helpdesk.hand_over(turn, "I cannot reach 999 and my mother needs her oxygen")

    (action,) = proposed
    assert isinstance(action, HandOverToPerson)
    assert action.is_urgent


async def test_without_a_conversation_there_is_nothing_to_hand_over(atlas: Atlas) -> None:
    async with asking(atlas, stranger()) as (turn, _):
        with pytest.raises(NotFound):
            await helpdesk.hand_over(turn, "I want a person")


async def test_the_queue_is_for_staff(atlas: Atlas, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))

    async with asking(atlas, customer(maya)) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await helpdesk.who_waits(turn)


async def test_a_promise_is_proposed_for_the_customer_it_was_made_to(atlas: Atlas, owner: Owner) -> None:
    maya, friday = CustomerId(await given.customer(owner)), NOW + timedelta(days=4)

    async with asking(atlas, PRIYA) as (turn, proposed):
        await helpdesk.promise(turn, maya, "a credit by Friday", friday)

    assert proposed == [RecordPromise(maya, "a credit by Friday", friday)]


async def test_a_promise_that_was_not_kept_is_listed(atlas: Atlas, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))
    await carried.out(atlas, RecordPromise(maya, "a credit by Friday", NOW + timedelta(days=4)), NOW)

    async with asking(atlas, PRIYA, NOW + timedelta(days=5)) as (turn, _):
        assert [one.promised for one in await helpdesk.overdue_promises(turn)] == ["a credit by Friday"]
