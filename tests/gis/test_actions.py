import pytest

from atlas.connection import Atlas
from atlas.errors import Conflict
from atlas.gis.records import Position
from atlas.gis.rules.positions import PositionSwapped
from atlas.identity import PremiseId
from atlas.principal import executor
from forge.actions.gis import CorrectPremisePosition
from tests import carried
from tests.billing.arranged import customer_with_line
from tests.given import NOW, Owner

WAS = Position(50.7, -3.5)
FOUND = Position(50.701, -3.5)


async def somewhere(owner: Owner) -> PremiseId:
    await customer_with_line(owner)
    found = await (await owner.execute("SELECT id FROM gis.premise")).fetchone()
    assert found is not None
    return PremiseId(found[0])


async def position(owner: Owner) -> tuple[float, float]:
    found = await (await owner.execute("SELECT latitude, longitude FROM gis.premise")).fetchone()
    assert found is not None
    return found[0], found[1]


async def test_a_premise_stands_where_it_was_found(atlas: Atlas, owner: Owner) -> None:
    premise = await somewhere(owner)

    outcome = await carried.out(atlas, CorrectPremisePosition(premise, WAS, FOUND, 1), NOW)

    assert (await position(owner), outcome["moved_m"]) == ((50.701, -3.5), 111.2)


async def test_a_premise_that_somebody_moved_first_is_not_moved_again(atlas: Atlas, owner: Owner) -> None:
    premise = await somewhere(owner)
    await carried.out(atlas, CorrectPremisePosition(premise, WAS, FOUND, 1), NOW)

    with pytest.raises(Conflict):
        await carried.out(atlas, CorrectPremisePosition(premise, WAS, Position(50.71, -3.5), 1), NOW)

    assert await position(owner) == (50.701, -3.5)


async def test_a_swapped_position_is_not_carried_out(atlas: Atlas, owner: Owner) -> None:
    premise = await somewhere(owner)

    with pytest.raises(PositionSwapped):
        await carried.out(atlas, CorrectPremisePosition(premise, WAS, Position(-3.5, 50.7), 1), NOW)


async def test_a_premise_that_moved_while_it_waited_is_proposed_from_where_it_is(atlas: Atlas, owner: Owner) -> None:
    premise = await somewhere(owner)
    action = CorrectPremisePosition(premise, WAS, FOUND, 1)
    await owner.execute("UPDATE gis.premise SET latitude = 50.69")

    async with atlas.transaction(executor("test")) as conn:
        refreshed = await action.refreshed(conn, NOW)

    assert refreshed.was == Position(50.69, -3.5)
