"""What changed of a device, by whom and why; and who would lose service if it failed."""

from atlas.connection import Atlas
from atlas.identity import DeviceId, StaffId
from atlas.money import Money
from atlas.principal import staff
from forge.actions.cmdb.plant import MarkDeviceState
from tests import carried, given
from tests.asking import asking
from tests.gis import arranged
from tests.given import NOW, Owner
from tools import cmdb

STAFF = staff(StaffId(1), "Anna Bell", frozenset())


async def test_every_field_that_changed_says_what_it_was_what_it_became_who_and_why(atlas: Atlas, owner: Owner) -> None:
    device = DeviceId(await given.device(owner, "olt-1", firmware="1.0"))
    async with atlas.transaction(carried.TESTS) as conn:
        marking = await MarkDeviceState.of(conn, device, "disabled", NOW)
    await carried.out(atlas, marking, NOW)
    await owner.execute("UPDATE cmdb.device SET firmware = '1.1', model = 'MA5800' WHERE id = %s", (device,))

    async with asking(atlas, STAFF) as (turn, _):
        found = await cmdb.history_of_device(turn, "olt-1")

    assert [(one.field, one.became, one.by, one.reason) for one in found] == [
        ("model", "MA5800", "", ""),
        ("firmware", "1.1", "", ""),
        ("operational_state", "disabled", carried.TESTS.reference, "a test"),
    ]
    assert found[1].was == "1.0"


async def test_a_change_of_a_link_and_of_what_hangs_there_stands_in_the_history_of_the_device(atlas: Atlas, owner: Owner) -> None:
    splitter = await arranged.splitter(owner, "spl-1", ports=32)
    await owner.execute("UPDATE gis.serving_point SET ports = 64 WHERE device_id = %s", (splitter,))
    await owner.execute("UPDATE cmdb.link SET length_m = 2100 WHERE to_device_id = %s", (splitter,))

    async with asking(atlas, STAFF) as (turn, _):
        found = await cmdb.history_of_device(turn, "spl-1")

    assert [(one.ci, one.field, one.was, one.became) for one in found] == [
        ("link", "length_m", "2000", "2100"),
        ("serving_point", "ports", "32", "64"),
    ]


async def test_what_is_written_again_as_it_was_is_no_change(atlas: Atlas, owner: Owner) -> None:
    device = await given.device(owner, "olt-1")
    await owner.execute("UPDATE cmdb.device SET vendor = vendor, state_changed_at = now() WHERE id = %s", (device,))

    async with asking(atlas, STAFF) as (turn, _):
        assert await cmdb.history_of_device(turn, "olt-1") == []


async def test_the_impact_of_any_ci_is_who_hangs_behind_it(atlas: Atlas, owner: Owner) -> None:
    gateway, olt = await given.device(owner, "gw", "gateway"), await given.device(owner, "olt-1")
    await given.link(owner, gateway, olt)
    splitters = [await arranged.splitter(owner, f"spl-{number}", is_fed=False) for number in range(2)]
    for splitter in splitters:
        await given.link(owner, olt, splitter, "feeder")
    one, two = await given.customer(owner), await given.customer(owner, "Tom Reed", "+447700900002", is_vulnerable=True)
    await given.subscriber(owner, one, splitters[0])
    await given.subscriber(owner, two, splitters[1])

    async with asking(atlas, STAFF) as (turn, _):
        of_olt, of_splitter = await cmdb.impact_of_device(turn, "olt-1"), await cmdb.impact_of_device(turn, "spl-0")

    assert (of_olt.lines, of_olt.customers, of_olt.vulnerable, of_olt.monthly) == (2, 2, 1, Money("60.00"))
    assert (of_splitter.lines, of_splitter.vulnerable, [(area.area, area.lines) for area in of_splitter.areas]) == (1, 0, [("Harbour", 1)])


async def test_a_device_with_another_way_around_it_takes_nobody_with_it(atlas: Atlas, owner: Owner) -> None:
    gateway, olt = await given.device(owner, "gw", "gateway"), await given.device(owner, "olt-1")
    for name in ("agg-1", "agg-2"):
        middle = await given.device(owner, name, "aggregation")
        await given.link(owner, gateway, middle)
        await given.link(owner, middle, olt)
    await given.subscriber(owner, await given.customer(owner), olt)

    async with asking(atlas, STAFF) as (turn, _):
        assert (await cmdb.impact_of_device(turn, "agg-1")).lines == 0
        assert (await cmdb.impact_of_device(turn, "olt-1")).lines == 1
