from datetime import time

import pytest

from atlas import principal
from atlas.connection import Atlas
from atlas.crm.reads import customer_at, customers_at
from atlas.crm.records import Channel, Purpose
from atlas.crm.rules import AddressShared
from atlas.errors import InvalidField, NotFound
from atlas.identity import CustomerId, StaffId
from atlas.money import Money
from atlas.principal import NotPermittedHere
from forge.actions.crm.customers import RecordContactPreference, RecordInteraction
from tests import given
from tests.asking import asking
from tests.billing.arranged import bill, customer_with_line, outage
from tests.given import NOW, Owner, member
from tools import crm


async def staff(owner: Owner) -> principal.Principal:
    return principal.staff(
        StaffId(await member(owner, "Cara Care", "customer_care")), "Cara Care", frozenset({principal.Role.CUSTOMER_CARE})
    )


async def test_my_details_show_the_line_and_mask_the_address(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner, phone="+447700900001")

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        found = await crm.my_details(turn)

    assert (found.given_name, [held.plan for held in found.services], [contact.address for contact in found.contacts]) == (
        "Maya",
        ["fibre-100"],
        ["…001"],
    )


async def test_whoever_closed_the_preferred_channel_hears_of_outages_over_another(atlas: Atlas, owner: Owner) -> None:
    customer = CustomerId(await given.customer(owner))
    await given.row(owner, "crm.contact", customer_id=customer, channel="email", address="maya@example.com")
    await owner.execute("INSERT INTO crm.consent VALUES (%s, 'service', 'sms', false, now(), 'test')", (customer,))

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        found = await crm.my_details(turn)

    assert found.reached_by is Channel.EMAIL


async def test_stop_without_more_words_stops_every_purpose_over_every_channel(atlas: Atlas, owner: Owner) -> None:
    customer = CustomerId(await given.customer(owner))

    async with asking(atlas, principal.customer(customer)) as (turn, proposed):
        await crm.stop_messages(turn)

    (wish,) = proposed
    assert isinstance(wish, RecordContactPreference)
    assert (wish.customer_id, len(wish.consents), {consent.is_given for consent in wish.consents}) == (customer, 12, {False})


async def test_start_without_more_words_does_not_start_marketing(atlas: Atlas, owner: Owner) -> None:
    customer = CustomerId(await given.customer(owner))

    async with asking(atlas, principal.customer(customer)) as (turn, proposed):
        await crm.start_messages(turn)

    (wish,) = proposed
    assert isinstance(wish, RecordContactPreference)
    assert {consent.purpose for consent in wish.consents} == {Purpose.SERVICE, Purpose.BILLING}


async def test_marketing_starts_where_the_customer_names_it(atlas: Atlas, owner: Owner) -> None:
    customer = CustomerId(await given.customer(owner))

    async with asking(atlas, principal.customer(customer)) as (turn, proposed):
        await crm.start_messages(turn, Purpose.MARKETING, Channel.EMAIL)

    (wish,) = proposed
    assert isinstance(wish, RecordContactPreference)
    assert [(consent.purpose, consent.channel, consent.is_given) for consent in wish.consents] == [(Purpose.MARKETING, Channel.EMAIL, True)]


async def test_a_preferred_channel_and_quiet_hours_are_proposed_for_the_customer_who_asks(atlas: Atlas, owner: Owner) -> None:
    customer = CustomerId(await given.customer(owner))

    async with asking(atlas, principal.customer(customer)) as (turn, proposed):
        await crm.prefer_channel(turn, Channel.WHATSAPP)
        await crm.keep_quiet(turn, time(22), time(7))

    assert [action.for_customer for action in proposed] == [customer, customer]


async def test_quiet_hours_without_end_are_refused_at_once(atlas: Atlas, owner: Owner) -> None:
    customer = CustomerId(await given.customer(owner))

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        with pytest.raises(InvalidField):
            await crm.keep_quiet(turn, time(8), time(8))


async def test_a_stranger_has_no_details(atlas: Atlas) -> None:
    async with asking(atlas, principal.stranger()) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await crm.my_details(turn)


