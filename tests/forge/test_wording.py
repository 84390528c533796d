"""Every word that a customer reads is in a file, whole, in their language."""

import re
from datetime import UTC, datetime

import pytest

from cortex.findings import CauseClass
from forge.wording import LANGUAGES, NoticeUnfillable, cause_in_words, local_clock, local_day, parsed, template, worded

GIVEN = {
    "outage": {"area": "Harbour Heights", "since": "10:42", "cause": "a damaged cable near you", "next_word": "12:42"},
    "restored": {"area": "Harbour Heights", "since": "10:42", "until": "12:05"},
    "credit": {"amount": "£5.00", "day": "02/03/2026"},
    "compensation": {"amount": "£10.34"},
    "reminder": {"amount": "£30.00"},
    "reminder_payer": {"amount": "£30.00", "name": "Ann Smith"},
    "bill": {"number": "100123", "amount": "£30.00", "day": "02/03/2026"},
    "bill_payer": {"number": "100123", "amount": "£30.00", "day": "02/03/2026", "name": "Ann Smith"},
    "bill_copy": {"number": "100123"},
    "bill_covered": {"number": "100123", "amount": "£30.00"},
    "bill_gives_back": {"number": "100123", "amount": "£30.00"},
    "restricted": {"amount": "£30.00"},
    "service_back": {},
    "credit_days": {"amount": "£5.00", "day": "02/03/2026"},
}


@pytest.mark.parametrize("purpose", sorted(GIVEN))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_notice_is_written_in_every_language_and_says_all_it_was_given(purpose: str, language: str) -> None:
    words = worded(purpose, language, GIVEN[purpose])

    assert all(said in words for said in GIVEN[purpose].values())
    assert "{{" not in words


@pytest.mark.parametrize("purpose", ["outage", "restored"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notice_that_nobody_asked_for_says_how_to_stop_them(purpose: str, language: str) -> None:
    assert "STOP" in worded(purpose, language, GIVEN[purpose])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cause_has_words_that_a_customer_knows(language: str) -> None:
    words = [cause_in_words(cause, language) for cause in CauseClass]

    assert all(words)
    assert not any(re.search(r"OLT|PON|ONT|LOS|feeder|splitter|alarm", said) for said in words)


def test_a_cause_that_has_no_words_yet_is_still_being_looked_into() -> None:
    assert cause_in_words("meteorite", "en") == "a fault we are still looking into"


def test_a_language_that_was_never_written_is_english() -> None:
    assert worded("credit", "cy", GIVEN["credit"]).startswith("We have taken £5.00 off")


@pytest.mark.parametrize(
    "given", [{"amount": "£5.00"}, {"amount": "£5.00", "day": " "}, {"amount": "£5.00", "day": "today", "name": "Maya"}]
)
def test_a_word_that_is_missing_or_unknown_is_an_error_and_never_a_gap(given: dict[str, str]) -> None:
    with pytest.raises(NoticeUnfillable):
        worded("credit", "en", given)


def test_a_name_cannot_bring_a_line_or_a_sentence_of_its_own() -> None:
    given = {**GIVEN["restored"], "area": "Harbour\n\x07Heights " + "very " * 40}

    words = worded("restored", "en", given)

    assert "\n" not in words
    assert "\x07" not in words
    assert words.count("very") < 12


def test_a_template_that_uses_a_word_it_does_not_declare_is_refused() -> None:
    with pytest.raises(NoticeUnfillable, match="declared and used words differ"):
        parsed("odd", "---\nneeds: [day]\n---\nOn {{day}} we gave {{amount}}.")


def test_a_notice_that_nobody_wrote_is_an_error() -> None:
    with pytest.raises(NoticeUnfillable):
        template("apology", "en")


def test_times_and_days_are_those_where_the_customer_lives() -> None:
    at = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)

    assert (local_clock(at, "Europe/London"), local_day(at, "Europe/London", "en"), local_day(at, "Europe/Berlin", "de")) == (
        "00:30",
        "02/07/2026",
        "02.07.2026",
    )
