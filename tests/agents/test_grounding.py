from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from agents.grounding import facts_of, ungrounded

NOW = datetime(2026, 7, 2, 9, 0, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")

BILLS = '{"before": "2026-05-01", "after": "2026-06-01", "total_after": "1248.20", "difference": "6.20"}'
VISIT = '{"id": 31, "window_from": "2026-07-07T08:00:00Z", "window_until": "2026-07-07T11:00:00Z"}'
WAITING = '{"action_id": 88, "reference": "A-88", "state": "waiting", "outcome": null}'
REFUSED = '{"action_id": 88, "reference": "A-88", "state": "refused", "outcome": null}'


def wrong(reply: str, *answers: str) -> list[str]:
    return ungrounded(reply, facts_of(answers, NOW, LONDON))


def test_an_amount_that_a_tool_returned_may_be_said_as_people_write_it() -> None:
    assert wrong("Your bill is £1,248.20, which is £6.20 more.", BILLS) == []


def test_an_invented_amount_is_refused() -> None:
    assert wrong("Your bill is £6.20 higher and I can take £25.00 off.", BILLS) == ["25.00"]


def test_an_amount_added_up_by_a_model_is_refused() -> None:
    assert wrong("Together that is £12.40.", BILLS) == ["12.40"]


def test_a_visit_is_told_in_local_time() -> None:
    assert wrong("Your engineer comes on Tuesday 7 July between 09:00 and 12:00.", VISIT) == []


def test_a_time_that_no_tool_returned_is_refused() -> None:
    assert wrong("Your engineer comes on 7 July at 15:30.", VISIT) == ["15:30"]


def test_a_date_that_no_tool_returned_is_refused() -> None:
    assert wrong("Your engineer comes on July 9.", VISIT) == ["9/7"]


def test_today_needs_no_tool() -> None:
    assert wrong("Today is 2 July.") == []


def test_a_reference_that_no_tool_returned_is_refused() -> None:
    assert wrong("Your reference is A-99.", WAITING) == ["99"]


def test_a_credit_may_be_spoken_of_once_it_was_asked_for() -> None:
    assert wrong("We will credit you once a colleague agrees. Reference A-88.", WAITING) == []


def test_a_credit_that_nobody_asked_for_is_a_promise() -> None:
    assert wrong("We will credit you for this.", BILLS) == ["We will credit"]


def test_a_credit_that_was_refused_is_a_promise() -> None:
    assert wrong("We have credited you.", REFUSED) == ["We have credited"]


def test_nobody_guarantees_anything() -> None:
    assert wrong("I guarantee it will work.", VISIT) == ["guarantee"]


def test_counting_on_ones_fingers_needs_no_tool() -> None:
    assert wrong("You have 3 choices.") == []


@pytest.mark.parametrize(
    ("said", "claim"),
    [
        ("I take £8.50 off.", "8.50"),
        ("That is £5 less.", "5"),
        ("You pay 5 € less.", "5"),
        ("It costs 9 pounds more.", "9"),
        ("That is 5 % more.", "5"),
        ("You would get 8 Mbit/s.", "8"),
        ("The light is at -7.5 dBm.", "7.5"),
        ("It took 2.5 days.", "2.5"),
    ],
)
def test_money_shares_and_sizes_need_a_tool_however_small(said: str, claim: str) -> None:
    assert wrong(said, BILLS) == [claim]
