"""Questions about text: what lies near."""

from collections.abc import Sequence

from atlas.knowledge.records import FoundArticle, KnownVector, NearPassage, PassageKind
from atlas.knowledge.rules import LEAST_NEARNESS, MOST_RANKED, RANK_OFFSET, vector_text
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
    return await SQL.all(
        conn,
        FoundArticle,
        "articles_about",
        question=question,
        model=model,
        vector=None if vector is None else vector_text(vector),
        ranked=MOST_RANKED,
        rank_offset=RANK_OFFSET,
        least=LEAST_NEARNESS,
        most=most,
    )


async def passages_of(conn: Connection, kind: PassageKind, model: str) -> int:
    """How many of this kind are kept with vectors of this model."""
    return int(await SQL.value(conn, "passages_of", kind=kind.value, model=model))


async def known_vectors(conn: Connection, kind: PassageKind, model: str) -> list[KnownVector]:
    """Every sentence of this kind that `model` has made a vector of, so that nobody computes it again."""
    return await SQL.all(conn, KnownVector, "known_vectors", kind=kind.value, model=model)
