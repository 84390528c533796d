from datetime import time, timedelta

import pytest

from atlas.connection import Atlas
from atlas.crm.reads import recipient
from atlas.crm.records import Channel, Consent, Purpose, QuietHours, Recipient
from atlas.crm.rules import ContactMissing
from atlas.errors import InvalidField
from atlas.identity import CustomerId
from atlas.principal import executor
from forge.actions.crm.customers import RecordContactPreference, RecordInteraction
from tests import carried, given
from tests.given import NOW, Owner, row

NO_SMS = Consent(Purpose.SERVICE, Channel.SMS, False)
YES_SMS = Consent(Purpose.SERVICE, Channel.SMS, True)


async def known(atlas: Atlas, customer: CustomerId) -> Recipient:
    async with atlas.transaction(executor("test")) as conn:
        return await recipient(conn, customer)


async def maya(owner: Owner) -> CustomerId:
    return CustomerId(await given.customer(owner))


async def test_a_customer_who_says_stop_is_opted_out(atlas: Atlas, owner: Owner) -> None:
    customer = await maya(owner)

    await carried.out(atlas, RecordContactPreference(customer, "message:1", consents=(NO_SMS,)), NOW)

    assert (await known(atlas, customer)).consents == (NO_SMS,)


async def test_the_last_word_counts(atlas: Atlas, owner: Owner) -> None:
    customer = await maya(owner)
    await carried.out(atlas, RecordContactPreference(customer, "message:1", consents=(NO_SMS,)), NOW)

    await carried.out(atlas, RecordContactPreference(customer, "message:2", consents=(YES_SMS,)), NOW + timedelta(hours=1))

    assert (await known(atlas, customer)).consents == (YES_SMS,)


async def test_a_word_said_earlier_but_recorded_later_does_not_count(atlas: Atlas, owner: Owner) -> None:
    customer = await maya(owner)
    await carried.out(atlas, RecordContactPreference(customer, "message:2", consents=(NO_SMS,)), NOW + timedelta(hours=1))

    await carried.out(atlas, RecordContactPreference(customer, "message:1", consents=(YES_SMS,)), NOW)

    assert (await known(atlas, customer)).consents == (NO_SMS,)


async def test_the_preferred_channel_moves_to_where_the_customer_wants_it(atlas: Atlas, owner: Owner) -> None:
    customer = await maya(owner)
    await row(owner, "crm.contact", customer_id=customer, channel="whatsapp", address="+447700900001")

    await carried.out(atlas, RecordContactPreference(customer, "message:1", preferred=Channel.WHATSAPP), NOW)

    preferred = [contact.channel for contact in (await known(atlas, customer)).contacts if contact.is_preferred]
    assert preferred == [Channel.WHATSAPP]


async def test_a_channel_without_an_address_cannot_be_preferred(atlas: Atlas, owner: Owner) -> None:
    customer = await maya(owner)

    with pytest.raises(ContactMissing):
        await carried.out(atlas, RecordContactPreference(customer, "message:1", preferred=Channel.EMAIL), NOW)

    assert (await known(atlas, customer)).contacts[0].is_preferred


async def test_quiet_hours_are_kept_on_every_contact(atlas: Atlas, owner: Owner) -> None:
    customer = await maya(owner)
    await row(owner, "crm.contact", customer_id=customer, channel="email", address="maya@example.com")

    await carried.out(atlas, RecordContactPreference(customer, "message:1", quiet_hours=QuietHours(time(22), time(7))), NOW)

    hours = [(contact.quiet_from, contact.quiet_until) for contact in (await known(atlas, customer)).contacts]
    assert hours == [(time(22), time(7)), (time(22), time(7))]


def test_the_same_word_from_the_same_message_is_one_operation() -> None:
    one = RecordContactPreference(CustomerId(1), "message:1", consents=(NO_SMS,))
    again = RecordContactPreference(CustomerId(1), "message:1", consents=(NO_SMS,))

    assert one.operation_key == again.operation_key


def test_stop_and_start_in_one_conversation_are_two_operations() -> None:
    stop = RecordContactPreference(CustomerId(1), "conversation:1", consents=(NO_SMS,))
    start = RecordContactPreference(CustomerId(1), "conversation:1", consents=(YES_SMS,))

    assert stop.operation_key != start.operation_key


async def test_what_was_said_is_kept_as_a_line(atlas: Atlas, owner: Owner) -> None:
    customer = await maya(owner)

    await carried.out(atlas, RecordInteraction(customer, "call", " asked about\nthe bill ", "console:1", Channel.VOICE), NOW)

    lines = await (await owner.execute("SELECT kind, channel, summary FROM crm.interaction")).fetchall()
    assert lines == [("call", "voice", "asked about the bill")]


async def test_an_empty_note_is_refused(atlas: Atlas, owner: Owner) -> None:
    customer = await maya(owner)

    with pytest.raises(InvalidField):
        await carried.out(atlas, RecordInteraction(customer, "call", "  ", "console:1"), NOW)
