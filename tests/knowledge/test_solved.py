"""What engineers wrote down when they finished is found again by whoever has the same fault."""

from datetime import timedelta

import pytest

from agents.embeddings import local_encoder
from api.inbound.knowledge import learn_from_jobs
from atlas.connection import Atlas
from atlas.identity import StaffId
from atlas.knowledge.reads import solved_like
from atlas.principal import staff
from atlas.principal import stranger as anybody
from tests import given
from tests.asking import asking
from tests.given import NOW, Owner
from tools.itsm import solved_before
from tools.turn import NotPermittedHere

ADA = staff(StaffId(1), "Ada Lead", frozenset())


class Meanings:
    """The local encoder, as a router offers it."""

    def __init__(self) -> None:
        self.encoder = local_encoder()

    @property
    def encoder_name(self) -> str:
        return self.encoder.name

    async def meaning(self, words: str) -> tuple[str, list[float]]:
        return self.encoder.name, (await self.encoder.encode([words]))[0].tolist()


@pytest.fixture(scope="module")
def meant() -> Meanings:
    return Meanings()


async def done(owner: Owner, findings: str, hours: int = 0) -> int:
    return await given.row(
        owner,
        "field_service.job",
        kind="repair",
        state="completed",
        latitude=51.5,
        longitude=0.1,
        skill="fibre",
        window_from=NOW - timedelta(hours=4),
        window_until=NOW - timedelta(hours=2),
        completed_at=NOW - timedelta(hours=hours),
        findings=findings,
        action_id=await given.action(owner),
    )


async def test_whoever_has_the_same_fault_in_other_words_is_told_what_solved_it(atlas: Atlas, owner: Owner, meant: Meanings) -> None:
    squirrel = await done(owner, "Squirrel had chewed through the drop cable at the pole; replaced 40 m of it.")
    await done(owner, "Customer's power supply was dead, swapped the adapter.")
    await done(owner, "Router sat behind the television, moved it to the hall.")

    assert await learn_from_jobs(atlas, meant) == 3
    async with atlas.transaction(ADA) as conn:
        by_meaning = await solved_like(conn, "an animal bit the fibre line", *await meant.meaning("an animal bit the fibre line"))
        by_words = await solved_like(conn, "drop cable chewed")

    assert (by_meaning[0].job_id, by_words[0].job_id, len(by_words)) == (squirrel, squirrel, 1)


async def test_a_job_is_learned_once_and_one_that_says_nothing_never(atlas: Atlas, owner: Owner, meant: Meanings) -> None:
    await done(owner, "ok")
    await done(owner, "Re-spliced the third fibre of the tray.")

    assert [await learn_from_jobs(atlas, meant), await learn_from_jobs(atlas, meant)] == [1, 0]


async def test_the_tool_is_for_colleagues(atlas: Atlas, owner: Owner, meant: Meanings) -> None:
    await done(owner, "Re-spliced the third fibre of the tray.")
    await learn_from_jobs(atlas, meant)

    async with asking(atlas, ADA) as (turn, _):
        answered = await solved_before(turn, "splice in the tray")
    async with asking(atlas, anybody()) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await solved_before(turn, "splice in the tray")

    assert [one.findings for one in answered] == ["Re-spliced the third fibre of the tray."]
