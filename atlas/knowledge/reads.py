"""Questions about text: what lies near."""

from collections.abc import Sequence

from atlas.knowledge.records import KnownVector, NearPassage, PassageKind
from atlas.knowledge.rules import vector_text
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def nearest(
    conn: Connection, kind: PassageKind, model: str, vector: Sequence[float], language: str | None = None, most: int = 10
) -> list[NearPassage]:
    """The passages of this kind nearest to `vector`, which the same model made; nearest first. `language` None: of any."""
    return await SQL.all(
        conn, NearPassage, "nearest", kind=kind.value, model=model, vector=vector_text(vector), language=language, most=most
    )


async def passages_of(conn: Connection, kind: PassageKind, model: str) -> int:
    """How many of this kind are kept with vectors of this model."""
    return int(await SQL.value(conn, "passages_of", kind=kind.value, model=model))


async def known_vectors(conn: Connection, kind: PassageKind, model: str) -> list[KnownVector]:
    """Every sentence of this kind that `model` has made a vector of, so that nobody computes it again."""
    return await SQL.all(conn, KnownVector, "known_vectors", kind=kind.value, model=model)
