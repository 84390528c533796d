"""Each kind of effect, killed at a few moments of the many: the world outside sees it once. The long form is `bedrock eval kills`."""

from collections.abc import AsyncIterator
from dataclasses import asdict

import pytest

from evals.kills.campaign import Stage, campaign, staged
from evals.kills.kinds import ALL, Found, counted
from evals.kills.orders import LeftOver, left_over
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


async def test_orders_whose_process_is_killed_leave_nothing_stuck_held_or_charged_twice(stage: Stage) -> None:
    """The long form is `bedrock eval order-kills`."""
    (figures,) = await campaign(stage, ["line"], KILLS, 11, lambda _: None)

    assert (figures.holds, await left_over(stage.owner)) == (True, LeftOver(stuck=0, leaked=0, charged_twice=0))


async def test_a_port_that_nobody_gave_back_is_seen_as_leaked(stage: Stage) -> None:
    await campaign(stage, ["line"], 1, 3, lambda _: None)
    await stage.owner.execute(
        "INSERT INTO gis.reservation (device_id, port, premise_id, key, expires_at, action_id)"
        " SELECT point.device_id, 31, 1, 'order:' || ordered.id, now() + interval '1 day', ordered.action_id"
        " FROM oms.product_order AS ordered, gis.serving_point AS point WHERE ordered.state = 'completed' ORDER BY ordered.id DESC LIMIT 1"
    )

    assert (await left_over(stage.owner)).leaked == 1


def test_an_effect_that_is_missing_or_there_twice_is_counted() -> None:
    found = [counted(["a", "b"], seen) for seen in (["a", "b"], ["a"], ["a", "a", "b"], ["a", "b", "c"])]

    assert [asdict(one) for one in found] == [asdict(Found(*each)) for each in ((0, 0), (1, 0), (0, 1), (0, 1))]
