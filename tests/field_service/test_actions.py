import asyncio
from datetime import timedelta

import pytest

from atlas.connection import Atlas
from atlas.field_service import reads
from atlas.field_service.records import Job
from atlas.field_service.rules import NoLineToVisit, NoSuchSlot, ReadingMissing, VisitAlreadyBooked, VisitNotNeeded
from atlas.identity import CustomerId, JobId, SubscriberId
from atlas.itsm.reads import timeline
from atlas.principal import executor
from forge.actions.field_service import BookVisit, CancelVisit, CompleteJob, DispatchCrew
from tests import carried, given
from tests.field_service.vans import engineer
from tests.given import NOW, Owner
from tests.helpdesk.outage import Outage, outage

NOON = NOW + timedelta(hours=3)


async def due(atlas: Atlas, now: Outage) -> DispatchCrew:
    async with atlas.transaction(executor("tests")) as conn:
        return await DispatchCrew.due_for(conn, now.incident_id, NOW)


async def jobs(atlas: Atlas) -> list[Job]:
    async with atlas.transaction(executor("tests")) as conn:
        return await reads.open_jobs(conn)


async def home(owner: Owner, name: str = "Maya Patel", phone: str = "+447700900001") -> tuple[CustomerId, SubscriberId]:
    """A customer with one line, in Harbour."""
    made = await given.customer(owner, name, phone)
    return CustomerId(made), SubscriberId(await given.subscriber(owner, made, await given.device(owner, f"olt of {name}")))


