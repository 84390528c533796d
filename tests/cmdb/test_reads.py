from atlas.cmdb.reads import lines, network, topology_version
from atlas.cmdb.records.plant import KINDS, DeviceKind
from atlas.connection import Atlas
from atlas.principal import executor
from tests import given
from tests.given import Owner
from tests.itsm.plant import planted


async def test_the_network_comes_as_columns_that_belong_together(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)

    async with atlas.transaction(executor("tests")) as conn:
        found = await network(conn)

    assert found.device_id.tolist() == [plant.olt, *plant.splitters]
    assert [KINDS[kind] for kind in found.device_kind] == [DeviceKind.OLT, DeviceKind.SPLITTER, DeviceKind.SPLITTER]
    assert list(zip(found.link_from.tolist(), found.link_to.tolist(), strict=True)) == [(plant.olt, other) for other in plant.splitters]


async def test_an_empty_plant_is_empty_columns(atlas: Atlas) -> None:
    async with atlas.transaction(executor("tests")) as conn:
        plant, subscribers = await network(conn), await lines(conn)

    assert (plant.device_id.size, plant.link_id.size, subscribers.subscriber_id.size) == (0, 0, 0)


async def test_a_line_carries_what_is_at_stake(atlas: Atlas, owner: Owner) -> None:
    olt = await given.device(owner, "olt-1")
    frail = await given.customer(owner, "Ada Frail", is_vulnerable=True)
    firm = await given.customer(owner, "Quayside Ltd", "+447700900002", kind="organisation")
    await given.subscriber(owner, frail, olt)
    await given.subscriber(owner, firm, olt, offering_version_id=await given.offering(owner, "biz", 9000, "business"))

    async with atlas.transaction(executor("tests")) as conn:
        found = await lines(conn)

    stakes = zip(found.customer_id, found.monthly_minor, found.is_vulnerable, found.is_business, strict=True)
    assert sorted(tuple(map(int, stake)) for stake in stakes) == [(frail, 3000, 1, 0), (firm, 9000, 0, 1)]


async def test_a_line_that_is_not_active_is_not_live(atlas: Atlas, owner: Owner) -> None:
    olt = await given.device(owner, "olt-1")
    await given.subscriber(owner, await given.customer(owner), olt, state="suspended", suspended_for="non_payment")

    async with atlas.transaction(executor("tests")) as conn:
        assert (await lines(conn)).subscriber_id.size == 0


async def test_every_change_of_the_plant_makes_a_newer_version(atlas: Atlas, owner: Owner) -> None:
    async with atlas.transaction(executor("tests")) as conn:
        before = await topology_version(conn)

    await given.device(owner, "olt-1")

    async with atlas.transaction(executor("tests")) as conn:
        assert await topology_version(conn) > before
