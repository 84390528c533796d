"""The example sentences of the prompts arrive in Atlas with their vectors, so that the next start need not compute them."""

from collections.abc import Sequence

from atlas.connection import Atlas
from atlas.knowledge.records import Passage, PassageKind
from atlas.knowledge.writes import replace_passages
from atlas.principal import executor


async def keep_examples(atlas: Atlas, passages: Sequence[Passage]) -> int:
    """Keeps exactly these examples; how many were new or changed."""
    async with atlas.transaction(executor("prompts")) as conn:
        return await replace_passages(conn, PassageKind.EXAMPLE, passages)


async def keep_articles(atlas: Atlas, passages: Sequence[Passage]) -> int:
    """Keeps exactly these articles; how many were new or changed."""
    async with atlas.transaction(executor("prompts")) as conn:
        return await replace_passages(conn, PassageKind.ARTICLE, passages)
