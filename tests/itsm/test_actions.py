from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from atlas.connection import Atlas
from atlas.identity import AlarmId, DeviceId, IncidentId, SubscriberId
from atlas.itsm import reads
from atlas.itsm.records import Incident, IncidentEvent, IncidentState, Root, Ticket
from atlas.itsm.rules import AlarmAlreadyHeld, IncidentNeedsAlarm, IncidentNotOpen, IncidentStillOpen
from atlas.principal import executor
from forge.actions.itsm.incidents import CloseIncident, OpenIncident, OpenTickets, ResolveIncident, ReviseIncident
from tests import carried
from tests.given import NOW, Owner
from tests.itsm.plant import Plant, alarm, planted

LATER = NOW + timedelta(minutes=20)
HYPOTHESES = ({"element": {"kind": "device", "id": 1}, "cause": "device", "confidence": 0.9, "evidence": []},)


def cut(plant: Plant, **changes: Any) -> OpenIncident:
    """Everything behind the plant's OLT is gone."""
    fields: dict[str, Any] = {
        "cause": "device",
        "is_outage": True,
        "root": Root("device", plant.olt),
        "confidence": 0.9,
        "hypotheses": HYPOTHESES,
        "alarms": (AlarmId(plant.alarm),),
        "devices": tuple(DeviceId(d) for d in (plant.olt, *plant.splitters)),
        "lines": (),
        "first_alarm_at": NOW,
    }
    return OpenIncident(**{**fields, **changes})


def revised(plant: Plant, incident_id: IncidentId, version: int, devices: tuple[int, ...], alarms: tuple[int, ...] = ()) -> ReviseIncident:
    return ReviseIncident(
        incident_id,
        version,
        cause="feeder",
        is_outage=True,
        root=Root("device", plant.olt),
        confidence=0.8,
        hypotheses=HYPOTHESES,
        alarms=tuple(AlarmId(a) for a in alarms or (plant.alarm,)),
        devices=tuple(DeviceId(d) for d in devices),
        lines=(),
    )


async def opened(atlas: Atlas, action: OpenIncident) -> IncidentId:
    return IncidentId((await carried.out(atlas, action, NOW))["incident_id"])


async def seen(atlas: Atlas, incident_id: IncidentId) -> Incident:
    async with atlas.transaction(executor("tests")) as conn:
        return await reads.incident(conn, incident_id)


async def events(atlas: Atlas, incident_id: IncidentId) -> list[IncidentEvent]:
    async with atlas.transaction(executor("tests")) as conn:
        return await reads.timeline(conn, incident_id)


async def tickets(atlas: Atlas, incident_id: IncidentId) -> list[Ticket]:
    async with atlas.transaction(executor("tests")) as conn:
        return await reads.tickets_of_incident(conn, incident_id)


async def test_an_incident_holds_every_live_line_behind_its_devices(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)

    outcome = await carried.out(atlas, cut(plant), NOW)

    assert outcome["subscribers"] == 4


