"""What can be asked after arrives in Atlas with its vectors: example sentences of the prompts, articles, and what engineers found."""

from collections.abc import Sequence
from typing import Final, Protocol

from atlas.connection import Atlas
from atlas.knowledge.reads import unlearned_articles, unlearned_jobs
from atlas.knowledge.records import Passage, PassageKind
from atlas.knowledge.writes import learn_article, learn_solved, replace_passages
from atlas.principal import executor

# So many sentences are half a second of one core.
MOST_LEARNED: Final = 50


async def keep_examples(atlas: Atlas, passages: Sequence[Passage]) -> int:
    """Keeps exactly these examples; how many were new or changed."""
    async with atlas.transaction(executor("prompts")) as conn:
        return await replace_passages(conn, PassageKind.EXAMPLE, passages)


async def keep_articles(atlas: Atlas, passages: Sequence[Passage]) -> int:
    """Keeps exactly these articles; how many were new or changed."""
    async with atlas.transaction(executor("prompts")) as conn:
        return await replace_passages(conn, PassageKind.ARTICLE, passages)


class Meant(Protocol):
    """What makes vectors of sentences."""

    @property
    def encoder_name(self) -> str: ...

    async def meaning(self, words: str) -> tuple[str, list[float]]:
        """The encoder's name, and its vector of these words."""


async def learn_from_jobs(atlas: Atlas, meant: Meant) -> int:
    """Makes what engineers wrote down since the last time findable by meaning; how many jobs."""
    async with atlas.transaction(executor("prompts")) as conn:
        jobs = await unlearned_jobs(conn, meant.encoder_name, MOST_LEARNED)
    vectors = {one.job_id: (await meant.meaning(f"{one.kind}: {one.findings}"))[1] for one in jobs}
    if not vectors:
        return 0
    async with atlas.transaction(executor("prompts")) as conn:
        return await learn_solved(conn, meant.encoder_name, vectors)


async def learn_from_articles(atlas: Atlas, meant: Meant) -> int:
    """Makes what colleagues wrote since the last time findable by meaning, as it was by its words at once; how many articles."""
    async with atlas.transaction(executor("prompts")) as conn:
        articles = await unlearned_articles(conn, meant.encoder_name, MOST_LEARNED)
    vectors = [(await meant.meaning(f"{one.title}. {one.words}"))[1] for one in articles]
    async with atlas.transaction(executor("prompts")) as conn:
        learned = [await learn_article(conn, one, meant.encoder_name, vector) for one, vector in zip(articles, vectors, strict=True)]
    return sum(learned)
