"""Planned work: what is worked on is nobody's outage while its window lasts, and nothing else is excused by it."""

from datetime import timedelta

import pytest

from atlas.identity import DeviceId
from atlas.nms.records import MaintenanceWindow, ProbableCause
from cortex.findings import CauseClass, Finding
from cortex.pictures import Picture
from cortex.topology import Topology
from cortex.watch import NewIncident, changes_in
from tests.cortex.plants import AT, Alarms
from tests.cortex.test_correlate import FEED, OLTS, _behind, _cut_of, _plant

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def plant() -> Topology:
    return _plant()


def window(device: int, starts: timedelta = -HOUR / 2, ends: timedelta = HOUR) -> MaintenanceWindow:
    return MaintenanceWindow(DeviceId(device), AT + starts, AT + ends, "new firmware")


def found(plant: Topology, told: Alarms, *windows: MaintenanceWindow) -> dict[CauseClass, Finding]:
    picture = Picture(AT + HOUR / 12, plant, tuple(told.told), (), windows=windows)
    return {change.finding.cause: change.finding for change in changes_in(picture) if isinstance(change, NewIncident)}


def test_a_device_worked_on_and_all_that_hangs_from_it_is_planned_and_no_outage(plant: Topology) -> None:
    (finding,) = found(plant, _cut_of(100), window(100)).values()

    assert finding.cause is CauseClass.PLANNED
    assert not finding.is_outage
    assert finding.alarms == tuple(range(1, 8))
    assert set(finding.blast.devices) == set(_behind(100))


def test_storm_during_maintenance_includes_an_unrelated_failure_and_that_one_still_alerts(plant: Topology) -> None:
    told = _cut_of(100).down(12, FEED[120]).lost(*_behind(120)).say(1302, ProbableCause.TEMPERATURE)

    causes = found(plant, told, window(100))

    assert set(causes) == {CauseClass.PLANNED, CauseClass.FEEDER}
    assert causes[CauseClass.FEEDER].is_outage
    assert set(causes[CauseClass.FEEDER].blast.devices) == set(_behind(120))


def test_what_fails_behind_a_device_that_is_worked_on_and_well_still_alerts(plant: Topology) -> None:
    """The window is for the switch, which answers; the feed of one OLT behind it is cut."""
    (finding,) = found(plant, Alarms().down(110, FEED[1101]).lost(1101), window(11)).values()

    assert finding.is_outage


def test_a_failure_above_the_device_that_is_worked_on_still_alerts(plant: Topology) -> None:
    (finding,) = found(plant, _cut_of(100), window(OLTS[100][0])).values()

    assert finding.is_outage


def test_what_failed_before_the_work_began_is_no_planned_work(plant: Topology) -> None:
    (finding,) = found(plant, _cut_of(100), window(100, starts=HOUR / 4)).values()

    assert finding.is_outage
