"""Each kind of effect, killed at a few moments of the many: the world outside sees it once. The long form is `bedrock eval kills`."""

from collections.abc import AsyncIterator
from dataclasses import asdict

import pytest

from evals.kills.campaign import Stage, campaign, staged
from evals.kills.kinds import ALL, Found, counted
from tests.conftest import SECRET

KILLS = 4
LONG = ("sequence", "sequence-back")


@pytest.fixture
async def stage(harbour_copy_url: str) -> AsyncIterator[Stage]:
    async with staged(harbour_copy_url, SECRET) as one:
        yield one


async def test_whoever_is_killed_at_whatever_moment_the_world_sees_each_effect_once(stage: Stage) -> None:
    simple = [name for name in ALL if name not in LONG]
    figures = await campaign(stage, simple, KILLS, 7, lambda _: None) + await campaign(stage, LONG, KILLS // 2, 7, lambda _: None)

    assert [one.as_row() for one in figures if not one.holds] == []
    assert sum(one.kills for one in figures) == KILLS * len(simple) + KILLS // 2 * len(LONG)


def test_an_effect_that_is_missing_or_there_twice_is_counted() -> None:
    found = [counted(["a", "b"], seen) for seen in (["a", "b"], ["a"], ["a", "a", "b"], ["a", "b", "c"])]

    assert [asdict(one) for one in found] == [asdict(Found(*each)) for each in ((0, 0), (1, 0), (0, 1), (0, 1))]