async def test_staff_see_everything_about_one_customer_on_one_page(atlas: Atlas, owner: Owner) -> None:
    customer, line = await customer_with_line(owner, phone="+447700900001")
    incident = await outage(owner, line)
    await bill(owner, customer, NOW.date().replace(day=1), {"Fibre 100": 3000})

    async with asking(atlas, await staff(owner)) as (turn, _):
        page = await crm.show_customer(turn, customer)

    assert (page.customer.name, page.owed, [held.subscriber_id for held in page.services]) == ("Maya Patel", Money("30.00"), [line])
    assert [(at.incident_id, at.subscriber_id, at.restored_at) for at in page.outages] == [(incident, line, None)]


async def test_a_customer_nobody_knows_has_no_page(atlas: Atlas, owner: Owner) -> None:
    async with asking(atlas, await staff(owner)) as (turn, _):
        with pytest.raises(NotFound):
            await crm.show_customer(turn, CustomerId(99))


@pytest.mark.parametrize("tool", [crm.show_customer, crm.find_customer])
async def test_a_customer_cannot_look_up_customers(atlas: Atlas, owner: Owner, tool: object) -> None:
    customer = CustomerId(await given.customer(owner))

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await tool(turn, customer)  # type: ignore[operator]


@pytest.mark.parametrize("words", ["Patel", "patel", "07700 900001", "+44 7700 900001"])
async def test_staff_find_a_customer_by_name_or_number(atlas: Atlas, owner: Owner, words: str) -> None:
    customer, _ = await customer_with_line(owner, phone="+447700900001")
    await customer_with_line(owner, "Omar Haddad")

    async with asking(atlas, await staff(owner)) as (turn, _):
        found = await crm.find_customer(turn, words)

    assert [(one.customer_id, one.contact) for one in found] == [(customer, "+447700900001")]


async def test_two_customers_of_one_name_are_both_shown(atlas: Atlas, owner: Owner) -> None:
    one, other = await customer_with_line(owner), await customer_with_line(owner)

    async with asking(atlas, await staff(owner)) as (turn, _):
        found = await crm.find_customer(turn, "Maya Patel")

    assert [customer.customer_id for customer in found] == [one[0], other[0]]


async def test_a_note_by_staff_is_proposed_as_one_line(atlas: Atlas, owner: Owner) -> None:
    customer = CustomerId(await given.customer(owner))

    async with asking(atlas, await staff(owner)) as (turn, proposed):
        await crm.note_interaction(turn, customer, "call", "asked\nabout the bill")

    (note,) = proposed
    assert isinstance(note, RecordInteraction)
    assert (note.customer_id, note.summary) == (customer, "asked about the bill")


@pytest.mark.parametrize("written", ["whatsapp:+447700900001", "00447700900001", "07700900001"])
async def test_a_door_finds_whose_number_it_is_however_it_is_written(atlas: Atlas, owner: Owner, written: str) -> None:
    customer = await given.customer(owner)

    async with atlas.transaction(principal.intake("twilio")) as conn:
        assert await customer_at(conn, written) == customer


async def test_a_brazilian_number_on_file_without_its_ninth_digit_is_found(atlas: Atlas, owner: Owner) -> None:
    customer = await given.customer(owner, phone="+551187654321")

    async with atlas.transaction(principal.intake("twilio")) as conn:
        assert await customers_at(conn, "+5511987654321") == [customer]


async def test_a_number_that_two_customers_share_is_not_guessed(atlas: Atlas, owner: Owner) -> None:
    await given.customer(owner)
    await given.customer(owner, "Omar Haddad")

    async with atlas.transaction(principal.intake("twilio")) as conn:
        with pytest.raises(AddressShared):
            await customer_at(conn, "+447700900001")


async def test_a_former_customer_is_no_longer_at_their_number(atlas: Atlas, owner: Owner) -> None:
    await given.customer(owner, state="former")

    async with atlas.transaction(principal.intake("twilio")) as conn:
        assert await customer_at(conn, "+447700900001") is None
