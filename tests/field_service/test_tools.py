from datetime import timedelta

import pytest

from atlas.connection import Atlas
from atlas.field_service.rules import VisitNotNeeded
from atlas.identity import CustomerId, StaffId
from atlas.principal import NotPermittedHere, customer, staff, stranger
from forge.actions.field_service import BookVisit, CancelVisit, DispatchCrew
from tests import carried
from tests.asking import asking
from tests.field_service.test_actions import home
from tests.field_service.vans import engineer
from tests.given import NOW, Owner
from tests.helpdesk.outage import outage
from tools import field_service

NOON = NOW + timedelta(hours=3)
FRANK = staff(StaffId(1), "Frank", frozenset())


async def test_a_customer_is_offered_the_windows_in_which_somebody_could_come(atlas: Atlas, owner: Owner) -> None:
    maya, _ = await home(owner)
    await engineer(owner, "Wendy Hughes", "fibre")

    async with asking(atlas, customer(maya)) as (turn, _proposed):
        slots = await field_service.free_visit_slots(turn)

    assert [slot.window_from for slot in slots] == [NOON, NOON + timedelta(hours=2)]


async def test_nobody_is_offered_a_visit_under_an_open_area_fault(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)

    async with asking(atlas, customer(CustomerId(now.plant.customers[0]))) as (turn, _):
        with pytest.raises(VisitNotNeeded):
            await field_service.free_visit_slots(turn)


async def test_a_visit_is_proposed_for_the_one_who_asks(atlas: Atlas, owner: Owner) -> None:
    maya, line = await home(owner)

    async with asking(atlas, customer(maya)) as (turn, proposed):
        await field_service.book_visit(turn, NOON)

    assert proposed == [BookVisit(maya, line, NOON)]


async def test_a_customer_sees_their_own_visits_only(atlas: Atlas, owner: Owner) -> None:
    (maya, hers), (tom, _) = await home(owner), await home(owner, "Tom Okafor", "+447700900002")
    await engineer(owner, "Wendy Hughes", "fibre")
    await carried.out(atlas, BookVisit(maya, hers, NOON), NOW)

    async with asking(atlas, customer(maya)) as (turn, _):
        mine = await field_service.my_visits(turn)
    async with asking(atlas, customer(tom)) as (turn, _):
        his = await field_service.my_visits(turn)

    assert ([visit.window_from for visit in mine], his) == ([NOON], [])


async def test_a_visit_is_called_off_in_the_name_of_the_one_who_asks(atlas: Atlas, owner: Owner) -> None:
    maya, line = await home(owner)
    await engineer(owner, "Wendy Hughes", "fibre")
    booked = await carried.out(atlas, BookVisit(maya, line, NOON), NOW)

    async with asking(atlas, customer(maya)) as (turn, proposed):
        await field_service.cancel_visit(turn, booked["job"])

    assert proposed == [CancelVisit(maya, booked["job"])]


async def test_a_stranger_has_no_visits(atlas: Atlas) -> None:
    async with asking(atlas, stranger()) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await field_service.my_visits(turn)


async def test_staff_see_the_jobs_that_are_not_over(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await engineer(owner, "Ben Archer", "splice")
    async with asking(atlas, FRANK) as (turn, proposed):
        await field_service.send_crew(turn, now.incident_id)
    await carried.out(atlas, proposed[0], NOW)

    async with asking(atlas, FRANK) as (turn, _):
        (job,) = await field_service.open_jobs(turn)

    assert (job.engineer, job.incident_id, isinstance(proposed[0], DispatchCrew)) == ("Ben Archer", now.incident_id, True)


async def test_a_customer_may_not_send_a_crew(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)

    async with asking(atlas, customer(CustomerId(now.plant.customers[0]))) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await field_service.send_crew(turn, now.incident_id)