async def test_a_line_that_is_not_live_is_not_counted_as_lost(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    await owner.execute(
        "UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'non_payment' WHERE id = %s", (plant.lines[plant.splitters[0]][0],)
    )

    outcome = await carried.out(atlas, cut(plant), NOW)

    assert outcome["subscribers"] == 3


async def test_passive_plant_is_cut_but_not_counted_as_devices(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)

    outcome = await carried.out(atlas, cut(plant), NOW)

    assert outcome["devices"] == 1


async def test_a_lost_drop_is_an_incident_of_one_line(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    line = SubscriberId(plant.lines[plant.splitters[0]][0])

    incident_id = await opened(atlas, cut(plant, cause="drop", root=Root("subscriber", line), devices=(), lines=(line,)))

    assert (await seen(atlas, incident_id)).subscribers == 1


async def test_an_incident_says_what_is_at_stake(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    await owner.execute("UPDATE crm.customer SET is_vulnerable = true WHERE id = %s", (plant.customers[0],))

    found = await seen(atlas, await opened(atlas, cut(plant)))

    assert (found.customers, found.vulnerable, str(found.revenue_at_risk), found.areas) == (4, 1, "120.00", ("Harbour", "Old Town"))


async def test_the_timeline_begins_with_what_was_lost(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)

    first = (await events(atlas, await opened(atlas, cut(plant))))[0]

    assert (first.kind, first.detail["subscribers"]) == ("opened", 4)


async def test_an_incident_without_an_alarm_is_refused(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)

    with pytest.raises(IncidentNeedsAlarm):
        await carried.out(atlas, cut(plant, alarms=()), NOW)


async def test_an_alarm_belongs_to_at_most_one_open_incident(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    await opened(atlas, cut(plant))

    with pytest.raises(AlarmAlreadyHeld):
        await carried.out(atlas, cut(plant), LATER)


async def test_only_the_lines_behind_the_port_that_returned_are_restored(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    incident_id = await opened(atlas, cut(plant))

    await carried.out(atlas, revised(plant, incident_id, 1, (plant.splitters[1],)), LATER)

    async with atlas.transaction(executor("tests")) as conn:
        lines = await reads.lost_lines(conn, incident_id)
    assert {line.subscriber_id for line in lines if line.restored_at} == set(plant.lines[plant.splitters[0]])


async def test_an_incident_that_shrank_stays_open(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    incident_id = await opened(atlas, cut(plant))

    await carried.out(atlas, revised(plant, incident_id, 1, (plant.splitters[1],)), LATER)

    found = await seen(atlas, incident_id)
    assert (found.state, found.subscribers, found.subscribers_out) == (IncidentState.IN_PROGRESS, 4, 2)


async def test_whoever_joins_later_was_lost_later(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    incident_id = await opened(atlas, cut(plant, devices=(DeviceId(plant.splitters[0]),)))

    await carried.out(atlas, revised(plant, incident_id, 1, plant.splitters), LATER)

    async with atlas.transaction(executor("tests")) as conn:
        lines = await reads.lost_lines(conn, incident_id)
    assert {line.subscriber_id for line in lines if line.lost_at == LATER} == set(plant.lines[plant.splitters[1]])


async def test_a_line_that_comes_back_and_goes_again_is_lost_once(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    incident_id = await opened(atlas, cut(plant))
    await carried.out(atlas, revised(plant, incident_id, 1, (plant.splitters[1],)), LATER)

    await carried.out(atlas, revised(plant, incident_id, 2, plant.splitters), LATER)

    found = await seen(atlas, incident_id)
    assert (found.subscribers, found.subscribers_out) == (4, 4)


async def test_a_revision_made_from_an_older_picture_changes_nothing(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    incident_id = await opened(atlas, cut(plant))
    await carried.out(atlas, revised(plant, incident_id, 1, plant.splitters), LATER)

    with pytest.raises(IncidentNotOpen):
        await carried.out(atlas, revised(plant, incident_id, 1, ()), LATER)


async def test_alarms_leave_and_join_as_the_picture_changes(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    incident_id = await opened(atlas, cut(plant))
    newcomer = await alarm(owner, plant.splitters[0], "unreachable")

    await carried.out(atlas, revised(plant, incident_id, 1, plant.splitters, (newcomer,)), LATER)

    found = await seen(atlas, incident_id)
    assert (found.alarms, found.alarms_open) == (2, 1)


async def test_a_standing_incident_tells_what_it_still_holds(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    await opened(atlas, cut(plant, devices=(DeviceId(plant.splitters[1]),)))

    async with atlas.transaction(executor("tests")) as conn:
        (standing,) = await reads.open_incidents(conn)
        (held,) = await reads.held_incidents(conn, [standing.incident_id])

    assert (standing.alarms, held.devices, held.version) == ((plant.alarm,), {plant.splitters[1]}, 1)


async def test_one_parent_ticket_has_a_child_for_each_area(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    incident_id = await opened(atlas, cut(plant))

    await carried.out(atlas, OpenTickets(incident_id), NOW)

    assert [ticket.area for ticket in await tickets(atlas, incident_id)] == [None, "Harbour", "Old Town"]


async def test_tickets_asked_for_twice_are_opened_once(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    incident_id = await opened(atlas, cut(plant))
    await carried.out(atlas, OpenTickets(incident_id), NOW)

    outcome = await carried.out(atlas, OpenTickets(incident_id), LATER)

    assert outcome["children"] == 0


async def test_an_area_that_is_drawn_in_later_gets_its_child_ticket(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    incident_id = await opened(atlas, cut(plant, devices=(DeviceId(plant.splitters[0]),)))
    await carried.out(atlas, OpenTickets(incident_id), NOW)

    await carried.out(atlas, revised(plant, incident_id, 1, plant.splitters), LATER)

    assert [ticket.area for ticket in await tickets(atlas, incident_id)] == [None, "Harbour", "Old Town"]


async def test_resolving_the_incident_restores_everybody_and_resolves_its_tickets(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    incident_id = await opened(atlas, cut(plant))
    await carried.out(atlas, OpenTickets(incident_id), NOW)

    await carried.out(atlas, ResolveIncident(incident_id), LATER)

    found = await seen(atlas, incident_id)
    assert (found.subscribers_out, {ticket.state for ticket in await tickets(atlas, incident_id)}) == (0, {"resolved"})


async def test_a_child_ticket_on_hold_stays_open_when_its_parent_is_resolved(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    incident_id = await opened(atlas, cut(plant))
    await carried.out(atlas, OpenTickets(incident_id), NOW)
    await owner.execute("UPDATE itsm.ticket SET state = 'held' WHERE area_id = %s", (plant.areas[0],))

    await carried.out(atlas, ResolveIncident(incident_id), LATER)

    assert sorted(ticket.state for ticket in await tickets(atlas, incident_id)) == ["held", "resolved", "resolved"]


async def test_an_incident_with_a_ticket_on_hold_is_not_closed(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    incident_id = await opened(atlas, cut(plant))
    await carried.out(atlas, OpenTickets(incident_id), NOW)
    await owner.execute("UPDATE itsm.ticket SET state = 'held' WHERE area_id = %s", (plant.areas[0],))
    await carried.out(atlas, ResolveIncident(incident_id), LATER)

    with pytest.raises(IncidentStillOpen):
        await carried.out(atlas, CloseIncident(incident_id), LATER)


async def test_an_incident_that_is_not_resolved_is_not_closed(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    incident_id = await opened(atlas, cut(plant))

    with pytest.raises(IncidentStillOpen):
        await carried.out(atlas, CloseIncident(incident_id), LATER)


async def test_a_resolved_incident_closes_with_its_tickets(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    incident_id = await opened(atlas, cut(plant))
    await carried.out(atlas, OpenTickets(incident_id), NOW)
    await carried.out(atlas, ResolveIncident(incident_id), LATER)

    await carried.out(atlas, CloseIncident(incident_id), LATER)

    assert {ticket.state for ticket in await tickets(atlas, incident_id)} == {"closed"}


async def test_the_same_alarms_a_month_later_are_another_incident(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)

    tonight, later = cut(plant), cut(plant, first_alarm_at=NOW + timedelta(days=30))

    assert tonight.operation_key != later.operation_key


async def test_an_incident_shares_the_thread_of_the_action_that_opened_it(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    thread = UUID(int=7)

    outcome = await carried.out(atlas, cut(plant), NOW, thread)

    assert (await seen(atlas, outcome["incident_id"])).correlation_id == thread


async def test_an_olt_that_is_gone_takes_with_it_every_line_it_speaks_for(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    await owner.execute("UPDATE cmdb.access SET reported_by_device_id = %s", (plant.olt,))

    outcome = await carried.out(atlas, cut(plant, devices=(DeviceId(plant.olt),)), NOW)

    assert outcome["subscribers"] == 4
