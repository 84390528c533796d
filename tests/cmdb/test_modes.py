"""How a line comes to its address, by the mode of its pool: DOMAIN.md 2.7, feature 6."""

from collections.abc import AsyncIterator

import pytest

from atlas.cmdb.records.numbers import PlannedPool
from atlas.connection import Atlas
from atlas.identity import CustomerId, SubscriberId
from forge.actions.cmdb.stock import DefinePool, ReserveNumbers
from tests import carried
from tests.cmdb import aaa
from tests.cmdb.aaa import Radius
from tests.given import NOW, Owner


@pytest.fixture
async def radius(atlas: Atlas, owner: Owner) -> AsyncIterator[Radius]:
    async with aaa.radius_of(atlas, owner) as opened:
        yield opened


async def told(atlas: Atlas, radius: Radius, mode: str) -> tuple[str | None, str | None]:
    """What RADIUS says at the next sign-in of a line that holds an address of such a pool: the address, or from which pool to take one."""
    pool = PlannedPool("harbour-v4", "address", mode=mode, network="192.0.2.0/29", block_length=32)
    await carried.out(atlas, DefinePool(pool), NOW)
    await carried.out(atlas, ReserveNumbers(CustomerId(radius.customer), SubscriberId(radius.line), "1"), NOW)
    replies = await radius.replies()
    return replies.get("Framed-IP-Address"), replies.get("Framed-Pool")


@pytest.mark.parametrize("mode", ["static", "radius"])
async def test_a_static_address_and_one_of_a_radius_pool_are_told_at_sign_in(atlas: Atlas, radius: Radius, mode: str) -> None:
    assert await told(atlas, radius, mode) == ("192.0.2.1", None)


@pytest.mark.parametrize("mode", ["dhcp", "option82"])
async def test_an_address_that_dhcp_hands_out_is_not_told_by_radius_too(atlas: Atlas, radius: Radius, mode: str) -> None:
    assert await told(atlas, radius, mode) == (None, "residential")


async def test_a_line_that_holds_no_address_is_sent_to_the_pool_of_its_plan(radius: Radius) -> None:
    replies = await radius.replies()

    assert (replies.get("Framed-IP-Address"), replies["Framed-Pool"]) == (None, "residential")