async def test_a_crew_with_the_skill_is_sent_to_the_root(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await engineer(owner, "Wendy Hughes", "fibre")
    await engineer(owner, "Ben Archer", "fibre", "splice")

    outcome = await carried.out(atlas, await due(atlas, now), NOW)

    assert (outcome["engineer"], outcome["skill"], outcome["place"]) == ("Ben Archer", "splice", "olt-1")


async def test_one_crew_is_on_its_way_to_an_incident_at_a_time(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await engineer(owner, "Ben Archer", "splice")
    await carried.out(atlas, await due(atlas, now), NOW)

    assert (await due(atlas, now)).crews == 0


async def test_a_crew_that_is_asked_for_twice_at_once_is_sent_once(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await engineer(owner, "Ben Archer", "splice")
    action = await due(atlas, now)

    await carried.out(atlas, action, NOW)
    outcome = await carried.out(atlas, action, NOW)

    assert (outcome["job"], len(await jobs(atlas))) == (None, 1)


async def test_with_nobody_on_shift_the_job_waits_for_a_dispatcher(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)

    await carried.out(atlas, await due(atlas, now), NOW)

    assert [job.engineer for job in await jobs(atlas)] == [None]


async def test_the_timeline_says_who_was_sent(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await engineer(owner, "Ben Archer", "splice")

    await carried.out(atlas, await due(atlas, now), NOW)

    async with atlas.transaction(executor("tests")) as conn:
        last = (await timeline(conn, now.incident_id))[-1]
    assert (last.kind, last.detail["engineer"]) == ("crew_sent", "Ben Archer")


async def test_a_crew_goes_only_to_an_incident_that_is_confirmed_and_sure_enough(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner, cause="unknown", confidence=0.55)

    facts = (await due(atlas, now)).facts()

    assert (facts.crews, facts.incident_confirmed, facts.confidence) == (1, False, 0.5)


async def test_a_lost_drop_sends_somebody_to_the_home(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner, cause="drop", root=None)

    async with atlas.transaction(executor("tests")) as conn:
        place = await reads.fault_place(conn, now.incident_id)

    assert (place.latitude, place.root_device_id, place.label.endswith("Quay Street")) == (50.7, None, True)


async def test_a_visit_is_booked_with_the_nearest_who_is_free(atlas: Atlas, owner: Owner) -> None:
    maya, line = await home(owner)
    await engineer(owner, "Wendy Hughes", "fibre")

    outcome = await carried.out(atlas, BookVisit(maya, line, NOON), NOW)

    assert (outcome["engineer"], outcome["from"]) == ("Wendy Hughes", NOON.isoformat())


async def test_two_customers_cannot_have_one_engineer_in_one_window(atlas: Atlas, owner: Owner) -> None:
    (maya, hers), (tom, his) = await home(owner), await home(owner, "Tom Okafor", "+447700900002")
    await engineer(owner, "Wendy Hughes", "fibre")

    answers = await asyncio.gather(
        carried.out(atlas, BookVisit(maya, hers, NOON), NOW),
        carried.out(atlas, BookVisit(tom, his, NOON), NOW),
        return_exceptions=True,
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["NoSuchSlot", "dict"]


async def test_no_visit_is_booked_under_an_open_area_fault(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await engineer(owner, "Wendy Hughes", "fibre")
    customer, line = now.plant.customers[0], now.plant.lines[now.plant.splitters[0]][0]

    with pytest.raises(VisitNotNeeded):
        await carried.out(atlas, BookVisit(CustomerId(customer), SubscriberId(line), NOON), NOW)


async def test_staff_may_book_one_under_an_area_fault_with_a_reason(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await engineer(owner, "Wendy Hughes", "fibre")
    customer, line = now.plant.customers[0], now.plant.lines[now.plant.splitters[0]][0]

    await carried.out(
        atlas, BookVisit(CustomerId(customer), SubscriberId(line), NOON, because_of_incident="the drop hangs in the road"), NOW
    )

    assert [job.instructions for job in await jobs(atlas)] == ["the drop hangs in the road"]


async def test_a_customer_has_one_visit_ahead(atlas: Atlas, owner: Owner) -> None:
    maya, line = await home(owner)
    await engineer(owner, "Wendy Hughes", "fibre")
    await carried.out(atlas, BookVisit(maya, line, NOON), NOW)

    with pytest.raises(VisitAlreadyBooked):
        await carried.out(atlas, BookVisit(maya, line, NOON + timedelta(hours=2)), NOW)


async def test_a_visit_to_somebody_elses_line_is_refused(atlas: Atlas, owner: Owner) -> None:
    (maya, _), (_, his) = await home(owner), await home(owner, "Tom Okafor", "+447700900002")
    await engineer(owner, "Wendy Hughes", "fibre")

    with pytest.raises(NoLineToVisit):
        await carried.out(atlas, BookVisit(maya, his, NOON), NOW)


async def test_an_engineer_without_the_skill_is_not_sent(atlas: Atlas, owner: Owner) -> None:
    maya, line = await home(owner)
    await engineer(owner, "Pavel Novak", "wireless")

    with pytest.raises(NoSuchSlot):
        await carried.out(atlas, BookVisit(maya, line, NOON), NOW)


async def test_a_cancelled_visit_frees_its_window(atlas: Atlas, owner: Owner) -> None:
    maya, line = await home(owner)
    await engineer(owner, "Wendy Hughes", "fibre")
    booked = await carried.out(atlas, BookVisit(maya, line, NOON), NOW)

    await carried.out(atlas, CancelVisit(maya, JobId(booked["job"])), NOW)

    assert (await carried.out(atlas, BookVisit(maya, line, NOON), NOW))["from"] == NOON.isoformat()


async def test_a_window_booked_again_after_it_was_called_off_is_another_booking(atlas: Atlas, owner: Owner) -> None:
    maya, line = await home(owner)

    assert BookVisit(maya, line, NOON).operation_key != BookVisit(maya, line, NOON, visits_before=1).operation_key


async def test_a_completed_job_keeps_what_was_found_and_measured(atlas: Atlas, owner: Owner) -> None:
    maya, line = await home(owner)
    await engineer(owner, "Wendy Hughes", "fibre")
    booked = await carried.out(atlas, BookVisit(maya, line, NOON), NOW)

    await carried.out(atlas, CompleteJob(JobId(booked["job"]), "new connector.", -18.4), NOON)

    async with atlas.transaction(executor("tests")) as conn:
        (job,) = await reads.jobs_of_customer(conn, maya)
    assert (job.state, job.findings, job.completed_at) == ("completed", "new connector. Received power -18.4 dBm.", NOON)


async def test_a_fibre_repair_without_a_reading_stays_open(atlas: Atlas, owner: Owner) -> None:
    maya, line = await home(owner)
    await engineer(owner, "Wendy Hughes", "fibre")
    booked = await carried.out(atlas, BookVisit(maya, line, NOON), NOW)

    with pytest.raises(ReadingMissing):
        await carried.out(atlas, CompleteJob(JobId(booked["job"]), "new connector."), NOON)


async def test_a_crew_that_is_done_is_in_the_timeline(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await engineer(owner, "Ben Archer", "splice")
    sent = await carried.out(atlas, await due(atlas, now), NOW)

    await carried.out(atlas, CompleteJob(JobId(sent["job"]), "spliced 12 fibres"), NOON)

    async with atlas.transaction(executor("tests")) as conn:
        assert (await timeline(conn, now.incident_id))[-1].kind == "crew_done"
