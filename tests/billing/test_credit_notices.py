from dataclasses import replace

import pytest

from atlas.billing.records.compensation import CreditKind
from atlas.connection import Atlas
from atlas.identity import IncidentId
from atlas.principal import executor
from forge.actions.billing.compensation import IssueCredits
from forge.wording import LANGUAGES, worded
from tests import carried, given
from tests.billing.arranged import compensation, customer_with_line, outage
from tests.given import NOW, Owner


async def due_for(atlas: Atlas, incident: IncidentId, kind: CreditKind = CreditKind.GOODWILL) -> IssueCredits:
    async with atlas.transaction(executor("test")) as conn:
        return await IssueCredits.due_for(conn, incident, kind, NOW)


async def notices(owner: Owner) -> list[tuple[str, str, str]]:
    return await (await owner.execute("SELECT purpose, address, words FROM helpdesk.notice ORDER BY id")).fetchall()


async def test_whoever_is_credited_is_told_the_amount_in_the_same_transaction(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner, flat_minor=500)
    _, line = await customer_with_line(owner, phone="+447700900001")

    await carried.out(atlas, await due_for(atlas, await outage(owner, line)), NOW)

    assert await notices(owner) == [
        (
            "credit",
            "+447700900001",
            "We have taken £5.00 off your next bill, for the time on 02/03/2026 when your internet was down."
            " You need not do anything. We are sorry for the trouble.",
        )
    ]


async def test_a_customer_with_two_lines_is_told_once_of_the_whole_amount(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner, flat_minor=500)
    customer, line = await customer_with_line(owner, phone="+447700900001")
    second = await given.subscriber(owner, customer, await given.device(owner, "olt-2"))

    await carried.out(atlas, await due_for(atlas, await outage(owner, line, second)), NOW)

    assert [words[:26] for _, _, words in await notices(owner)] == ["We have taken £10.00 off y"]


async def test_nobody_is_told_twice_of_one_credit(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    _, line = await customer_with_line(owner, phone="+447700900001")
    action = await due_for(atlas, await outage(owner, line))
    await carried.out(atlas, action, NOW)

    again = await carried.out(atlas, action, NOW)

    assert (again["told"], len(await notices(owner))) == (0, 1)


async def test_whoever_closed_the_channel_for_bills_is_credited_but_not_written_to(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    customer, line = await customer_with_line(owner, phone="+447700900001")
    await owner.execute("INSERT INTO crm.consent VALUES (%s, 'billing', 'sms', false, now(), 'test')", (customer,))

    outcome = await carried.out(atlas, await due_for(atlas, await outage(owner, line)), NOW)

    assert (outcome["credits"], outcome["told"]) == (1, 0)


async def test_a_closed_preferred_channel_gives_way_to_one_that_is_open(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    customer, line = await customer_with_line(owner, phone="+447700900001")
    await given.row(owner, "crm.contact", customer_id=customer, channel="email", address="maya@example.com")
    await owner.execute("INSERT INTO crm.consent VALUES (%s, 'billing', 'sms', false, now(), 'test')", (customer,))

    await carried.out(atlas, await due_for(atlas, await outage(owner, line)), NOW)

    assert [address for _, address, _ in await notices(owner)] == ["maya@example.com"]


async def test_a_credit_is_told_after_the_quiet_hours_of_the_customer(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    _, line = await customer_with_line(owner, phone="+447700900001")
    await owner.execute("UPDATE crm.contact SET quiet_from = '08:00', quiet_until = '10:30'")

    await carried.out(atlas, await due_for(atlas, await outage(owner, line)), NOW)

    found = await (await owner.execute("SELECT not_before FROM helpdesk.notice")).fetchone()
    assert found == (NOW.replace(hour=10, minute=30),)


async def test_the_approver_sees_the_words_in_each_language_spoken(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    _, one = await customer_with_line(owner, phone="+447700900001")
    _, other = await customer_with_line(owner, "Jonas Weber", "+447700900002", language="de")
    action = await due_for(atlas, await outage(owner, one, other))

    async with atlas.transaction(executor("test")) as conn:
        samples = await action.preview(conn, NOW)

    assert sorted(words[:18] for words in samples) == ["We have taken £5.0", "Wir ziehen £5.00 v"]


async def test_an_order_for_whom_the_outage_never_held_shows_no_words_and_gives_nothing(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    _, held = await customer_with_line(owner, phone="+447700900001")
    _, whole = await customer_with_line(owner, "Jonas Weber", "+447700900002")
    incident, elsewhere = await outage(owner, held), await outage(owner, whole)
    forged = replace(await due_for(atlas, elsewhere), cause=incident)

    async with atlas.transaction(executor("test")) as conn:
        samples = await forged.preview(conn, NOW)
    outcome = await carried.out(atlas, forged, NOW)

    assert (samples, outcome["credits"], outcome["told"]) == ((), 0, 0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_credit_for_days_has_words_in_every_language(language: str) -> None:
    words = worded("credit_days", language, {"amount": "£6.00", "day": "02/03/2026"})

    assert "£6.00" in words
    assert "02/03/2026" in words
