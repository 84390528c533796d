"""A feeder of coloured strands from an exchange through a closure to two splitters, with lines on their legs."""

from dataclasses import dataclass

from atlas.cmdb.records.fibre import PlannedCable
from atlas.connection import Atlas
from atlas.principal import executor
from forge.actions.cmdb.fibre import ImportFibre, RecordSplice, RemoveSplice
from tests import carried, given
from tests.gis import arranged
from tests.given import NOW, Owner

ME = executor("test")
FEEDER = PlannedCable("F-1", "feeder", "Exchange", "Closure 1", tubes=2, strands_per_tube=12, conduit="D-1", length_m=1900)
BRANCH = PlannedCable("B-1", "distribution", "Closure 1", "Cabinet 1", tubes=1, strands_per_tube=12, length_m=400)


@dataclass(frozen=True)
class Laid:
    """`port` feeds `splitter` over F-1/15 (orange tube, green strand) and B-1/1; `lines` hang from its legs 1 and 2."""

    port: int
    splitter: int
    lines: tuple[int, ...]


async def laid(atlas: Atlas, owner: Owner) -> Laid:
    area = await given.area(owner)
    sites = {
        name: await given.row(owner, "cmdb.site", name=name, area_id=area, latitude=50.7, longitude=-3.5)
        for name in ("Exchange", "Closure 1", "Cabinet 1")
    }
    olt = await given.device(owner, "olt-1", site_id=sites["Exchange"])
    port = await given.device(owner, "pon-1", "pon_port", site_id=sites["Exchange"])
    splitter = await arranged.splitter(owner, "spl-1", is_fed=False)
    await given.link(owner, olt, port, "patch", from_port="gpon 0/1/3")
    await given.link(owner, port, splitter, "feeder")
    lines = [await line_on(owner, splitter, olt, leg) for leg in (1, 2)]
    await carried.out(atlas, ImportFibre("plan", (FEEDER, BRANCH), ()), NOW)
    for one, other in (("pon-1#pon", "F-1/orange.green@from"), ("F-1/15@to", "B-1/1@from"), ("B-1/1.blue@to", "spl-1#in")):
        await spliced(atlas, one, other)
    return Laid(port, splitter, tuple(lines))


async def line_on(owner: Owner, splitter: int, olt: int, leg: int) -> int:
    customer = await given.customer(owner, f"Neighbour {leg}", phone=None)
    line = await given.subscriber(owner, customer, splitter)
    await owner.execute("UPDATE cmdb.access SET port = %s, reported_by_device_id = %s WHERE subscriber_id = %s", (leg, olt, line))
    return line


async def spliced(atlas: Atlas, one: str, other: str) -> int:
    async with atlas.transaction(ME) as conn:
        action = await RecordSplice.of(conn, one, other, NOW)
    return int((await carried.out(atlas, action, NOW))["splice"])


async def taken_apart(atlas: Atlas, splice: int) -> RemoveSplice:
    async with atlas.transaction(ME) as conn:
        action = await RemoveSplice.of(conn, splice, "re-laid")
    await carried.out(atlas, action, NOW)
    return action
