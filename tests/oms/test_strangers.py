"""Somebody who is no customer yet orders a line: taken in with where they wrote from, and told nothing of anybody else."""

import uuid
from typing import Any

import pytest

from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.identity import ConversationId, CorrelationId, CustomerId, OfferingVersionId, PremiseId
from atlas.money import Money
from atlas.oms.records import OrderState
from atlas.principal import NotPermittedHere, customer, in_conversation, stranger
from forge.actions.oms.signups import SignUp
from forge.propose import Proposed, propose
from tests import given
from tests.asking import asking
from tests.given import Owner
from tests.oms.signups import Town, now, town
from tools import gis

NUMBER = "whatsapp:+447700900123"
S = OrderState


@pytest.fixture
async def place(atlas: Atlas, owner: Owner) -> Town:
    return await town(atlas, owner)


async def writes_in(owner: Owner, thread: uuid.UUID, **columns: Any) -> int:
    made = {"channel": "whatsapp", "address": NUMBER.removeprefix("whatsapp:"), "thread": thread, **columns}
    return await given.row(owner, "helpdesk.conversation", **made)


async def asked(place: Town, thread: uuid.UUID, conversation: int, called: str = "Ida Frost", monthly: str = "30.00") -> Proposed:
    version = await given.offering(place.owner)
    wish = SignUp(
        ConversationId(conversation),
        called,
        PremiseId(await place.premise()),
        "fibre-100",
        OfferingVersionId(version),
        Money(monthly),
        now().date(),
    )
    me = in_conversation(stranger(), thread)
    return await propose(place.forge, me, wish, reason="a test", correlation_id=CorrelationId(uuid.uuid4()))


async def test_a_stranger_becomes_a_customer_with_a_line_that_works(place: Town) -> None:
    thread = uuid.uuid4()
    proposed = await asked(place, thread, await writes_in(place.owner, thread))
    assert proposed.outcome is not None, proposed
    await place.round()

    who = await (
        await place.owner.execute("SELECT name, state, channel, address FROM crm.customer JOIN crm.contact ON customer_id = customer.id")
    ).fetchall()
    told = await (await place.owner.execute("SELECT purpose, channel, address FROM helpdesk.notice")).fetchall()
    assert (await place.case(proposed.outcome["order"])).state is S.COMPLETED
    assert [(name, channel, address) for name, _, channel, address in who] == [("Ida Frost", "whatsapp", "+447700900123")]
    assert told == [("order_done", "whatsapp", "+447700900123")]


async def test_what_a_stranger_asks_in_another_conversation_is_not_done_there(place: Town) -> None:
    other = await writes_in(place.owner, uuid.uuid4(), address="+447700900999")
    own = uuid.uuid4()
    await writes_in(place.owner, own)

    proposed = await asked(place, own, other)

    assert (proposed.outcome, await (await place.owner.execute("SELECT count(*) FROM crm.customer")).fetchone()) == (None, (0,))
    assert "somebody of ours has to look" in str(proposed.failure)


async def test_another_price_than_was_named_is_no_order_and_no_customer(place: Town) -> None:
    thread = uuid.uuid4()

    proposed = await asked(place, thread, await writes_in(place.owner, thread), monthly="1.00")

    assert (proposed.outcome, await (await place.owner.execute("SELECT count(*) FROM crm.customer")).fetchone()) == (None, (0,))


async def test_a_dear_line_for_a_stranger_waits_for_a_person(place: Town) -> None:
    thread = uuid.uuid4()

    proposed = await asked(place, thread, await writes_in(place.owner, thread), monthly="99.00")

    assert proposed.state.value == "waiting"


async def test_a_name_that_is_none_is_refused_by_name_of_the_field(place: Town) -> None:
    thread = uuid.uuid4()

    proposed = await asked(place, thread, await writes_in(place.owner, thread), called="7")

    assert "called" in str(proposed.failure)


async def test_a_customer_orders_as_themselves(place: Town) -> None:
    me = customer(CustomerId(await given.customer(place.owner)))

    async with asking(place.forge.atlas, me) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await gis.sign_up(turn, "1 Quay Street, Harbour HB1 1AA", "fibre-100", "Ida Frost")


async def test_a_stranger_who_writes_no_whole_address_is_asked_for_it(place: Town) -> None:
    thread = uuid.uuid4()
    await writes_in(place.owner, thread)

    async with asking(place.forge.atlas, in_conversation(stranger(), thread)) as (turn, proposed):
        with pytest.raises(InvalidField, match="number, street and postcode"):
            await gis.sign_up(turn, "Quay Street", "fibre-100", "Ida Frost")
    assert proposed == []
