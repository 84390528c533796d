"""How facts read on a page."""

from datetime import timedelta
from types import SimpleNamespace

from atlas.money import Money
from console.words import duration, filters, sentence, spoken


def test_a_duration_is_said_in_the_unit_a_person_would_use() -> None:
    said = [duration(timedelta(seconds=seconds)) for seconds in (0.12, 3.4, 600, 9000, 400_000)]

    assert said == ["120 ms", "3.4 s", "10 min", "2 h 30 min", "4 days"]


def test_a_code_is_spoken_as_words() -> None:
    assert (spoken("issue_credits"), spoken("inProgress")) == ("issue credits", "in progress")


def test_an_event_without_a_sentence_of_its_own_is_said_from_its_figures() -> None:
    assert sentence(SimpleNamespace(kind="tickets_opened", detail={"tickets": 4})) == "Tickets opened: tickets 4"


def test_money_is_shown_with_the_operators_sign_and_its_minus_before_it() -> None:
    money = filters("GBP", "Europe/London")["money"]

    assert (money(Money("1560.00")), money(Money("-5.00"))) == ("£1,560.00", "-£5.00")
