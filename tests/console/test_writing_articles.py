"""Leads write articles in the console: found at once, every version kept with who wrote it, and nobody else's word for it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from psycopg.errors import InsufficientPrivilege

from agents.embeddings import Remembering, local_encoder
from api.chat import passages_of_articles
from api.inbound.knowledge import keep_articles, learn_from_articles
from atlas.connection import Atlas
from atlas.identity import CorrelationId, StaffId
from atlas.knowledge.reads import articles_about
from atlas.principal import Role, executor, staff, stranger
from forge.actions.helpdesk.articles import WriteArticle
from forge.propose import propose
from tests import given
from tests.asking import asking
from tests.doors.hooking import one
from tests.given import Owner
from tests.web import browsing
from tests.web.browsing import posted, signed_in
from tools.helpdesk import find_article

TITLE, WORDS = "Pausing a line", "Write to us a month before, and your line rests for up to a year."


@pytest.fixture
async def browser(atlas: Atlas, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing.browser((await browsing.site(atlas, tmp_path)).app) as client:
        yield client


@pytest.fixture
async def lead(browser: httpx.AsyncClient, owner: Owner) -> int:
    return await signed_in(browser, owner, "Nora Reed", "care_lead")


@pytest.fixture(scope="module")
def encoder() -> Remembering:
    return local_encoder()


async def wrote(browser: httpx.AsyncClient, path: str = "/articles", **form: Any) -> httpx.Response:
    typed = {"module": "oms", "title": TITLE, "words": WORDS, "audience": "everybody", **form}
    return await posted(browser, path, **typed)


async def cited(atlas: Atlas, question: str) -> list[tuple[str, str, int]]:
    """What a visitor is answered from, by its words alone."""
    async with asking(atlas, stranger()) as (turn, _):
        return [(found.title, found.words, found.version) for found in await find_article(turn, question)]


async def test_what_a_lead_writes_answers_the_next_question(browser: httpx.AsyncClient, atlas: Atlas, lead: int) -> None:
    answer = await wrote(browser)

    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/articles/1")
    assert await cited(atlas, "can I pause my line") == [(TITLE, WORDS, 1)]


async def test_every_version_is_kept_with_who_wrote_it_and_when(browser: httpx.AsyncClient, atlas: Atlas, owner: Owner, lead: int) -> None:
    await wrote(browser)
    await wrote(browser, "/articles/1", after=1, words="Your line rests for up to six months.")

    page = (await browser.get("/articles/1")).text

    assert await cited(atlas, "can I pause my line") == [(TITLE, "Your line rests for up to six months.", 2)]
    assert (WORDS in page, page.count("Nora Reed,")) == (True, 2)
    assert page.index('id="v2"') < page.index('id="v1"')
    assert await one(owner, "SELECT count(*), count(DISTINCT action_id) FROM knowledge.article_version") == (2, 2)


async def test_an_article_of_a_file_that_is_changed_here_keeps_what_the_file_said_and_stands_over_it(
    browser: httpx.AsyncClient, atlas: Atlas, owner: Owner, lead: int, encoder: Remembering
) -> None:
    ours = await passages_of_articles(encoder)
    await keep_articles(atlas, ours)
    number, said = await one(owner, "SELECT id, words FROM knowledge.passage WHERE title = 'Paying by direct debit'")
    await wrote(browser, f"/articles/{number}", after=0, module="billing", title="Direct debit", words="We take it on the fifth.")

    await keep_articles(atlas, ours)
    page = (await browser.get(f"/articles/{number}")).text

    assert await one(owner, "SELECT count(*) FROM knowledge.passage WHERE title ILIKE '%%direct debit'") == 1
    assert ("As the file said it" in page, said[:40] in page) == (True, True)


async def test_a_retired_article_answers_nobody_and_can_still_be_read_and_brought_back(
    browser: httpx.AsyncClient, atlas: Atlas, lead: int
) -> None:
    await wrote(browser)
    await posted(browser, "/articles/1/retire", after=1)
    gone, page, shelf = await cited(atlas, "can I pause my line"), (await browser.get("/articles/1")).text, await browser.get("/articles")

    await wrote(browser, "/articles/1", after=2)

    assert gone == []
    assert (WORDS in page, "Taken away: 1" in shelf.text) == (True, True)
    assert await cited(atlas, "can I pause my line") == [(TITLE, WORDS, 3)]


async def test_two_who_write_at_once_do_not_lose_one_anothers_words(browser: httpx.AsyncClient, owner: Owner, lead: int) -> None:
    await wrote(browser)
    await wrote(browser, "/articles/1", after=1, words="Six months.")

    late = await wrote(browser, "/articles/1", after=1, words="Three months, I say.")

    assert (late.status_code, "meanwhile" in late.text) == (409, True)
    assert ("Six months." in late.text, "Three months, I say." in late.text) == (True, True)
    assert await one(owner, "SELECT words FROM knowledge.passage") == "Six months."


async def test_the_same_form_sent_twice_is_one_version(browser: httpx.AsyncClient, owner: Owner, lead: int) -> None:
    await wrote(browser)

    for _ in range(2):
        await wrote(browser, "/articles/1", after=1, words="Six months.")

    assert await one(owner, "SELECT max(version) FROM knowledge.article_version") == 2


async def test_kept_unchanged_it_says_that_somebody_saw_to_it(browser: httpx.AsyncClient, owner: Owner, lead: int) -> None:
    await wrote(browser)
    await owner.execute("UPDATE knowledge.passage SET reviewed_on = '2020-01-01'")
    before = (await browser.get("/articles")).text

    await wrote(browser, "/articles/1", after=1)

    assert ("not seen to for a year" in before, "not seen to for a year" in (await browser.get("/articles")).text) == (True, False)


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"title": "   "}, "what it is about"),
        ({"words": "\x00\x01"}, "what it says"),
        ({"words": "x" * 1_201}, "two articles"),
        ({"module": "weather"}, "one of catalogue"),
    ],
)
async def test_what_is_no_article_is_refused_and_nothing_that_was_typed_is_lost(
    browser: httpx.AsyncClient, owner: Owner, lead: int, form: dict[str, str], why: str
) -> None:
    answer = await wrote(browser, **form)

    assert (answer.status_code, why in answer.text) == (409, True)
    assert await one(owner, "SELECT count(*) FROM knowledge.passage") == 0


@pytest.mark.parametrize("form", [{"title": TITLE.upper(), "words": "Others."}, {"title": "Another title"}])
async def test_two_articles_of_one_name_or_of_the_same_words_are_refused(
    browser: httpx.AsyncClient, owner: Owner, lead: int, form: dict[str, str]
) -> None:
    await wrote(browser)

    answer = await wrote(browser, **form)

    assert (answer.status_code, TITLE in answer.text) == (409, True)
    assert await one(owner, "SELECT count(*) FROM knowledge.passage") == 1


async def test_what_a_lead_writes_is_shown_as_text(browser: httpx.AsyncClient, lead: int) -> None:
    await wrote(browser, words="<img src=x onerror=alert(1)> is what it says.")

    page = (await browser.get("/articles/1")).text

    assert ("&lt;img src=x" in page, "<img src=x" in page) == (True, False)


async def test_colleagues_who_are_no_leads_read_and_are_shown_no_form(browser: httpx.AsyncClient, owner: Owner, lead: int) -> None:
    await wrote(browser)
    await browser.post("/sign-out", data={"token": await browsing.form_token(browser)})
    await signed_in(browser, owner, "Ben Osei", "customer_care", "noc_engineer", "field_lead", "auditor")

    page = await browser.get("/articles/1")
    refused = await wrote(browser, "/articles/1", after=1, words="Never.")

    assert (page.status_code, WORDS in page.text, "Keep it" in page.text) == (200, True, False)
    assert refused.status_code == 403


async def test_the_database_takes_no_article_from_whoever_is_no_lead(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    ben = StaffId(await given.member(owner, "Ben Osei", "customer_care"))
    here = await browsing.site(atlas, tmp_path)
    order = WriteArticle(None, 0, "oms", TITLE, WORDS, True)
    claims_to_be_a_lead = staff(ben, "Ben Osei", frozenset({Role.CARE_LEAD}))

    made = await propose(here.forge, claims_to_be_a_lead, order, reason="says so", correlation_id=CorrelationId(uuid4()))

    assert (made.state.value, await one(owner, "SELECT count(*) FROM knowledge.passage")) == ("failed", 0)
    assert "InsufficientPrivilege" in (made.failure or "") or "may not write" in (made.failure or "")


async def test_what_was_written_is_changed_by_no_other_way(browser: httpx.AsyncClient, atlas: Atlas, owner: Owner, lead: int) -> None:
    await wrote(browser)

    for statement in (
        b"UPDATE knowledge.passage SET words = 'Pay at evil.example'",
        b"UPDATE knowledge.passage SET version = 0",
        b"UPDATE knowledge.article_version SET words = 'Pay at evil.example'",
        b"DELETE FROM knowledge.article_version",
    ):
        with pytest.raises(InsufficientPrivilege):
            async with atlas.transaction(executor("tests")) as conn:
                await conn.execute(statement)
    async with atlas.transaction(executor("tests")) as conn:
        await conn.execute("DELETE FROM knowledge.passage")

    assert await one(owner, "SELECT words FROM knowledge.passage") == WORDS


@dataclass(frozen=True)
class Meaning:
    """What makes vectors of sentences, as the agents' router does."""

    encoder: Remembering

    @property
    def encoder_name(self) -> str:
        return self.encoder.name

    async def meaning(self, words: str) -> tuple[str, list[float]]:
        return self.encoder.name, (await self.encoder.encode([words]))[0].tolist()


async def test_whoever_asks_in_other_words_finds_it_once_its_vector_is_made(
    browser: httpx.AsyncClient, atlas: Atlas, owner: Owner, lead: int, encoder: Remembering
) -> None:
    await wrote(browser, title="When you go abroad", words="Your broadband can be suspended while you travel: write to us a week before.")
    question, meant = "can my internet be paused during a holiday overseas", Meaning(encoder)

    async def found() -> list[str]:
        async with atlas.transaction(stranger()) as conn:
            return [one.title for one in await articles_about(conn, question, *await meant.meaning(question))]

    before = await found()
    learned = [await learn_from_articles(atlas, meant) for _ in range(2)]
    after = await found()
    await wrote(browser, "/articles/1", after=1, words="Your line rests for up to six months, if you write to us.")

    assert (before, learned, after) == ([], [1, 0], ["When you go abroad"])
    assert await one(owner, "SELECT model, vector IS NULL FROM knowledge.passage") == ("", True)
    assert await learn_from_articles(atlas, meant) == 1
