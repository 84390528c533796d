from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agents.commands import Certain, certain
from agents.conversation import Asked

TODAY = date(2026, 11, 23)
LONDON = ZoneInfo("Europe/London")
SCHEMAS: dict[str, dict[str, Any]] = {
    "show_incident": {"properties": {"incident_id": {"type": "integer"}}, "required": ["incident_id"]},
}
SLOTS = Asked(
    module="field_service",
    tool="book_visit",
    arguments={},
    missing="",
    options=[
        {"label": "", "at": "2026-11-24T09:00:00Z", "arguments": {"slot": "a"}},
        {"label": "", "at": "2026-11-24T13:00:00Z", "arguments": {"slot": "b"}},
        {"label": "", "at": "2026-11-26T09:00:00Z", "arguments": {"slot": "c"}},
    ],
    words="",
)
WHICH = Asked(module="itsm", tool="show_incident", arguments={}, missing="incident_id", options=[], words="show me the incident")


def meant(words: str, asked: Asked | None = None) -> Certain | None:
    return certain(words, asked, SCHEMAS, TODAY, LONDON)


@pytest.mark.parametrize(("words", "tool"), [("STOP", "stop_messages"), (" stop. ", "stop_messages"), ("START", "start_messages")])
def test_the_carriers_own_words_are_obeyed_without_a_model(words: str, tool: str) -> None:
    found = meant(words)

    assert found is not None
    assert found.tool == tool


def test_stop_inside_a_sentence_is_not_a_command() -> None:
    assert meant("my connection stops every evening") is None


@pytest.mark.parametrize("words", ["human", "PERSON", "I want to speak to a human", "agent please", "quiero hablar con una persona"])
def test_whoever_wants_a_person_gets_one_without_a_model(words: str) -> None:
    found = meant(words)

    assert found is not None
    assert found.tool == "hand_over"


def test_a_life_in_danger_goes_to_a_person_at_once() -> None:
    found = meant("my phone is dead and I can't call 999, my father has chest pain")

    assert found is not None
    assert found.arguments["reason"].startswith("urgent")


@pytest.mark.parametrize(
    ("words", "slot"),
    [
        ("the second one", "b"),
        ("2", "b"),
        ("tomorrow afternoon", "b"),
        ("Thursday please", "c"),
        ("24 November at 9am", "a"),
        ("the last one", "c"),
        ("any", "a"),
        ("13:00", "b"),
    ],
)
def test_a_visit_is_chosen_by_place_day_or_hour(words: str, slot: str) -> None:
    found = meant(words, SLOTS)

    assert found is not None
    assert found.arguments == {"slot": slot}


def test_a_day_that_was_not_offered_chooses_nothing() -> None:
    assert meant("Sunday", SLOTS) is None


def test_no_leaves_everything_as_it_is() -> None:
    found = meant("no thanks", SLOTS)

    assert found is not None
    assert found.phrase == "left_it"


def test_a_number_answers_the_question_which_incident() -> None:
    found = meant("31", WHICH)

    assert found is not None
    assert found.arguments == {"incident_id": 31}


def test_an_incidents_reference_opens_it() -> None:
    found = meant("INC-31")

    assert found is not None
    assert (found.tool, found.arguments) == ("show_incident", {"incident_id": 31})


def test_what_lacks_two_things_is_asked_for_one_after_the_other() -> None:
    order = {"properties": {"plan": {"type": "string"}, "called": {"type": "string"}}, "required": ["plan", "called"]}
    asked = Asked(module="gis", tool="sign_up", arguments={}, missing="plan", options=[], words="sign me up")

    first = certain("Fibre 500", asked, {"sign_up": order}, TODAY, LONDON)
    assert first is not None
    then = certain("Ida Frost", first.asked, {"sign_up": order}, TODAY, LONDON)

    assert then is not None
    assert (first.phrase, then.tool, then.arguments) == ("ask", "sign_up", {"plan": "Fibre 500", "called": "Ida Frost"})


def test_another_question_is_not_taken_for_an_answer() -> None:
    assert meant("why is my bill higher this month?", WHICH) is None
