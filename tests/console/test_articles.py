"""The room of articles: what is to be looked at comes first, and a question finds what answers it."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import httpx
import pytest

from agents.embeddings import local_encoder
from api.chat import passages_of_articles
from api.inbound.knowledge import keep_articles
from atlas.connection import Atlas
from tests.given import Owner
from tests.web import browsing
from tests.web.browsing import signed_in


@pytest.fixture
async def browser(atlas: Atlas, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing.browser((await browsing.site(atlas, tmp_path)).app) as client:
        yield client


async def test_an_article_nobody_looked_at_for_a_year_stands_first(browser: httpx.AsyncClient, atlas: Atlas, owner: Owner) -> None:
    await keep_articles(atlas, await passages_of_articles(local_encoder()))
    await owner.execute("UPDATE knowledge.passage SET reviewed_on = %s WHERE title = 'Paying by direct debit'", [date(2020, 1, 1)])
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    page = (await browser.get("/articles")).text

    assert page.index("Paying by direct debit") < page.index("Why the first bill is different")
    assert "not seen to for a year" in page


async def test_a_question_finds_the_article_that_answers_it(browser: httpx.AsyncClient, atlas: Atlas, owner: Owner) -> None:
    await keep_articles(atlas, await passages_of_articles(local_encoder()))
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    page = (await browser.get("/articles", params={"q": "blinking <red> light"})).text

    answers = page[page.index("Answers it") : page.index("On the shelf")]
    assert "What the lights on your router mean" in answers
    assert "blinking &lt;red&gt; light" in page
    assert "No job on record had anything like that" in page


async def test_without_articles_the_room_says_how_one_is_made(browser: httpx.AsyncClient, owner: Owner) -> None:
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    assert "There are no articles" in (await browser.get("/articles")).text
