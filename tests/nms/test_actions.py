from datetime import timedelta

import pytest

from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.identity import AlarmId, DeviceId
from atlas.nms.reads import open_windows, standing_alarms
from atlas.principal import executor
from forge.actions.nms import AcknowledgeAlarm, RunDiagnostics, SetMaintenanceWindow
from governance.facts import DeviceTier
from tests import carried, given
from tests.given import NOW, Owner
from tests.helpdesk.outage import Outage, outage

LATER = NOW + timedelta(hours=2)


async def due(atlas: Atlas, now: Outage) -> RunDiagnostics:
    async with atlas.transaction(executor("tests")) as conn:
        return await RunDiagnostics.due_for(conn, now.incident_id, NOW)


async def test_diagnostics_ask_every_lost_device_that_can_answer(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)

    assert (await due(atlas, now)).devices == (now.plant.olt,)


async def test_diagnostics_leave_one_errand_for_each_device(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)

    await carried.out(atlas, await due(atlas, now), NOW)

    found = await (await owner.execute("SELECT port, arguments ->> 'device' FROM actions.errand")).fetchall()
    assert found == [("prober", "olt-1")]


async def test_a_device_is_asked_once_in_an_incident(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await carried.out(atlas, await due(atlas, now), NOW)

    assert (await due(atlas, now)).devices == ()


async def test_diagnostics_are_judged_by_the_highest_device_they_touch(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)

    assert (await due(atlas, now)).facts().device_tier is DeviceTier.ACCESS


async def test_an_acknowledged_alarm_still_stands(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)

    await carried.out(atlas, AcknowledgeAlarm((AlarmId(now.plant.alarm),)), NOW)

    found = await (await owner.execute("SELECT is_open, acknowledged_by_action_id IS NOT NULL FROM nms.alarm")).fetchone()
    assert found == (True, True)


async def test_an_alarm_is_acknowledged_once(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await carried.out(atlas, AcknowledgeAlarm((AlarmId(now.plant.alarm),)), NOW)

    assert await carried.out(atlas, AcknowledgeAlarm((AlarmId(now.plant.alarm),)), NOW) == {"alarms": 0}


async def test_a_maintenance_window_is_kept_for_each_device(atlas: Atlas, owner: Owner) -> None:
    devices = [DeviceId(await given.device(owner, name)) for name in ("olt-1", "olt-2")]
    async with atlas.transaction(executor("tests")) as conn:
        action = await SetMaintenanceWindow.on(conn, devices, NOW, LATER, "new firmware")

    assert await carried.out(atlas, action, NOW) == {"devices": 2}


async def test_an_alarm_within_a_window_is_kept_and_marked(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    device = await (await owner.execute("SELECT device_id, raised_at FROM nms.alarm WHERE id = %s", (now.plant.alarm,))).fetchone()
    assert device is not None
    begins = device[1] - timedelta(minutes=1)
    async with atlas.transaction(executor("tests")) as conn:
        action = await SetMaintenanceWindow.on(conn, [DeviceId(device[0])], begins, begins + timedelta(days=3650), "new firmware")
    await carried.out(atlas, action, NOW)

    async with atlas.transaction(executor("tests")) as conn:
        marked = {alarm.alarm_id: alarm.is_in_maintenance for alarm in await standing_alarms(conn)}
        windows = await open_windows(conn)

    assert marked[now.plant.alarm]
    assert [(one.device_id, one.reason) for one in windows] == [(device[0], "new firmware")]


async def test_a_window_in_the_core_is_judged_as_core(atlas: Atlas, owner: Owner) -> None:
    devices = [DeviceId(await given.device(owner, "olt-1")), DeviceId(await given.device(owner, "core-1", "core"))]

    async with atlas.transaction(executor("tests")) as conn:
        action = await SetMaintenanceWindow.on(conn, devices, NOW, LATER, "new firmware")

    assert action.facts().device_tier is DeviceTier.CORE


async def test_a_window_that_ends_before_it_starts_is_refused(atlas: Atlas, owner: Owner) -> None:
    devices = [DeviceId(await given.device(owner, "olt-1"))]

    async with atlas.transaction(executor("tests")) as conn:
        with pytest.raises(InvalidField):
            await SetMaintenanceWindow.on(conn, devices, LATER, NOW, "new firmware")
