from datetime import UTC, date, datetime, timedelta

import pytest

from atlas.field_service.records import EngineerShift, JobState, Place, Shift
from atlas.field_service.rules import (
    JobNotOpen,
    NoSuchSlot,
    NotTheirVisit,
    ReadingMissing,
    TooLateToCancel,
    check_cancellable,
    check_completable,
    crew,
    crew_skill,
    distance_km,
    free_slots,
    is_free,
    visitor,
    windows,
)
from atlas.identity import CustomerId, JobId, StaffId

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
HARBOUR = Place(50.70, -3.50, "Harbour")
NEXT_TOWN = Place(50.80, -3.50, "Next town")
FAR_CITY = Place(51.50, -0.12, "Far city")
HOUR = timedelta(hours=1)


def shift(
    number: int = 1,
    place: Place = HARBOUR,
    starts: datetime = MONDAY - HOUR,
    hours: int = 8,
    busy: tuple[tuple[datetime, datetime], ...] = (),
) -> EngineerShift:
    return EngineerShift(
        StaffId(number),
        f"Engineer {number}",
        starts,
        starts + hours * HOUR,
        place.latitude,
        place.longitude,
        tuple(begins for begins, _ in busy),
        tuple(ends for _, ends in busy),
    )


def anonymous(one: EngineerShift) -> Shift:
    return Shift(one.shift_from, one.shift_until, one.latitude, one.longitude, one.busy_from, one.busy_until)


def job(**changes: object) -> JobState:
    fields: dict[str, object] = {
        "job_id": JobId(1),
        "kind": "repair",
        "state": "acknowledged",
        "incident_id": None,
        "customer_id": CustomerId(7),
        "technology": "fibre",
        "window_from": MONDAY + HOUR,
    }
    return JobState(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_degree_of_latitude_is_about_111_kilometres() -> None:
    assert round(distance_km(Place(50, 0, ""), Place(51, 0, ""))) == 111


def test_a_cut_feeder_needs_somebody_who_splices() -> None:
    assert crew_skill("feeder", "aggregation") == "splice"


def test_a_silent_tower_needs_somebody_for_wireless() -> None:
    assert crew_skill("device", "tower") == "wireless"


def test_lost_power_needs_somebody_for_power_whatever_it_feeds() -> None:
    assert crew_skill("power", "tower") == "power"


def test_whoever_is_free_now_goes_before_whoever_is_nearer_but_later() -> None:
    on_shift_far, soon_near = shift(1, NEXT_TOWN), shift(2, HARBOUR, starts=MONDAY + HOUR)

    assert crew([soon_near, on_shift_far], HARBOUR, MONDAY).engineer_id == 1


def test_of_those_who_are_free_now_the_nearest_goes() -> None:
    assert crew([shift(1, NEXT_TOWN), shift(2, HARBOUR)], HARBOUR, MONDAY).engineer_id == 2


def test_a_crew_that_is_busy_comes_when_it_is_done() -> None:
    busy = shift(busy=((MONDAY - HOUR, MONDAY + HOUR),))

    assert crew([busy], HARBOUR, MONDAY).window_from == MONDAY + HOUR


def test_with_nobody_to_be_had_the_job_names_nobody() -> None:
    assert crew([], HARBOUR, MONDAY).engineer is None


def test_a_window_needs_the_whole_of_it_in_the_shift() -> None:
    short = shift(hours=2)

    assert not is_free(short, MONDAY, MONDAY + 2 * HOUR)


def test_windows_are_offered_from_two_hours_ahead() -> None:
    assert next(windows(MONDAY))[0] == MONDAY + 3 * HOUR


def test_windows_keep_their_hour_on_the_wall_across_summer_time() -> None:
    before_the_change = datetime(2026, 3, 27, 9, tzinfo=UTC)

    starts = [start.astimezone(UTC).hour for start, _ in windows(before_the_change) if start.date() == date(2026, 3, 30)]

    assert starts == [7, 9, 11, 13, 15]


def test_slots_count_who_could_come() -> None:
    slots = free_slots([anonymous(shift(1)), anonymous(shift(2))], HARBOUR, MONDAY)

    assert [(slot.window_from.hour, slot.engineers) for slot in slots] == [(12, 2), (14, 2)]


def test_a_slot_that_is_taken_is_not_offered() -> None:
    taken = shift(busy=((MONDAY + 3 * HOUR, MONDAY + 5 * HOUR),))

    assert [slot.window_from.hour for slot in free_slots([anonymous(taken)], HARBOUR, MONDAY)] == [14]


def test_nobody_is_sent_out_of_their_territory() -> None:
    assert free_slots([anonymous(shift(place=FAR_CITY))], HARBOUR, MONDAY) == []


def test_the_nearest_who_is_free_makes_the_visit() -> None:
    chosen = visitor([shift(1, NEXT_TOWN), shift(2, HARBOUR)], HARBOUR, MONDAY + 3 * HOUR, MONDAY)

    assert (chosen.engineer_id, chosen.window_until) == (2, MONDAY + 5 * HOUR)


def test_a_time_that_is_no_window_cannot_be_booked() -> None:
    with pytest.raises(NoSuchSlot):
        visitor([shift()], HARBOUR, MONDAY + 4 * HOUR, MONDAY)


def test_a_window_in_which_nobody_is_free_cannot_be_booked() -> None:
    with pytest.raises(NoSuchSlot):
        visitor([shift(busy=((MONDAY, MONDAY + 8 * HOUR),))], HARBOUR, MONDAY + 3 * HOUR, MONDAY)


def test_somebody_elses_visit_cannot_be_cancelled() -> None:
    with pytest.raises(NotTheirVisit):
        check_cancellable(job(), JobId(1), CustomerId(8), MONDAY)


def test_a_visit_whose_window_has_begun_cannot_be_cancelled() -> None:
    with pytest.raises(TooLateToCancel):
        check_cancellable(job(window_from=MONDAY), JobId(1), CustomerId(7), MONDAY)


def test_a_fibre_repair_is_not_done_without_the_light_that_was_measured() -> None:
    with pytest.raises(ReadingMissing):
        check_completable(job(), JobId(1), "new connector", None)


def test_a_job_is_not_done_without_a_word_on_what_was_found() -> None:
    with pytest.raises(ReadingMissing):
        check_completable(job(), JobId(1), "  ", -19.0)


def test_a_splice_in_the_street_needs_no_reading_at_a_home() -> None:
    assert check_completable(job(kind="splice", technology=None), JobId(1), "spliced 12 fibres", None) is None


def test_a_job_that_is_over_is_not_completed_again() -> None:
    with pytest.raises(JobNotOpen):
        check_completable(job(state="completed"), JobId(1), "again", -19.0)
