"""Changes to what text is kept."""

from collections.abc import Mapping, Sequence
from datetime import date

from atlas.identity import JobId
from atlas.knowledge.records import Passage, PassageKind, UnlearnedArticle
from atlas.knowledge.rules import ArticleMoved, ArticleTwice, vector_text
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def replace_passages(conn: Connection, kind: PassageKind, passages: Sequence[Passage]) -> int:
    """Keeps exactly these of this kind: how many were new or changed. The same sentence for one module is kept once."""
    once = list({(passage.module, passage.words): passage for passage in passages}.values())
    columns = {
        "modules": [passage.module for passage in once],
        "titles": [passage.title for passage in once],
        "words": [passage.words for passage in once],
        "languages": [passage.language for passage in once],
        "models": [passage.model for passage in once],
        "vectors": [vector_text(passage.vector) for passage in once],
        "are_public": [passage.is_public for passage in once],
        "reviewed_ons": [passage.reviewed_on for passage in once],
    }
    await SQL.run(conn, "forget_others", kind=kind.value, modules=columns["modules"], words=columns["words"])
    return await SQL.run(conn, "keep_passages", kind=kind.value, **columns)


async def learn_solved(conn: Connection, model: str, vectors: Mapping[JobId, Sequence[float]]) -> int:
    """Makes what was found at these jobs findable by meaning; how many."""
    return await SQL.run(conn, "learn_solved", model=model, jobs=list(vectors), vectors=[vector_text(one) for one in vectors.values()])


async def write_article(
    conn: Connection, passage_id: int | None, after: int, module: str, title: str, words: str, *, is_public: bool, today: date
) -> tuple[int, int]:
    """Keeps a version and shows it: the article's id, and the version's number. Needs a claimed action of a colleague who may.

    `passage_id` None: a new article; else `after` is the version that was read before this was written. Raises ArticleMoved, ArticleTwice.
    """
    await SQL.value(conn, "lock_articles")
    said = {"module": module, "title": title, "words": words}
    other: str | None = await SQL.value(conn, "article_like", passage_id=passage_id or 0, **said)
    if other is not None:
        raise ArticleTwice(f"the article {other!r} has this title, or says these words")
    if passage_id is None:
        article = int(await SQL.value(conn, "begin_article", is_public=is_public, **said))
    else:
        article = passage_id
        await SQL.run(conn, "keep_as_filed", passage_id=article)
    version = await SQL.value(conn, "write_version", passage_id=article, after=after, is_public=is_public, **said)
    if version is None:
        raise ArticleMoved("somebody wrote in this article meanwhile; read what it says now")
    await SQL.run(conn, "show_version", passage_id=article, version=version, is_filed=passage_id is not None, today=today)
    return article, int(version)


async def retire_article(conn: Connection, passage_id: int, after: int, today: date) -> int:
    """Has nobody told of it any more; the number of the version that says so. Needs a claimed action. Raises ArticleMoved."""
    await SQL.value(conn, "lock_articles")
    await SQL.run(conn, "keep_as_filed", passage_id=passage_id)
    version = await SQL.value(conn, "retire_version", passage_id=passage_id, after=after)
    if version is None:
        raise ArticleMoved("this article was written in, or taken away, meanwhile")
    await SQL.run(conn, "show_version", passage_id=passage_id, version=version, is_filed=True, today=today)
    return int(version)


async def learn_article(conn: Connection, one: UnlearnedArticle, model: str, vector: Sequence[float]) -> bool:
    """Makes it findable by meaning; False where it says something else by now."""
    return (
        await SQL.run(conn, "learn_article", passage_id=one.passage_id, version=one.version, model=model, vector=vector_text(vector)) == 1
    )
