from datetime import time, timedelta

import pytest

from atlas.connection import Atlas
from atlas.helpdesk import reads
from atlas.helpdesk.rules import AudienceGrew, NobodyToTell
from atlas.principal import executor
from forge.actions.helpdesk.saying import NotifyOutage, NotifyRestored
from forge.actions.itsm.incidents import ResolveIncident
from tests import carried, given
from tests.given import NOW, Owner
from tests.helpdesk.outage import Outage, cut, half_back, notices, outage

LATER = NOW + timedelta(minutes=20)


async def due(atlas: Atlas, now: Outage) -> NotifyOutage:
    async with atlas.transaction(executor("tests")) as conn:
        return await NotifyOutage.due_for(conn, now.incident_id, NOW)


async def restored_due(atlas: Atlas, now: Outage) -> NotifyRestored:
    async with atlas.transaction(executor("tests")) as conn:
        return await NotifyRestored.due_for(conn, now.incident_id, LATER)


async def test_everybody_without_service_is_told_once(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)

    await carried.out(atlas, await due(atlas, now), NOW)

    assert [told.customer_id for told in await notices(atlas, "outage")] == sorted(now.plant.customers)


async def test_the_exact_words_are_kept_in_the_language_of_each(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await owner.execute("UPDATE crm.customer SET language = 'es' WHERE id = %s", (now.plant.customers[0],))

    await carried.out(atlas, await due(atlas, now), NOW)

    spanish, english, *_ = await notices(atlas, "outage")
    assert (spanish.language, english.language) == ("es", "en")
    assert "Harbour" in spanish.words
    assert spanish.words != english.words


async def test_a_customer_with_two_lost_lines_is_told_once(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await owner.execute("UPDATE crm.subscriber SET customer_id = %s", (now.plant.customers[0],))

    assert (await due(atlas, now)).customers == 1


async def test_nobody_is_told_twice_of_one_incident(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await carried.out(atlas, await due(atlas, now), NOW)

    assert (await due(atlas, now)).customers == 0


async def test_nobody_is_told_again_when_two_incidents_turn_out_to_be_one(atlas: Atlas, owner: Owner) -> None:
    first = await outage(atlas, owner)
    await carried.out(atlas, await due(atlas, first), NOW)
    await carried.out(atlas, ResolveIncident(first.incident_id), LATER)

    second = await carried.out(atlas, cut(first.plant, first_alarm_at=LATER), LATER)

    assert (await due(atlas, Outage(second["incident_id"], first.plant))).customers == 0


async def test_whoever_opted_out_of_service_messages_is_not_told(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await given.row(
        owner, "crm.consent", customer_id=now.plant.customers[0], purpose="service", channel="sms", is_given=False, source="a test"
    )

    assert (await due(atlas, now)).customers == 3


async def test_whoever_opted_out_of_the_channel_they_prefer_is_told_by_the_next(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    first = now.plant.customers[0]
    await given.row(owner, "crm.contact", customer_id=first, channel="email", address="maya@example.com")
    await given.row(owner, "crm.consent", customer_id=first, purpose="service", channel="sms", is_given=False, source="a test")

    await carried.out(atlas, await due(atlas, now), NOW)

    told = await (await owner.execute("SELECT channel, address FROM helpdesk.notice WHERE customer_id = %s", (first,))).fetchall()
    assert told == [("email", "maya@example.com")]


async def test_whoever_opted_out_on_another_channel_is_told(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await given.row(
        owner, "crm.consent", customer_id=now.plant.customers[0], purpose="service", channel="email", is_given=False, source="a test"
    )

    assert (await due(atlas, now)).customers == 4


async def test_whoever_was_suspended_for_non_payment_is_not_told_to_wait(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await owner.execute(
        "UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'non_payment' WHERE customer_id = %s", (now.plant.customers[0],)
    )

    assert (await due(atlas, now)).customers == 3


async def test_whoever_is_back_before_the_notice_goes_out_is_not_told(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await carried.out(atlas, half_back(now), LATER)

    assert (await due(atlas, now)).customers == 2


async def test_a_degradation_tells_nobody_of_an_outage(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner, is_outage=False, cause="degradation")

    assert (await due(atlas, now)).customers == 0


async def test_an_incident_of_unknown_cause_is_not_confirmed(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner, cause="unknown")

    assert not (await due(atlas, now)).facts().incident_confirmed


async def test_confidence_is_rounded_down_for_governance(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner, confidence=0.799)

    assert (await due(atlas, now)).facts().confidence == 0.7


async def test_more_people_than_were_judged_are_never_told(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    judged = await due(atlas, now)
    too_few = NotifyOutage(now.incident_id, 3, judged.told_before, judged.confidence, judged.is_confirmed)

    with pytest.raises(AudienceGrew):
        await carried.out(atlas, too_few, NOW)


async def test_a_grown_audience_is_counted_anew(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    asked = await due(atlas, now)
    newcomer = await given.customer(owner, "Late Comer", "+447700900999")
    line = await given.subscriber(owner, newcomer, now.plant.splitters[0])
    action_id = await given.action(owner)
    await owner.execute(
        "INSERT INTO itsm.incident_subscriber (incident_id, subscriber_id, lost_at, action_id) VALUES (%s, %s, %s, %s)",
        (now.incident_id, line, NOW, action_id),
    )

    async with atlas.transaction(executor("tests")) as conn:
        again = await asked.refreshed(conn, NOW)

    assert (again.customers, again.operation_key == asked.operation_key) == (5, False)


async def test_telling_nobody_is_an_error_and_not_a_success(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    asked = await due(atlas, now)
    await carried.out(atlas, asked, NOW)

    with pytest.raises(NobodyToTell):
        await carried.out(atlas, asked, NOW)


async def test_a_voice_call_waits_for_the_end_of_quiet_hours(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await owner.execute(
        "UPDATE crm.contact SET channel = 'voice', quiet_from = %s, quiet_until = %s WHERE customer_id = %s",
        (time(8), time(10), now.plant.customers[0]),
    )

    outcome = await carried.out(atlas, await due(atlas, now), NOW)

    assert (outcome["channels"], outcome["after_quiet_hours"]) == ({"sms": 3, "voice": 1}, 1)


async def test_an_approver_sees_the_words_in_every_language_spoken_there(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await owner.execute("UPDATE crm.customer SET language = 'de' WHERE id = %s", (now.plant.customers[0],))

    async with atlas.transaction(executor("tests")) as conn:
        english, german = await (await NotifyOutage.due_for(conn, now.incident_id, NOW)).preview(conn, NOW)

    assert ("Harbour" in english, "Harbour" in german, english == german) == (True, True, False)


async def test_restoration_is_told_only_to_those_who_are_back(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await carried.out(atlas, await due(atlas, now), NOW)
    await carried.out(atlas, half_back(now), LATER)

    await carried.out(atlas, await restored_due(atlas, now), LATER)

    assert [told.customer_id for told in await notices(atlas, "restored")] == sorted(now.plant.customers[:2])


async def test_whoever_comes_back_later_is_told_later_and_nobody_twice(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await carried.out(atlas, await due(atlas, now), NOW)
    await carried.out(atlas, half_back(now), LATER)
    await carried.out(atlas, await restored_due(atlas, now), LATER)
    await carried.out(atlas, ResolveIncident(now.incident_id), LATER)

    await carried.out(atlas, await restored_due(atlas, now), LATER)

    assert [told.customer_id for told in await notices(atlas, "restored")] == sorted(now.plant.customers)


async def test_whoever_was_not_told_of_the_outage_does_not_hear_of_its_end(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await carried.out(atlas, ResolveIncident(now.incident_id), LATER)

    assert (await restored_due(atlas, now)).customers == 0


async def test_whoever_is_still_down_in_another_incident_is_not_told_that_it_is_over(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await carried.out(atlas, await due(atlas, now), NOW)
    await carried.out(atlas, ResolveIncident(now.incident_id), LATER)
    await carried.out(atlas, cut(now.plant, first_alarm_at=LATER), LATER)

    assert (await restored_due(atlas, now)).customers == 0


async def test_what_an_outage_notice_promises_is_overdue_until_there_is_news(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await carried.out(atlas, await due(atlas, now), NOW)

    async with atlas.transaction(executor("tests")) as conn:
        overdue = await reads.overdue_promises(conn, NOW + timedelta(hours=3))

    assert [promise.customer_id for promise in overdue] == sorted(now.plant.customers)


async def test_the_news_that_it_is_over_keeps_that_promise(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await carried.out(atlas, await due(atlas, now), NOW)
    await carried.out(atlas, half_back(now), LATER)
    await carried.out(atlas, await restored_due(atlas, now), LATER)

    async with atlas.transaction(executor("tests")) as conn:
        overdue = await reads.overdue_promises(conn, NOW + timedelta(hours=3))

    assert [promise.customer_id for promise in overdue] == sorted(now.plant.customers[2:])
