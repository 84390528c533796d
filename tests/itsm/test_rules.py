from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from atlas.identity import AreaId, IncidentId
from atlas.itsm.records import AreaHit, Root, Unfinished
from atlas.itsm.rules import (
    OFFICE_HOURS,
    Calendar,
    IncidentStillOpen,
    check_closable,
    due_at,
    elapsed,
    impact_of,
    suspected_elements,
    suspicions,
    ticket_drafts,
    urgency_of,
)

FRIDAY_HALF_PAST_FOUR = datetime(2026, 1, 9, 16, 30, tzinfo=UTC)
MONDAY_HALF_PAST_NINE = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEEDER = {
    "element": {"kind": "link", "id": 3},
    "with_elements": [{"kind": "device", "id": 9}],
    "cause": "feeder",
    "confidence": 0.91234,
    "evidence": [
        {"observation": "quiet_siblings", "for_it": True, "weight": 1.2, "count": 4, "of": 4},
        {"observation": "all_behind_it_alarmed", "for_it": True, "weight": 5.0, "count": 47, "of": 47},
        {"observation": "device_answers", "for_it": False, "weight": -0.7},
    ],
}


def area(subscribers: int = 300, name: str = "Harbour", number: int = 1, **changes: object) -> AreaHit:
    fields: dict[str, object] = {
        "area_id": AreaId(number),
        "area": name,
        "devices": 10,
        "subscribers": subscribers,
        "subscribers_out": subscribers,
        "businesses": 0,
        "vulnerable": 0,
        "repair_hours": None,
        "is_around_the_clock": False,
    }
    return AreaHit(**{**fields, **changes})  # type: ignore[arg-type]


def test_one_working_hour_from_friday_half_past_four_ends_on_monday_half_past_nine() -> None:
    assert due_at(FRIDAY_HALF_PAST_FOUR, HOUR, OFFICE_HOURS) == MONDAY_HALF_PAST_NINE


def test_a_promise_round_the_clock_runs_through_the_weekend() -> None:
    assert due_at(FRIDAY_HALF_PAST_FOUR, timedelta(hours=4), None) == FRIDAY_HALF_PAST_FOUR + timedelta(hours=4)


def test_a_fault_at_night_is_counted_from_the_morning() -> None:
    assert due_at(datetime(2026, 1, 12, 3, tzinfo=UTC), HOUR, OFFICE_HOURS) == datetime(2026, 1, 12, 10, tzinfo=UTC)


def test_a_holiday_does_not_count() -> None:
    closed = Calendar(ZoneInfo("Europe/London"), time(9), time(17), holidays=frozenset({date(2026, 1, 12)}))

    assert due_at(FRIDAY_HALF_PAST_FOUR, HOUR, closed) == MONDAY_HALF_PAST_NINE + timedelta(days=1)


def test_working_hours_keep_their_place_on_the_wall_in_summer() -> None:
    friday = datetime(2026, 3, 27, 16, 30, tzinfo=UTC)

    assert due_at(friday, HOUR, OFFICE_HOURS) == datetime(2026, 3, 30, 8, 30, tzinfo=UTC)


def test_a_promise_of_several_days_counts_working_time_only() -> None:
    assert due_at(FRIDAY_HALF_PAST_FOUR, 9 * HOUR, OFFICE_HOURS) == datetime(2026, 1, 13, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("since", [FRIDAY_HALF_PAST_FOUR, datetime(2026, 3, 28, 3, tzinfo=UTC), datetime(2026, 10, 23, 16, 59, tzinfo=UTC)])
@pytest.mark.parametrize("calendar", [OFFICE_HOURS, None])
@pytest.mark.parametrize("hours", [1, 8, 50])
def test_the_clock_of_a_promise_ran_for_as_long_as_was_promised_when_it_is_due(
    since: datetime, calendar: Calendar | None, hours: int
) -> None:
    assert elapsed(since, due_at(since, hours * HOUR, calendar), calendar) == hours * HOUR


def test_a_clock_does_not_run_at_night_nor_backwards() -> None:
    assert elapsed(FRIDAY_HALF_PAST_FOUR, MONDAY_HALF_PAST_NINE - 2 * HOUR, OFFICE_HOURS) == HOUR / 2
    assert elapsed(MONDAY_HALF_PAST_NINE, FRIDAY_HALF_PAST_FOUR, OFFICE_HOURS) == timedelta(0)


@pytest.mark.parametrize(("subscribers", "impact"), [(1, 4), (2, 3), (50, 2), (199, 2), (200, 1)])
def test_impact_grows_with_how_many_are_without_service(subscribers: int, impact: int) -> None:
    assert impact_of(subscribers) == impact


def test_somebody_who_depends_on_the_line_makes_it_urgent() -> None:
    assert urgency_of(True, 1, None) == 1


def test_a_promise_that_runs_out_within_a_shift_makes_it_urgent() -> None:
    assert (urgency_of(True, 0, 4), urgency_of(True, 0, 24), urgency_of(True, 0, None)) == (1, 2, 3)


def test_a_degradation_is_never_urgent() -> None:
    assert urgency_of(False, 3, 4) == 4


def test_the_parent_counts_all_areas_and_each_child_its_own() -> None:
    drafts = ticket_drafts("feeder", "HBR-AGG-1", True, [area(150), area(60, "Old Town", 2)])

    assert [(draft.area_id, draft.impact) for draft in drafts] == [(None, 1), (1, 2), (2, 2)]


def test_an_area_that_lost_no_line_gets_no_ticket() -> None:
    assert len(ticket_drafts("feeder", "", True, [area(150), area(0, "Old Town", 2)])) == 2


def test_an_incident_with_anything_unfinished_is_not_closed() -> None:
    with pytest.raises(IncidentStillOpen, match="2 subscribers"):
        check_closable(IncidentId(1), True, Unfinished(alarms=0, devices=0, subscribers=2, tickets=0, crews=0))


def test_evidence_is_told_apart_and_the_weightiest_comes_first() -> None:
    (suspicion,) = suspicions([FEEDER], {("link", 3): "HBR-1 to HBR-2"})

    assert [one.observation for one in suspicion.speaks_for] == ["all_behind_it_alarmed", "quiet_siblings"]
    assert [(one.observation, one.weight) for one in suspicion.speaks_against] == [("device_answers", 0.7)]


def test_what_failed_together_is_named_together() -> None:
    (suspicion,) = suspicions([FEEDER], {("link", 3): "HBR-1 to HBR-2"})

    assert suspicion.elements == ("HBR-1 to HBR-2", "device 9")
    assert suspected_elements([FEEDER]) == [Root("link", 3), Root("device", 9)]
