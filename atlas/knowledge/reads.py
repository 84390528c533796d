"""Questions about text: what lies near."""

from collections.abc import Sequence

from atlas.knowledge.records import NearPassage, PassageKind
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
