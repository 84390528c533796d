"""Changes to what text is kept."""

from collections.abc import Mapping, Sequence

from atlas.identity import JobId
from atlas.knowledge.records import Passage, PassageKind
from atlas.knowledge.rules import vector_text
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
