"""Anger, a threat to leave and a threat of law are heard in five languages, and measured on sentences that nobody wrote a sign for."""

import pytest

from cortex.moods import ANGRY, COMPLAINS, MEANS_TO_LEAVE, is_shouted, moods_in
from evals.benchmarks.hearing import labelled_moods, moods_heard


def heard(words: str) -> set[str]:
    return {mood.name for mood in moods_in(words)}


@pytest.mark.parametrize(
    "words",
    [
        "I will switch to another provider",
        "Me cambio de compañía",
        "Ich wechsle den Anbieter",
        "Je change d'opérateur",
        "मैं दूसरी कंपनी में जा रहा हूँ",
    ],
)
def test_a_threat_to_leave_is_heard_in_each_language(words: str) -> None:
    assert heard(words) == {MEANS_TO_LEAVE}


@pytest.mark.parametrize(
    "words",
    ["My lawyer will write to you", "Mi abogado le escribirá", "Mein Anwalt meldet sich", "Mon avocat vous écrira", "मेरा वकील लिखेगा"],
)
def test_a_threat_of_law_is_heard_in_each_language(words: str) -> None:
    assert heard(words) == {COMPLAINS}


def test_whoever_shouts_a_whole_sentence_is_angry_and_whoever_forgot_the_key_is_not() -> None:
    assert heard("I HAVE BEEN WAITING FOR SIX DAYS NOW") == {ANGRY}
    assert not is_shouted("NO INTERNET HERE")
    assert not is_shouted("मेरा इंटरनेट तीन दिन से बंद पड़ा हुआ है")


@pytest.mark.parametrize(
    "words", ["I never said I was furious", "No estoy enfadado", "Ich bin nicht sauer", "Je ne suis pas en colère", "मैं नाराज़ नहीं हूँ"]
)
def test_what_is_denied_is_not_felt_in_any_language(words: str) -> None:
    assert heard(words) == set()


def test_at_least_sixty_unseen_sentences_are_labelled_in_all_five_languages() -> None:
    assert len(labelled_moods("unseen")) >= 60


def test_of_unseen_moods_six_of_ten_are_heard_and_nine_of_ten_that_are_heard_are_so() -> None:
    found = moods_heard("unseen")

    assert (found.recall >= 0.6, found.precision >= 0.9) == (True, True)


def test_the_signs_hear_what_they_were_written_for() -> None:
    found = moods_heard("seen")

    assert (found.recall >= 0.95, found.precision >= 0.95) == (True, True)


def test_no_sentence_is_labelled_twice() -> None:
    seen, unseen = ({one["words"].casefold() for one in labelled_moods(which)} for which in ("seen", "unseen"))

    assert not seen & unseen
