"""What changed since the incidents were last written."""

from dataclasses import replace

from atlas.identity import AlarmId, IncidentId
from atlas.itsm.records import StandingIncident
from atlas.money import ZERO
from cortex.findings import BlastRadius, CauseClass, Element, Finding, Hypothesis
from cortex.watch import IncidentCleared, IncidentFolded, IncidentMoved, NewIncident, changes
from tests.given import NOW

NOBODY = BlastRadius((), (), 0, 0, 0, ZERO, ())


def finding(*alarms: int, root: int = 1) -> Finding:
    best = Hypothesis(Element("device", root), CauseClass.DEVICE, 0.9, ())
    return Finding((best,), tuple(AlarmId(alarm) for alarm in alarms), NOBODY, NOW, NOW, is_outage=True)


def standing(incident: int, *alarms: int) -> StandingIncident:
    return StandingIncident(IncidentId(incident), "device", tuple(AlarmId(alarm) for alarm in alarms))


def test_alarms_that_no_incident_holds_are_a_new_incident() -> None:
    found = finding(1, 2)

    assert changes([found], []) == [NewIncident(found)]


def test_an_incident_with_the_same_alarms_has_not_changed() -> None:
    assert changes([finding(1, 2)], [standing(7, 1, 2)]) == []


def test_alarms_that_join_make_an_incident_grow() -> None:
    found = finding(1, 2, 3)

    assert changes([found], [standing(7, 1, 2)]) == [IncidentMoved(IncidentId(7), (found,), grew=True)]


def test_alarms_that_clear_make_an_incident_shrink() -> None:
    found = finding(2)

    assert changes([found], [standing(7, 1, 2)]) == [IncidentMoved(IncidentId(7), (found,), grew=False)]


def test_an_incident_that_comes_back_in_pieces_stays_one() -> None:
    large, small = finding(2, 3), finding(5, root=2)

    assert changes([small, large], [standing(7, 1, 2, 3, 4, 5)]) == [IncidentMoved(IncidentId(7), (large, small), grew=False)]


def test_a_second_cause_seen_while_an_incident_grows_becomes_its_own() -> None:
    first, second = finding(1, 2, 3, 4), finding(5, 6, root=2)

    assert changes([first, second], [standing(7, 1, 2, 5)]) == [IncidentMoved(IncidentId(7), (first,), grew=True), NewIncident(second)]


def test_an_incident_with_nothing_standing_is_cleared() -> None:
    assert changes([], [standing(7, 1, 2)]) == [IncidentCleared(IncidentId(7))]


def test_two_incidents_that_turn_out_to_be_one_are_folded_into_the_larger() -> None:
    found = finding(1, 2, 3)

    assert changes([found], [standing(7, 3), standing(8, 1, 2)]) == [
        IncidentFolded(IncidentId(7), IncidentId(8)),
        IncidentMoved(IncidentId(8), (found,), grew=True),
    ]


def test_planned_work_whose_window_is_over_is_thought_about_anew_though_no_alarm_changed() -> None:
    planned = replace(standing(7, 1, 2), cause="planned")

    assert changes([finding(1, 2)], [planned]) == [IncidentMoved(IncidentId(7), (finding(1, 2),), grew=True)]
