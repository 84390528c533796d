"""Questions about text: what lies near."""

from collections.abc import Sequence
from datetime import date

from atlas.errors import NotFound
from atlas.knowledge.records import (
    Alike,
    Article,
    ArticleVersion,
    FoundArticle,
    KnownVector,
    NearPassage,
    PassageKind,
    ShelvedArticle,
    SolvedBefore,
    UnlearnedArticle,
    UnlearnedJob,
)
from atlas.knowledge.rules import ALIKE, LEAST_NEARNESS, MOST_RANKED, RANK_OFFSET, shelf, vector_text
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def nearest(
    conn: Connection, kind: PassageKind, model: str, vector: Sequence[float], language: str | None = None, most: int = 10
) -> list[NearPassage]:
    """The passages of this kind nearest to `vector`, which the same model made; nearest first. `language` None: of any."""
    return await SQL.all(
        conn, NearPassage, "nearest", kind=kind.value, model=model, vector=vector_text(vector), language=language, most=most
    )


async def articles_about(
    conn: Connection, question: str, model: str = "", vector: Sequence[float] | None = None, most: int = 3
) -> list[FoundArticle]:
    """The articles that answer a question best, of those the caller may read: by words, and by `vector` where `model` made one."""
    return await SQL.all(conn, FoundArticle, "articles_about", most=most, **_asked(question, model, vector))


async def solved_like(
    conn: Connection, question: str, model: str = "", vector: Sequence[float] | None = None, most: int = 3
) -> list[SolvedBefore]:
    """What engineers found and did about something like this, the best first: by words, and by `vector` where `model` made one."""
    return await SQL.all(conn, SolvedBefore, "solved_like", most=most, **_asked(question, model, vector))


def _asked(question: str, model: str, vector: Sequence[float] | None) -> dict[str, object]:
    return {
        "question": question,
        "model": model,
        "vector": None if vector is None else vector_text(vector),
        "ranked": MOST_RANKED,
        "rank_offset": RANK_OFFSET,
        "least": LEAST_NEARNESS,
    }


async def article_shelf(conn: Connection, today: date) -> list[ShelvedArticle]:
    """Every article, those to be looked at first: what contradicts another, then what nobody looked at for a year."""
    return shelf(await SQL.all(conn, Article, "article_shelf"), await SQL.all(conn, Alike, "articles_alike", alike=ALIKE), today)


async def article(conn: Connection, passage_id: int) -> Article:
    """One article as it stands, retired or not. Raises NotFound."""
    found = await SQL.first(conn, Article, "article", passage_id=passage_id)
    if found is None:
        raise NotFound("article", passage_id)
    return found


async def retired_articles(conn: Connection) -> list[Article]:
    """What is told to nobody any more, by title."""
    return await SQL.all(conn, Article, "retired_articles")


async def article_versions(conn: Connection, passage_id: int) -> list[ArticleVersion]:
    """All that an article ever said since somebody first wrote in it here, the newest first."""
    return await SQL.all(conn, ArticleVersion, "article_versions", passage_id=passage_id)


async def unlearned_articles(conn: Connection, model: str, most: int) -> list[UnlearnedArticle]:
    """Articles that somebody wrote and that have no vector of this model yet."""
    return await SQL.all(conn, UnlearnedArticle, "unlearned_articles", model=model, most=most)


async def unlearned_jobs(conn: Connection, model: str, most: int) -> list[UnlearnedJob]:
    """Jobs done whose findings say something and have no vector of this model yet, the latest first."""
    return await SQL.all(conn, UnlearnedJob, "unlearned_jobs", model=model, most=most)


async def passages_of(conn: Connection, kind: PassageKind, model: str) -> int:
    """How many of this kind are kept with vectors of this model."""
    return int(await SQL.value(conn, "passages_of", kind=kind.value, model=model))


async def known_vectors(conn: Connection, kind: PassageKind, model: str) -> list[KnownVector]:
    """Every sentence of this kind that `model` has made a vector of, so that nobody computes it again."""
    return await SQL.all(conn, KnownVector, "known_vectors", kind=kind.value, model=model)
