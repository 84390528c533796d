"""Whoever searches under row security finds what an exact search without it finds."""

import numpy as np

from atlas.connection import Atlas
from atlas.identity import CustomerId, StaffId
from atlas.knowledge.reads import nearest
from atlas.knowledge.records import PassageKind
from atlas.principal import customer, staff, stranger
from tests.given import Owner

PASSAGES, DIMENSIONS, QUESTIONS = 6_000, 384, 4


async def test_the_ten_nearest_of_thousands_of_passages_are_found_by_whoever_asks(atlas: Atlas, owner: Owner) -> None:
    rng = np.random.default_rng(1)
    kept = rng.integers(-9, 10, (PASSAGES, DIMENSIONS))
    async with owner.cursor().copy("COPY knowledge.passage (id, kind, module, words, model, vector) FROM STDIN") as copy:
        for number, vector in enumerate(kept.tolist()):
            await copy.write(f"{number}\tarticle\thelpdesk\tpassage {number}\ttest\t{str(vector).replace(' ', '')}\n")
    questions = rng.normal(size=(QUESTIONS, DIMENSIONS))
    near = (questions @ kept.T) / np.linalg.norm(kept, axis=1)
    right = [set(np.argsort(-each)[:10].tolist()) for each in near]

    for principal in (stranger(), customer(CustomerId(1)), staff(StaffId(1), "Ada Lead", frozenset())):
        async with atlas.transaction(principal) as conn:
            found = [{one.passage_id for one in await nearest(conn, PassageKind.ARTICLE, "test", list(each))} for each in questions]

        assert sum(len(one & other) for one, other in zip(found, right, strict=True)) / (10 * QUESTIONS) >= 0.99
