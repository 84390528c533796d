from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest

from atlas.helpdesk.records import Conversation
from atlas.helpdesk.rules import HeldByPerson, check_reply, earliest_moment, is_past_window, storable
from atlas.identity import ConversationId

NIGHT = datetime(2026, 1, 10, 23, 30, tzinfo=UTC)
NINE_TO_SEVEN = (time(21), time(7))


def held(owner: str = "agents", channel: str = "sms", last_inbound_at: datetime | None = NIGHT) -> Conversation:
    return Conversation(ConversationId(1), UUID(int=1), None, None, channel, "+44", owner, None, NIGHT, NIGHT, 1, last_inbound_at)


def test_a_text_about_a_fault_goes_out_at_night() -> None:
    assert earliest_moment("sms", NIGHT, *NINE_TO_SEVEN, "Europe/London") == NIGHT


def test_a_call_about_a_fault_waits_for_the_end_of_quiet_hours() -> None:
    assert earliest_moment("voice", NIGHT, *NINE_TO_SEVEN, "Europe/London") == datetime(2026, 1, 11, 7, tzinfo=UTC)


def test_quiet_hours_after_midnight_end_the_same_morning() -> None:
    after_midnight = datetime(2026, 1, 11, 2, tzinfo=UTC)

    assert earliest_moment("voice", after_midnight, *NINE_TO_SEVEN, "Europe/London") == datetime(2026, 1, 11, 7, tzinfo=UTC)


def test_quiet_hours_are_those_of_the_person_and_not_ours() -> None:
    afternoon_in_london = datetime(2026, 1, 10, 17, tzinfo=UTC)

    assert earliest_moment("voice", afternoon_in_london, *NINE_TO_SEVEN, "Asia/Kolkata") == datetime(2026, 1, 11, 1, 30, tzinfo=UTC)


def test_a_call_outside_quiet_hours_is_made_at_once() -> None:
    noon = datetime(2026, 1, 10, 12, tzinfo=UTC)

    assert earliest_moment("voice", noon, *NINE_TO_SEVEN, "Europe/London") == noon


def test_somebody_without_quiet_hours_is_called_at_once() -> None:
    assert earliest_moment("voice", NIGHT, None, None, "Europe/London") == NIGHT


def test_quiet_hours_end_by_the_wall_clock_on_the_night_of_summer_time() -> None:
    before_the_change = datetime(2026, 3, 28, 23, tzinfo=UTC)

    assert earliest_moment("voice", before_the_change, *NINE_TO_SEVEN, "Europe/London") == datetime(2026, 3, 29, 6, tzinfo=UTC)


def test_an_agent_does_not_talk_over_a_person_of_ours() -> None:
    with pytest.raises(HeldByPerson):
        check_reply(held("staff:7"), "agents:billing")


def test_the_person_who_holds_a_conversation_may_answer_in_it() -> None:
    assert check_reply(held("staff:7"), "staff:7") is None


def test_an_agent_may_say_that_it_has_handed_over() -> None:
    assert check_reply(held("queue"), "agents:helpdesk") is None


def test_free_words_on_whatsapp_end_a_day_after_the_customer_last_wrote() -> None:
    assert not is_past_window(held(channel="whatsapp"), NIGHT + timedelta(hours=24))
    assert is_past_window(held(channel="whatsapp"), NIGHT + timedelta(hours=24, seconds=1))


def test_a_text_message_has_no_such_window() -> None:
    assert not is_past_window(held(), NIGHT + timedelta(days=3))


def test_a_pasted_book_is_kept_up_to_its_limit_and_without_nul() -> None:
    assert len(storable("a\x00" * 50_000)) == 20_000
