"""Whoever searches under row security finds what an exact search without it finds."""

import numpy as np
import pytest

from atlas.connection import Atlas
from atlas.identity import CustomerId, StaffId
from atlas.knowledge.reads import nearest
from atlas.knowledge.records import PassageKind
from atlas.principal import Principal, customer, staff, stranger
from tests.given import Owner

PASSAGES, DIMENSIONS, QUESTIONS = 20_000, 384, 5


@pytest.mark.parametrize("principal", [stranger(), customer(CustomerId(1)), staff(StaffId(1), "Ada Lead", frozenset())], ids=str)
async def test_the_ten_nearest_of_twenty_thousand_passages_are_found(atlas: Atlas, owner: Owner, principal: Principal) -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(PASSAGES, DIMENSIONS)).astype(np.float32)
    async with owner.cursor().copy("COPY knowledge.passage (id, kind, module, words, model, vector) FROM STDIN") as copy:
        for number, vector in enumerate(np.round(vectors, 4).tolist()):
            await copy.write_row((number, "article", "helpdesk", f"passage {number}", "test", str(vector)))
    questions = rng.normal(size=(QUESTIONS, DIMENSIONS))
    kept = np.round(vectors, 4)
    near = (questions @ kept.T) / np.linalg.norm(kept, axis=1)

    async with atlas.transaction(principal) as conn:
        found = [
            {one.passage_id for one in await nearest(conn, PassageKind("article"), "test", question.tolist())} for question in questions
        ]

    right = [set(np.argsort(-each)[:10].tolist()) for each in near]
    assert sum(len(one & other) for one, other in zip(found, right, strict=True)) / (10 * QUESTIONS) >= 0.99
