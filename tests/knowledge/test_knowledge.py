from dataclasses import replace

import pytest

from atlas.connection import Atlas
from atlas.identity import CustomerId
from atlas.knowledge.reads import nearest, passages_of
from atlas.knowledge.records import Passage, PassageKind
from atlas.knowledge.rules import VectorUnusable, vector_text
from atlas.knowledge.writes import replace_passages
from atlas.principal import customer, executor

EAST = (1.0,) + (0.0,) * 383
NORTH = (0.0, 1.0) + (0.0,) * 382
OUTAGE = Passage(PassageKind.EXAMPLE, "itsm", "", "is there an outage", "en", "minilm", EAST)
BILL = Passage(PassageKind.EXAMPLE, "billing", "", "why is my bill higher", "en", "minilm", NORTH)


async def keep(atlas: Atlas, *passages: Passage) -> int:
    async with atlas.transaction(executor("tests")) as conn:
        return await replace_passages(conn, PassageKind.EXAMPLE, passages)


async def test_the_nearest_passage_comes_first(atlas: Atlas) -> None:
    await keep(atlas, OUTAGE, BILL)

    async with atlas.transaction(customer(CustomerId(1))) as conn:
        found = await nearest(conn, PassageKind.EXAMPLE, "minilm", NORTH)

    assert [(passage.module, round(passage.nearness)) for passage in found] == [("billing", 1), ("itsm", 0)]


async def test_vectors_of_different_models_are_never_compared(atlas: Atlas) -> None:
    await keep(atlas, OUTAGE, replace(BILL, model="another"))

    async with atlas.transaction(executor("tests")) as conn:
        found = await nearest(conn, PassageKind.EXAMPLE, "minilm", NORTH)

    assert [passage.module for passage in found] == ["itsm"]


async def test_a_language_may_be_asked_for(atlas: Atlas) -> None:
    await keep(atlas, OUTAGE, replace(BILL, language="es"))

    async with atlas.transaction(executor("tests")) as conn:
        found = await nearest(conn, PassageKind.EXAMPLE, "minilm", EAST, language="es")

    assert [passage.module for passage in found] == ["billing"]


async def test_what_is_no_longer_among_them_is_forgotten(atlas: Atlas) -> None:
    await keep(atlas, OUTAGE, BILL)

    await keep(atlas, BILL)

    async with atlas.transaction(executor("tests")) as conn:
        assert await passages_of(conn, PassageKind.EXAMPLE, "minilm") == 1


async def test_keeping_the_same_again_changes_nothing(atlas: Atlas) -> None:
    await keep(atlas, OUTAGE, BILL)

    assert await keep(atlas, OUTAGE, BILL) == 0


@pytest.mark.parametrize("vector", [(1.0,), (0.0,) * 384, (float("nan"),) + (0.0,) * 383])
def test_a_vector_that_points_nowhere_is_refused(vector: tuple[float, ...]) -> None:
    with pytest.raises(VectorUnusable):
        vector_text(vector)
