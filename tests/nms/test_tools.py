from datetime import timedelta

import pytest

from atlas.connection import Atlas
from atlas.identity import CustomerId, StaffId
from atlas.principal import NotPermittedHere, Principal, customer, staff, stranger
from forge.actions.nms import RunDiagnostics
from tests import given
from tests.asking import asking
from tests.given import NOW, Owner
from tests.helpdesk.outage import outage
from tools import nms

ASHA = staff(StaffId(1), "Asha", frozenset())


async def maya(owner: Owner, **line: object) -> Principal:
    """A customer whose line is online."""
    made = await given.customer(owner)
    subscriber = await given.subscriber(owner, made, await given.device(owner, "olt-9"), **line)
    await given.row(
        owner, "cmdb.session", subscriber_id=subscriber, username=f"u{subscriber}", nas_device_id=1, started_at=NOW - timedelta(days=1)
    )
    return customer(CustomerId(made))


async def test_a_line_with_nothing_wrong_points_at_the_home(atlas: Atlas, owner: Owner) -> None:
    asker = await maya(owner)

    async with asking(atlas, asker) as (turn, _):
        (verdict,) = await nms.what_is_wrong_with_my_line(turn)

    assert verdict.cause == "home_network"


async def test_a_customer_behind_a_cut_is_told_of_the_area_fault_and_no_further(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)

    async with asking(atlas, customer(CustomerId(now.plant.customers[0]))) as (turn, _):
        (verdict,) = await nms.what_is_wrong_with_my_line(turn)

    assert (verdict.cause, verdict.incident_id, verdict.since) == ("area_fault", now.incident_id, NOW)


async def test_a_suspended_customer_is_told_why(atlas: Atlas, owner: Owner) -> None:
    asker = await maya(owner, state="suspended", suspended_for="non_payment")

    async with asking(atlas, asker) as (turn, _):
        (verdict,) = await nms.what_is_wrong_with_my_line(turn)

    assert (verdict.cause, verdict.next_step) == ("suspended_for_non_payment", "pay")


async def test_a_stranger_has_no_line_to_check(atlas: Atlas) -> None:
    async with asking(atlas, stranger()) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await nms.what_is_wrong_with_my_line(turn)


async def test_alarms_are_for_staff(atlas: Atlas, owner: Owner) -> None:
    asker = await maya(owner)

    async with asking(atlas, asker) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await nms.open_alarms(turn)


async def test_an_open_alarm_is_shown_with_its_device_and_its_incident(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)

    async with asking(atlas, ASHA) as (turn, _):
        (alarm,) = await nms.open_alarms(turn)

    assert (alarm.device, alarm.incident_id, alarm.is_open) == ("olt-1", now.incident_id, True)


async def test_alarms_of_another_device_are_left_out(atlas: Atlas, owner: Owner) -> None:
    await outage(atlas, owner)

    async with asking(atlas, ASHA) as (turn, _):
        assert await nms.open_alarms(turn, "olt-2") == []


async def test_diagnostics_are_proposed_and_not_run(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)

    async with asking(atlas, ASHA) as (turn, proposed):
        await nms.run_diagnostics(turn, now.incident_id)

    assert [type(action) for action in proposed] == [RunDiagnostics]
