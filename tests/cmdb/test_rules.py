from dataclasses import replace
from datetime import timedelta

import pytest

from atlas.cmdb.records.plant import DeviceKind, LineCheck
from atlas.cmdb.rules import OpticalVerdict, canonical_username, first_cause, level_of, optical_verdict
from atlas.errors import InvalidField
from atlas.identity import IncidentId, SubscriberId
from tests.given import NOW

WELL = LineCheck(
    subscriber_id=SubscriberId(1),
    offering="Fibre 500",
    technology="fibre",
    state="active",
    suspended_for=None,
    incident_id=None,
    incident_cause=None,
    incident_is_outage=None,
    lost_at=None,
    received_power_dbm=-19.0,
    measured_at=NOW,
    session_started_at=NOW - timedelta(days=3),
    session_ended_at=None,
    session_end_cause=None,
)
SUSPENDED = replace(WELL, state="suspended", suspended_for="non_payment")
FAULT = replace(WELL, incident_id=IncidentId(7), incident_cause="feeder", incident_is_outage=True, lost_at=NOW)
DARK = replace(WELL, received_power_dbm=-31.0)
OFFLINE = replace(WELL, session_ended_at=NOW, session_end_cause="User-Request")


def cause(check: LineCheck) -> str:
    return first_cause(check, NOW).cause


@pytest.mark.parametrize(
    ("dbm", "meaning"),
    [(-7.9, "too_strong"), (-8.0, "good"), (-25.0, "good"), (-25.1, "marginal"), (-27.0, "marginal"), (-27.1, "too_weak")],
)
def test_light_is_judged_by_the_class_of_the_optics(dbm: float, meaning: str) -> None:
    assert optical_verdict(dbm) is OpticalVerdict(meaning)


def test_the_core_stands_above_everything() -> None:
    assert [level_of(kind) for kind in (DeviceKind.GATEWAY, DeviceKind.BNG, DeviceKind.AGGREGATION, DeviceKind.OLT)] == [5, 4, 3, 2]


def test_somebody_suspended_is_told_so_before_anything_else_is_looked_at() -> None:
    everything = replace(DARK, state="suspended", suspended_for="non_payment", incident_id=IncidentId(7), incident_is_outage=True)

    assert cause(everything) == "suspended_for_non_payment"


def test_a_fault_that_holds_the_line_is_named_before_the_light() -> None:
    verdict = first_cause(replace(FAULT, received_power_dbm=-31.0), NOW)

    assert (verdict.cause, verdict.next_step, verdict.incident_id) == ("area_fault", "wait", 7)


def test_a_broken_drop_needs_a_visit_and_not_patience() -> None:
    assert first_cause(replace(FAULT, incident_cause="drop"), NOW).next_step == "book_visit"


def test_lost_redundancy_explains_nothing_at_home() -> None:
    assert cause(replace(FAULT, incident_is_outage=False)) == "home_network"


def test_weak_light_is_named_before_the_session() -> None:
    assert cause(replace(DARK, session_ended_at=NOW)) == "light_too_weak"


def test_an_old_reading_says_nothing_of_today() -> None:
    assert cause(replace(DARK, measured_at=NOW - timedelta(hours=25))) == "home_network"


def test_light_means_nothing_where_there_is_no_fibre() -> None:
    assert cause(replace(DARK, technology="docsis")) == "home_network"


def test_a_stuck_session_needs_a_restart() -> None:
    assert first_cause(OFFLINE, NOW).next_step == "restart"


def test_a_box_that_fell_silent_has_probably_no_power() -> None:
    assert first_cause(replace(OFFLINE, session_end_cause="Lost-Carrier"), NOW).next_step == "check_power"


def test_a_line_that_was_never_online_is_for_a_person() -> None:
    assert cause(replace(WELL, session_started_at=None)) == "never_connected"


def test_marginal_light_is_named_where_nothing_else_is_wrong() -> None:
    assert cause(replace(WELL, received_power_dbm=-26.0)) == "light_marginal"


def test_with_all_of_ours_well_it_is_the_home_network() -> None:
    assert first_cause(WELL, NOW).next_step == "check_wifi"


@pytest.mark.parametrize(
    "written", ["AABB.CCDD.EEFF", "aa-bb-cc-dd-ee-ff", "AA:BB:CC:DD:EE:FF", "aabbccddeeff", "aabbcc-ddeeff", " AABB:CCDD:EEFF "]
)
def test_one_station_is_one_name_in_whichever_notation(written: str) -> None:
    assert canonical_username(written) == "aa:bb:cc:dd:ee:ff"


@pytest.mark.parametrize("odd", ["", "ab", "anna smith", "anna'--", "an\nna", "ännä@isp", "a" * 254])
def test_a_name_that_a_bng_would_change_on_the_way_is_refused(odd: str) -> None:
    with pytest.raises(InvalidField, match="username"):
        canonical_username(odd)
