"""How well sentences that no prompt holds are routed, with the sentence vectors and without."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from agents.briefs import Example, brief_of
from agents.embeddings import Encoder, MiniLm, Remembering, WordCounts
from agents.language import language_of
from agents.router import Router, clauses
from api.inbound.knowledge import keep_examples
from atlas.connection import Atlas
from atlas.knowledge.reads import nearest
from atlas.knowledge.records import Passage, PassageKind
from atlas.modules import MODULES
from atlas.principal import executor
from evals.benchmarks.intent import DataMissing, complaints, shares

HELD_OUT = Path(__file__).parents[2] / "evals" / "scenarios" / "held_out_sentences.yaml"
EXAMPLES = [example for module in MODULES for example in brief_of(module).examples]


def everything(example: Example) -> bool:
    return True


async def shares_right(router: Router) -> tuple[float, float]:
    held_out: dict[str, list[str]] = yaml.safe_load(HELD_OUT.read_text())
    places: list[int] = []
    for module, sentences in held_out.items():
        for sentence in sentences:
            near = await router.nearness(sentence, "en", everything)
            places.append([one.module for one in near].index(module))
    return sum(place == 0 for place in places) / len(places), sum(place <= 1 for place in places) / len(places)


async def test_no_held_out_sentence_stands_in_a_prompt() -> None:
    held_out: dict[str, list[str]] = yaml.safe_load(HELD_OUT.read_text())
    ours = {sentence.casefold() for sentences in held_out.values() for sentence in sentences}

    assert not ours & {example.words.casefold() for example in EXAMPLES}


async def test_four_of_five_unseen_sentences_find_their_module_first_and_nine_of_ten_among_two(router: Router) -> None:
    first, among_two = await shares_right(router)

    assert first >= 0.8
    assert among_two >= 0.9


async def test_word_counts_alone_still_find_more_than_half() -> None:
    encoder: Encoder = WordCounts()
    first, _ = await shares_right(await Router.of(EXAMPLES, encoder, encoder))

    assert first >= 0.55


@pytest.mark.parametrize("which", ["seen", "unseen"])
async def test_real_complaints_find_somebody_who_may_answer_them(router: Router, which: str) -> None:
    try:
        found = complaints(which)
    except DataMissing as missing:
        pytest.skip(f"{missing}: what real people complain of was routed by nobody")

    first, two, _ = await shares(router, found)

    assert (first >= 0.85, two >= 0.95) == (True, True)


async def test_three_requests_in_one_message_go_to_three_modules(router: Router) -> None:
    found = await router.errands("My line is down, I want a credit for the outage, and when is my visit?", "en", everything)

    assert [module for module, _ in found.parts] == ["nms", "billing", "field_service"]


async def test_one_request_in_two_clauses_stays_one(router: Router) -> None:
    found = await router.errands("My internet keeps dropping and it is very slow", "en", everything)

    assert [module for module, _ in found.parts] == ["nms"]


async def test_what_is_nobodys_goes_to_nobody(router: Router) -> None:
    found = await router.errands("Which horse won the race at Ascot", "en", everything)

    assert (found.parts, found.unsure) == ((), ())


@pytest.mark.parametrize(
    ("words", "language", "module"),
    [
        ("¿Por qué me ha subido tanto la factura?", "es", "billing"),
        ("No me funciona internet desde ayer", "es", "nms"),
        ("Warum ist die Rechnung so hoch?", "de", "billing"),
        ("Gibt es gerade eine Störung bei uns?", "de", "itsm"),
        ("Je voudrais parler à un conseiller", "fr", "helpdesk"),
        ("Y a-t-il une panne chez moi ?", "fr", "itsm"),
        ("मेरा बिल इतना ज़्यादा क्यों आया?", "hi", "billing"),
        ("net bahut slow chal raha hai", "hi", "nms"),
    ],
)
async def test_common_wishes_are_understood_in_five_languages(router: Router, words: str, language: str, module: str) -> None:
    spoken = language_of(words)
    near = await router.nearness(words, spoken, everything)

    assert (spoken, near[0].module) == (language, module)


def test_a_clause_of_one_word_stays_with_what_stands_before_it() -> None:
    assert clauses("I want a refund, please") == ["I want a refund please"]


@pytest.fixture
def happy() -> list[str]:
    return ["That is a happy person", "That is a happy dog", "That is a very happy person", "Today is a sunny day"]


def test_our_vectors_are_those_that_the_models_card_shows(happy: list[str]) -> None:
    vectors = MiniLm.installed().vectors(happy)

    near: Any = vectors[1:] @ vectors[0]
    assert [round(float(one), 3) for one in near] == [0.695, 0.943, 0.257]


def test_words_that_most_sentences_share_count_less_once_attuned_to_them() -> None:
    plain = MiniLm.installed()
    sentences = ["my internet service and the bill", "my internet service and a visit", "my internet service and the box"]
    attuned = plain.attuned(sentences)

    def likeness(encoder: MiniLm) -> float:
        bill, visit = encoder.vectors(sentences[:2])
        return float(bill @ visit)

    assert likeness(attuned) < likeness(plain)
    assert attuned.name != plain.name


async def test_what_is_remembered_of_one_encoder_is_not_taken_for_the_other() -> None:
    plain = Remembering(MiniLm.installed())
    attuned = plain.attuned(["my bill is high", "my bill is wrong"])
    await attuned.encode(["my bill jumped"])

    assert attuned is plain.attuned(["my bill is high", "my bill is wrong"])
    assert not np.allclose(await plain.encode(["my bill jumped"]), await attuned.encode(["my bill jumped"]))


async def test_postgresql_finds_the_same_nearest_examples_as_memory(atlas: Atlas, router: Router) -> None:
    english = [example for example in EXAMPLES if example.language == "en"]
    vectors = MiniLm.installed().vectors([example.words for example in english[:60]])
    await keep_examples(
        atlas,
        [
            Passage(PassageKind.EXAMPLE, one.module, one.tool, one.words, one.language, "all-MiniLM-L6-v2", tuple(vector.tolist()))
            for one, vector in zip(english, vectors, strict=False)
        ],
    )
    asked = MiniLm.installed().vectors(["how come my bill went up"])[0]

    async with atlas.transaction(executor("test")) as conn:
        found = await nearest(conn, PassageKind.EXAMPLE, "all-MiniLM-L6-v2", asked.tolist(), "en", most=5)

    in_memory = sorted(zip(vectors @ asked, (one.words for one in english), strict=False), reverse=True)[:5]
    assert [one.words for one in found] == [words for _, words in in_memory]
