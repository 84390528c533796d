"""A text is counted as a carrier counts it, and a long list by text says a few and offers the rest."""

import json
from pathlib import Path

import pytest

from agents.replies import phrases
from api.answering import for_a_telephone
from api.chat import fixed
from api.texting import MOST_ITEMS, MOST_SEGMENTS, first_part, segments, wants_the_rest

VECTORS = Path(__file__).parents[3] / "shared" / "data" / "messaging" / "sms_segments.json"
PLANS = "\n".join(
    [
        "These are the plans you can have at your line, prices a month without tax:",
        *(f"{at}. Fibre {at}00: £{at}5.00, {at}00 Mbit/s down and {at}0 up, 18 months, £30.00 once" for at in range(1, 9)),
        "Tell me which one if you would like to change.",
    ]
)


def test_segments_are_counted_as_the_carrier_counts_them() -> None:
    if not VECTORS.exists():
        pytest.skip(f"no vectors at {VECTORS}: segments were compared with nobody's")
    cases = json.loads(VECTORS.read_text())

    assert [case["id"] for case in cases if segments(case["text"]) != case["segments"]] == []


@pytest.mark.parametrize(
    ("words", "count"), [("", 0), ("a" * 160, 1), ("a" * 161, 2), ("я" * 70, 1), ("я" * 71, 2), ("€" * 80, 1), ("€" * 81, 2)]
)
def test_one_letter_more_is_one_segment_more(words: str, count: int) -> None:
    assert segments(words) == count


def test_a_long_list_by_text_says_a_few_and_how_to_read_the_rest() -> None:
    reply = for_a_telephone(fixed(PLANS, "en"), "sms")

    assert segments(PLANS) > MOST_SEGMENTS
    assert segments(reply.words) < segments(PLANS)
    assert ("3. Fibre 300" in reply.words, "4. Fibre 400" in reply.words) == (True, False)
    assert "Tell me which one" in reply.words
    assert reply.words.endswith("There are 5 more: write MORE to read them.")
    assert reply.trace["more"].startswith("4. Fibre 400")


def test_what_is_left_is_said_part_by_part_until_nothing_is() -> None:
    said, rest = [], PLANS
    while rest:
        part = first_part(rest)
        said.append(part.words)
        rest = part.rest

    assert all(f"{at}. Fibre {at}00" in "\n".join(said) for at in range(1, 9))
    assert all(segments(one) <= MOST_SEGMENTS or sum(line[:1].isdigit() for line in one.split("\n")) <= MOST_ITEMS for one in said)


@pytest.mark.parametrize("channel", ["whatsapp", "chat", "email"])
def test_where_a_list_costs_nothing_all_of_it_is_said(channel: str) -> None:
    assert for_a_telephone(fixed(PLANS, "en"), channel).words == PLANS


@pytest.mark.parametrize(("words", "language"), [("MORE", "en"), ("más", "es"), ("Mehr", "de"), ("suite", "fr"), ("आगे", "hi")])
def test_the_word_that_we_ask_for_is_heard_in_each_language(words: str, language: str) -> None:
    assert wants_the_rest(words)
    assert words.casefold() in phrases(language)["more_by_text"].casefold()


@pytest.mark.parametrize("words", ["yes", "the fourth one", "one more thing, my line is down", "no more messages"])
def test_nothing_else_asks_for_the_rest(words: str) -> None:
    assert not wants_the_rest(words)
