"""Who is angry, complains or may be in danger hears first that it was seen, once, and is passed on to one of us at once."""

import pytest

from agents.conversation import Said
from agents.patience import acknowledged, is_for_a_person, with_acknowledgement
from agents.replies import phrases
from agents.supervisor import Supervisor
from atlas.identity import StaffId
from atlas.principal import Role, staff
from tests.agents.test_supervisor import somebody, told

ANGRY = {
    "en": "I am furious, why is my bill higher this month?",
    "es": "Estoy furioso, ¿por qué es más alta mi factura este mes?",
    "de": "Ich bin wütend, warum ist meine Rechnung diesen Monat höher?",
    "fr": "Je suis furieux, pourquoi ma facture est plus élevée ce mois ?",
    "hi": "मुझे बहुत गुस्सा आ रहा है, मेरा बिल इस महीने ज़्यादा क्यों है?",
}


@pytest.mark.parametrize("language", ANGRY)
async def test_the_angry_are_seen_first_passed_on_at_once_and_answered_too(supervisor: Supervisor, maya: int, language: str) -> None:
    (reply,) = await told(supervisor, somebody(maya), ANGRY[language])

    assert reply.words.startswith(phrases(language)["acknowledged"]["angry"])
    assert "6.20" in reply.words
    assert "hand_over" in reply.tools


async def test_it_is_said_once_in_a_conversation(supervisor: Supervisor, maya: int) -> None:
    _, second = await told(supervisor, somebody(maya), ANGRY["en"], "What do I owe you?")

    assert "patience" not in second.words


@pytest.mark.parametrize("words", ["My solicitor will deal with you", "I want to end my life, why is my bill higher?"])
async def test_who_complains_or_may_be_in_danger_is_answered_by_nobody_but_a_person(supervisor: Supervisor, maya: int, words: str) -> None:
    (reply,) = await told(supervisor, somebody(maya), words)

    assert reply.tools == ("hand_over",)


def test_who_is_passed_on_is_not_told_in_the_same_breath_to_ask_for_somebody() -> None:
    said = with_acknowledgement("I am passing you on.", "I will take you to court", [], "en", is_handed_over=True)

    assert said == "I take it seriously that you mean to complain. I am passing you on."


async def test_a_colleague_of_ours_who_swears_is_answered_and_not_soothed(supervisor: Supervisor) -> None:
    noc = staff(StaffId(1), "Priya", frozenset({Role("noc_lead")}))

    (reply,) = await told(supervisor, noc, "What the hell, show me the open alarms")

    assert "patience" not in reply.words


def test_who_means_to_leave_is_answered_by_us_and_offered_a_person() -> None:
    words = "Then I will switch to another provider"

    assert not is_for_a_person(words)
    assert with_acknowledgement("It is 20.", words, [], "en", is_handed_over=False).startswith("I would be sorry to lose you. It is 20.")


def test_calm_words_are_left_as_they_are() -> None:
    earlier = [Said(by_us=False, words="I am furious", modules=[], tools=[])]

    assert acknowledged("What do I owe?", earlier, "en") == ""
    assert not is_for_a_person("What do I owe?")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "I want to end my life"),
        ("es", "Mi madre no respira"),
        ("de", "Er atmet nicht"),
        ("fr", "Il ne respire plus"),
        ("hi", "उन्हें सांस नहीं आ रही"),
    ],
)
def test_who_may_be_in_danger_hears_first_whom_to_call(language: str, words: str) -> None:
    assert "112" in acknowledged(words, [], language)
