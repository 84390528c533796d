"""The demo ISP's plant says what can be had at its doors."""

from atlas.catalogue.reads import defects
from atlas.gis.reads import qualification
from tests.given import NOW, Owner


async def test_nothing_is_wrong_with_the_demos_catalogue(harbour_owner: Owner) -> None:
    assert await defects(harbour_owner, NOW.date()) == []


async def test_a_door_without_a_line_can_have_fibre_and_a_farm_nothing(harbour_owner: Owner) -> None:
    found = await harbour_owner.execute(
        "SELECT min(id) FILTER (WHERE number LIKE '%B'), min(id) FILTER (WHERE street = 'Lighthouse Lane') FROM gis.premise"
    )
    (row,) = await found.fetchall()
    door, farm = [await qualification(harbour_owner, premise, NOW.date()) for premise in row]

    assert "fibre" in door.technologies
    assert (farm.answer, farm.technologies) == ("no", ())


async def test_every_line_of_the_demo_is_on_a_port_that_its_device_has(harbour_owner: Owner) -> None:
    beyond = await harbour_owner.execute(
        "SELECT count(*) FROM cmdb.access LEFT JOIN gis.serving_point AS point ON point.device_id = access.device_id"
        " WHERE access.port IS NULL OR access.port > coalesce(point.ports, 0)"
    )
    assert await beyond.fetchall() == [(0,)]
