"""What people write is heard in its own language, and what we write says no figure of its own."""

import json
import re
from pathlib import Path

import pytest

from agents.commands import certain
from agents.conversation import Asked
from agents.language import LANGUAGES, language_of
from agents.replies import Reader, worded
from agents.roster import Member
from agents.router import numberless
from agents.slots import Choice, chosen, value_of
from tests.agents.conftest import LONDON, NOW

TODAY = NOW.date()
REPLIES = Path(__file__).parents[2] / "prompts" / "replies"
TEXT = {"type": "string"}
THREE = [Choice("first", None), Choice("second", None), Choice("third", None)]
# Counting to nine is language; beyond that the check of a reply takes a number for a fact.
FIGURE = re.compile(r"(?<![\w.,-])\d{2,}")
EXPRESSION = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
SAID_IN_EXPRESSION = re.compile(r'~ "([^"]*)"|"([^"]*)" (?:~|if)')


def test_every_example_is_heard_in_its_own_language(members: dict[str, Member]) -> None:
    examples = [example for member in members.values() for example in member.brief.examples]
    misheard = [example.words for example in examples if language_of(example.words) != example.language]

    assert misheard == []


@pytest.mark.parametrize("words", ["no", "ok", "F500", "2"])
def test_a_word_of_every_language_changes_none(words: str) -> None:
    assert language_of(words, "en") == "en"


OFFERED = {"book_visit": "free_visit_slots", "restart_my_box": "what_is_wrong_with_my_line"}


@pytest.mark.parametrize("done", OFFERED)
def test_what_is_offered_in_a_language_is_done_in_it_too(done: str) -> None:
    offered_in = {path.name.split(".")[1] for path in REPLIES.glob(f"{OFFERED[done]}.*.txt")}
    visit = {"from": "2026-03-04T09:00:00+00:00", "until": "2026-03-04T12:00:00+00:00"}
    answer = json.dumps({"state": "done", "reference": "A-12", "outcome": visit})

    said = {language: worded(done, answer, Reader(language, "customer", NOW, LONDON)).words for language in offered_in}

    assert {language for language, words in said.items() if "A-12" in words} == offered_in
    assert len(set(said.values())) == len(LANGUAGES)


@pytest.mark.parametrize("path", sorted(REPLIES.glob("*.txt")), ids=lambda path: path.name)
def test_a_reply_says_no_figure_of_its_own(path: Path) -> None:
    text = path.read_text()
    said = [*EXPRESSION.split(text), *(first or second for first, second in SAID_IN_EXPRESSION.findall(text))]

    assert [figure for part in said for figure in FIGURE.findall(part)] == []


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("the second one", 1),
        ("number 3", 2),
        ("2 please", 1),
        ("one", 0),
        ("the ninety-ninth one", None),
        ("not that one", None),
        ("in two weeks", None),
    ],
)
def test_a_choice_is_by_place_and_never_by_a_number_in_passing(words: str, place: int | None) -> None:
    assert chosen(words, THREE, TODAY) == place


@pytest.mark.parametrize(
    ("name", "words", "value"),
    [
        ("plan", "Order Fibre 300 at my home", "Fibre 300"),
        ("plan", "What does F80 include?", "F80"),
        ("code", "Retire the offering F500", "F500"),
        ("serial", "Where is the box with serial HWTC1A2B3C4D?", "HWTC1A2B3C4D"),
        ("address", "Find the premise 12 Nowhere Crescent", "12 Nowhere Crescent"),
        ("name", "Restart device OLT-GPT-01", "OLT-GPT-01"),
    ],
)
def test_what_is_named_is_read(name: str, words: str, value: str) -> None:
    assert value_of(name, TEXT, words, TODAY, is_answer=False) == value


def test_which_number_is_named_decides_nothing_about_who_answers() -> None:
    assert numberless("Check the line of customer 999999") == numberless("Check the line of customer 12")
    assert numberless("Restart OLT-GPT-01 at 10.5") == "Restart OLT-GPT-01 at 10.5"


@pytest.mark.parametrize("words", ["yes", "no", "oui", "ja"])
def test_a_yes_to_nothing_is_told_that_nothing_was_asked(words: str) -> None:
    sure = certain(words, None, {}, TODAY, LONDON)

    assert sure is not None
    assert sure.phrase == "unasked"


def test_a_no_to_a_question_leaves_everything_as_it_is() -> None:
    asked = Asked(module="oms", tool="request_plan_change", arguments={}, missing="", options=[{"label": "", "arguments": {}}], words="")
    sure = certain("no", asked, {}, TODAY, LONDON)

    assert sure is not None
    assert sure.phrase == "left_it"
