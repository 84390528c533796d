"""What alarms mean together, whatever order they are told in."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.nms.records import AlarmEvent, AlarmType, Door, ProbableCause, Severity
from atlas.nms.rules import ALARM_TYPES, alarm_key, believable_event_time, folded, is_open, severity_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def event(second: int, severity: Severity, port: str, text: str = "") -> AlarmEvent:
    at = NOW + timedelta(seconds=second)
    return AlarmEvent("olt-1", port, ProbableCause.LOSS_OF_SIGNAL, severity, AlarmType.COMMUNICATIONS, text, at, Door.SNMP, at)


EVENTS = st.lists(
    st.builds(event, st.integers(0, 9), st.sampled_from(Severity), st.sampled_from("ab"), st.sampled_from(["", "x"])), max_size=12
)


@given(EVENTS, st.randoms())
def test_a_batch_folds_to_the_same_whatever_its_order(events: list[AlarmEvent], chance: object) -> None:
    shuffled = list(events)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    assert {alarm_key(move.latest): move for move in folded(shuffled)} == {alarm_key(move.latest): move for move in folded(events)}


@given(EVENTS)
def test_a_batch_told_twice_moves_the_same_alarms_to_the_same_times(events: list[AlarmEvent]) -> None:
    once = [(move.latest, move.raised_at, move.cleared_at) for move in folded(events)]

    twice = [(move.latest, move.raised_at, move.cleared_at) for move in folded(events * 2)]

    assert twice == once


@given(EVENTS)
def test_a_batch_counts_every_time_an_alarm_was_told(events: list[AlarmEvent]) -> None:
    assert sum(move.times for move in folded(events)) == len(events)


def test_an_alarm_stands_while_its_raise_is_later_than_its_clear() -> None:
    assert is_open(NOW, NOW - timedelta(seconds=1))


def test_an_alarm_raised_and_cleared_at_the_same_moment_is_closed() -> None:
    assert not is_open(NOW, NOW)


def test_an_alarm_that_was_only_cleared_is_closed() -> None:
    assert not is_open(None, NOW)


@pytest.mark.parametrize(
    ("claimed", "believed"),
    [
        (NOW - timedelta(minutes=5), NOW - timedelta(minutes=5)),
        (NOW + timedelta(minutes=5), NOW),
        (NOW - timedelta(minutes=11), None),
        (NOW + timedelta(minutes=11), None),
        (datetime(1970, 1, 1, tzinfo=UTC), None),
        (None, None),
    ],
)
def test_a_time_is_believed_only_near_the_moment_it_is_heard(claimed: datetime | None, believed: datetime | None) -> None:
    assert believable_event_time(claimed, NOW) == believed


@pytest.mark.parametrize(
    ("word", "severity"), [("Major", Severity.MAJOR), (" WARN ", Severity.WARNING), ("ok", Severity.CLEARED), ("purple", None)]
)
def test_a_senders_word_of_severity_is_known_however_it_is_written(word: str, severity: Severity | None) -> None:
    assert severity_of(word) == severity


def test_every_probable_cause_has_a_type() -> None:
    assert set(ALARM_TYPES) == set(ProbableCause)
