"""Articles are found by their words and by what they mean; customers are answered from public ones, and every answer says which it was."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from agents.articles import articles
from agents.briefs import PromptMalformed
from agents.embeddings import Remembering, local_encoder
from api.chat import passages_of_articles
from api.inbound.knowledge import keep_articles
from atlas.connection import Atlas
from atlas.identity import StaffId
from atlas.knowledge.reads import articles_about
from atlas.knowledge.records import Alike, Article
from atlas.knowledge.rules import contradict, is_stale, shelf
from atlas.principal import Principal, staff, stranger
from tests.asking import asking
from tools.helpdesk import find_article

ADA = staff(StaffId(1), "Ada Lead", frozenset())
# What people ask, in words that the article's title does not have, and the article that answers it.
ASKED = {
    "How do I change my wireless password?": "Changing your Wi-Fi password or name",
    "where is the best spot for the box": "Where to put your router for the best Wi-Fi",
    "a red light is blinking on my modem": "What the lights on your router mean",
    "everything loads slowly in the evening": "When the internet is slow",
    "can I host a game server and forward ports": "Opening a port or using a fixed address",
    "can you take the money from my bank account each month": "Paying by direct debit",
    "why was my very first invoice so large": "Why the first bill is different",
    "we are moving house next month": "Taking your line with you when you move",
    "my grandmother has an emergency pendant": "Telecare alarms, and calls when the power is out",
}


@pytest.fixture(scope="module")
def encoder() -> Remembering:
    return local_encoder()


async def found(atlas: Atlas, encoder: Remembering, asks: Principal, question: str, most: int = 3) -> list[str]:
    vector = (await encoder.encode([question]))[0].tolist()
    async with atlas.transaction(asks) as conn:
        return [one.title for one in await articles_about(conn, question, encoder.name, vector, most)]


async def test_whoever_asks_in_other_words_finds_the_article(atlas: Atlas, encoder: Remembering) -> None:
    await keep_articles(atlas, await passages_of_articles(encoder))

    first_three = {question: await found(atlas, encoder, stranger(), question) for question in ASKED}

    missed = [question for question, titles in first_three.items() if ASKED[question] not in titles]
    first = sum(titles[:1] == [ASKED[question]] for question, titles in first_three.items())
    assert (missed, first >= 7) == ([], True)


async def test_an_article_for_colleagues_is_found_by_colleagues_only(atlas: Atlas, encoder: Remembering) -> None:
    await keep_articles(atlas, await passages_of_articles(encoder))
    question = "optical levels at the ONT in dBm"

    assert "Reading optical levels at a customer's ONT" in await found(atlas, encoder, ADA, question)
    assert "Reading optical levels at a customer's ONT" not in await found(atlas, encoder, stranger(), question, most=20)


async def test_without_an_encoder_the_words_alone_find_it(atlas: Atlas, encoder: Remembering) -> None:
    await keep_articles(atlas, await passages_of_articles(encoder))

    async with atlas.transaction(stranger()) as conn:
        by_words = await articles_about(conn, "How does direct debit work?")

    assert by_words[0].title == "Paying by direct debit"


async def test_what_no_article_is_about_finds_none(atlas: Atlas, encoder: Remembering) -> None:
    await keep_articles(atlas, await passages_of_articles(encoder))

    assert await found(atlas, encoder, stranger(), "zebra quantum opera") == []


async def test_the_tool_names_the_article_and_says_when_it_has_grown_old(atlas: Atlas, encoder: Remembering) -> None:
    await keep_articles(atlas, await passages_of_articles(encoder))

    async with asking(atlas, stranger()) as (turn, _):
        cited = await find_article(turn, "direct debit")

    assert cited[0].title == "Paying by direct debit"
    assert cited[0].is_stale is is_stale(date(2026, 11, 1), turn.now.date())
    assert is_stale(date(2026, 11, 1), datetime(2027, 11, 2, tzinfo=UTC).date())
    assert is_stale(None, date(2026, 11, 1))


async def test_kept_again_nothing_changes_and_a_new_review_does(atlas: Atlas, encoder: Remembering) -> None:
    ours = await passages_of_articles(encoder)

    assert await keep_articles(atlas, ours) == len(ours)
    assert await keep_articles(atlas, ours) == 0


@pytest.mark.parametrize(
    ("head", "wrong"),
    [
        ("title: T\nabout: billing\nfor: everybody", "its head says"),
        ("title: T\nabout: weather\nfor: everybody\nreviewed: 2026-11-01", "about will not do"),
        ("title: T\nabout: billing\nfor: friends\nreviewed: soon", "for, reviewed will not do"),
    ],
)
def test_a_file_that_is_no_article_is_refused_by_name(tmp_path: Path, head: str, wrong: str) -> None:
    (tmp_path / "odd.md").write_text(f"---\n{head}\n---\nWords.\n")

    with pytest.raises(PromptMalformed, match=wrong):
        articles(tmp_path)


def test_two_articles_of_one_name_contradict_one_another(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.md").write_text("---\ntitle: Same\nabout: billing\nfor: everybody\nreviewed: 2026-11-01\n---\nWords.\n")

    with pytest.raises(PromptMalformed, match="two articles are called"):
        articles(tmp_path)


def test_two_articles_about_the_same_that_give_other_figures_are_flagged_before_the_stale_and_the_sound() -> None:
    def article(number: int, title: str, words: str, reviewed_on: date | None = date(2026, 11, 1)) -> Article:
        return Article(number, "oms", title, words, True, reviewed_on)

    moving = article(1, "Moving", "Tell us two weeks before.")
    leaving = article(2, "Moving house", "Write to us at least 4 weeks before you go.")
    old = article(3, "Old", "Nobody looked at this.", date(2025, 1, 1))
    sound = article(4, "Sound", "Wait 2 weeks.")

    shelved = shelf([sound, old, leaving, moving], [Alike(1, 2), Alike(1, 4)], date(2026, 11, 29))

    assert [(one.article.title, one.contradicts, one.is_stale) for one in shelved] == [
        ("Moving", ("Moving house",), False),
        ("Moving house", ("Moving",), False),
        ("Old", (), True),
        ("Sound", (), False),
    ]


@pytest.mark.parametrize(
    ("words", "others", "is_so"),
    [
        ("two weeks before", "2 weeks before", False),
        ("two weeks before", "14 days before", False),
        ("below -27 dBm", "below -25 dBm", True),
        ("between -8 and -27 dBm", "below -27 dBm", False),
        ("thirty seconds", "30 seconds, then 60 seconds", False),
        ("a 5 GHz network", "wait 3 minutes", False),
        ("5 % off", "10% off", True),
    ],
)
def test_figures_contradict_where_they_count_the_same_and_share_none(words: str, others: str, is_so: bool) -> None:
    assert (contradict(words, others), contradict(others, words)) == (is_so, is_so)
