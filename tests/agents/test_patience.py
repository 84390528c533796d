"""Who is angry hears first that it was seen, once; who is angry again, or speaks of a complaint, is passed on to one of us."""

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
async def test_the_angry_are_seen_first_and_answered_all_the_same(supervisor: Supervisor, maya: int, language: str) -> None:
    (reply,) = await told(supervisor, somebody(maya), ANGRY[language])

    said = phrases(language)
    assert reply.words.startswith(said["acknowledged"]["angry"])
    assert "6.20" in reply.words
    assert reply.words.endswith(said["rather_a_person"])


async def test_it_is_said_once_in_a_conversation(supervisor: Supervisor, maya: int) -> None:
    _, second = await told(supervisor, somebody(maya), ANGRY["en"], "What do I owe you?")

    assert "patience" not in second.words


@pytest.mark.parametrize("words", ["This is a disgrace, nothing you say helps", "My solicitor will deal with you"])
async def test_who_is_angry_again_or_speaks_of_a_complaint_is_passed_on(supervisor: Supervisor, maya: int, words: str) -> None:
    *_, last = await told(supervisor, somebody(maya), ANGRY["en"], words)

    assert last.tools == ("hand_over",)
    assert last.trace["route"] == {"mood": "past patience"}


def test_who_is_passed_on_is_not_told_in_the_same_breath_to_ask_for_somebody() -> None:
    said = with_acknowledgement("I am passing you on.", "I will take you to court", [], "en", is_handed_over=True)

    assert said == "I take it seriously that you mean to complain. I am passing you on."


async def test_a_colleague_of_ours_who_swears_is_answered_and_not_soothed(supervisor: Supervisor) -> None:
    noc = staff(StaffId(1), "Priya", frozenset({Role("noc_lead")}))

    (reply,) = await told(supervisor, noc, "What the hell, show me the open alarms")

    assert "patience" not in reply.words


def test_who_means_to_leave_is_answered_by_us_and_offered_a_person() -> None:
    words = "Then I will switch to another provider"

    assert not is_for_a_person(words, [])
    assert with_acknowledgement("It is 20.", words, [], "en", is_handed_over=False).startswith("I would be sorry to lose you. It is 20.")


def test_calm_words_are_left_as_they_are() -> None:
    earlier = [Said(by_us=False, words="I am furious", modules=[], tools=[])]

    assert acknowledged("What do I owe?", earlier, "en") == ""
    assert not is_for_a_person("What do I owe?", earlier)


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
