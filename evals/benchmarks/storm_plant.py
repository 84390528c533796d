"""A plant of 5,000 devices for the storms: core ring, metro rings, trees of access behind every metro node, street cabinets."""

from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

import numpy as np

from atlas.cmdb.records.plant import KINDS, DeviceKind, Lines, Network

DEVICES: Final = 5_000
CORES, RINGS, RING_NODES, CABINET = 8, 10, 8, 8
LINES_PER_ACCESS_DEVICE: Final = 5
ACCESS: Final = frozenset({DeviceKind.OLT, DeviceKind.SECTOR, DeviceKind.BUSINESS_SWITCH})
ROUTERS: Final = frozenset({DeviceKind.GATEWAY, DeviceKind.CORE, DeviceKind.METRO, DeviceKind.AGGREGATION})
_BELOW: Final = {
    DeviceKind.METRO: (DeviceKind.AGGREGATION,),
    DeviceKind.AGGREGATION: (
        DeviceKind.AGGREGATION,
        DeviceKind.OLT,
        DeviceKind.OLT,
        DeviceKind.TOWER,
        DeviceKind.BUSINESS_SWITCH,
    ),
    DeviceKind.TOWER: (DeviceKind.SECTOR,),
    DeviceKind.OLT: (DeviceKind.BUSINESS_SWITCH,),
}
# An aggregation switch takes most of what is added, an OLT seldom has a switch behind it.
_PULL: Final = {DeviceKind.METRO: 2, DeviceKind.AGGREGATION: 8, DeviceKind.TOWER: 3, DeviceKind.OLT: 1}


@dataclass
class Plant:
    """Device i + 1 is at place i. `rings` holds, per metro ring, its nodes in order and the links before, between and after them."""

    kinds: list[DeviceKind] = field(default_factory=list)
    areas: list[int] = field(default_factory=list)
    sites: list[int] = field(default_factory=list)
    links: list[tuple[int, int]] = field(default_factory=list)
    rings: list[tuple[list[int], list[int]]] = field(default_factory=list)

    def device(self, kind: DeviceKind, area: int) -> int:
        self.kinds.append(kind)
        self.areas.append(area)
        self.sites.append(0)
        return len(self.kinds)

    def link(self, near: int, far: int) -> int:
        self.links.append((near, far))
        return len(self.links)

    def network(self) -> Network:
        links = np.array(self.links, dtype=np.int64)
        return Network(
            version=1,
            device_id=np.arange(1, len(self.kinds) + 1),
            device_kind=np.array([KINDS.index(kind) for kind in self.kinds], dtype=np.uint8),
            device_area=np.array(self.areas, dtype=np.int64),
            device_site=np.array(self.sites, dtype=np.int64),
            device_is_gateway=np.array([kind is DeviceKind.GATEWAY for kind in self.kinds]),
            device_is_monitored=np.ones(len(self.kinds), dtype=bool),
            link_id=np.arange(1, len(links) + 1),
            link_from=links[:, 0],
            link_to=links[:, 1],
            link_conduit=np.zeros(len(links), dtype=np.int64),
        )

    def lines(self) -> Lines:
        access = [place + 1 for place, kind in enumerate(self.kinds) if kind in ACCESS]
        on = np.repeat(np.array(access, dtype=np.int64), LINES_PER_ACCESS_DEVICE)
        subscribers = np.arange(1, on.size + 1)
        return Lines(
            subscriber_id=subscribers,
            customer_id=subscribers,
            device_id=on,
            area_id=np.array(self.areas, dtype=np.int64)[on - 1],
            monthly_minor=np.full(on.size, 3_500),
            is_vulnerable=subscribers % 40 == 0,
            is_business=subscribers % 25 == 0,
        )


def storm_plant(chance: Random) -> Plant:
    """Core and metro rings, then access devices one by one behind the metro nodes; every metro node is an area."""
    plant = Plant()
    gateways = [plant.device(DeviceKind.GATEWAY, 1) for _ in range(2)]
    cores = [plant.device(DeviceKind.CORE, 1) for _ in range(CORES)]
    for place, core in enumerate(cores):
        plant.link(core, cores[(place + 1) % CORES])
    for place, gateway in enumerate(gateways):
        plant.link(gateway, cores[place * CORES // 2])
        plant.link(gateway, cores[(place * CORES // 2 + 3) % CORES])
    for ring in range(RINGS):
        _lay_ring(plant, cores[ring % CORES], cores[(ring + 1) % CORES])
    trees = {node: [node] for nodes, _ in plant.rings for node in nodes}
    homes = list(trees)
    while len(plant.kinds) < DEVICES:
        _grow(plant, trees[chance.choice(homes)], chance)
    _second_feeds(plant, trees, chance)
    _cabinets(plant, trees, chance)
    return plant


def _lay_ring(plant: Plant, start: int, end: int) -> None:
    nodes: list[int] = []
    links: list[int] = []
    before = start
    for _ in range(RING_NODES):
        node = plant.device(DeviceKind.METRO, len(plant.rings) * RING_NODES + len(nodes) + 2)
        links.append(plant.link(before, node))
        nodes.append(node)
        before = node
    links.append(plant.link(before, end))
    plant.rings.append((nodes, links))


def _grow(plant: Plant, tree: list[int], chance: Random) -> None:
    parents = [device for device in tree if plant.kinds[device - 1] in _BELOW]
    parent = chance.choices(parents, [_PULL[plant.kinds[device - 1]] for device in parents])[0]
    device = plant.device(chance.choice(_BELOW[plant.kinds[parent - 1]]), plant.areas[parent - 1])
    plant.link(parent, device)
    tree.append(device)


def _second_feeds(plant: Plant, trees: dict[int, list[int]], chance: Random) -> None:
    """One aggregation switch in ten has a second way, to another in its own area."""
    for tree in trees.values():
        switches = [device for device in tree if plant.kinds[device - 1] is DeviceKind.AGGREGATION]
        for device in switches:
            if len(switches) > 1 and chance.random() < 0.1:
                plant.link(device, chance.choice([other for other in switches if other != device]))


def _cabinets(plant: Plant, trees: dict[int, list[int]], chance: Random) -> None:
    """Street cabinets along a ring share power among gear of several areas, fed by different ways."""
    site = 0
    for nodes, _ in plant.rings:
        for node in nodes:
            site += 1
            plant.sites[node - 1] = site
        outside = [device for node in nodes for device in trees[node][1:]]
        chance.shuffle(outside)
        for first in range(0, len(outside), CABINET):
            site += 1
            for device in outside[first : first + CABINET]:
                plant.sites[device - 1] = site


def misremembered(network: Network, chance: Random, *, wrong: float, missing: float) -> Network:
    """The network as the records have it: some links gone, some with one end at another device of the same kind."""
    count = network.link_id.size
    drawn = chance.sample(range(count), round(count * (wrong + missing)))
    lost, bent = drawn[: round(count * missing)], drawn[round(count * missing) :]
    ends = [network.link_from.copy(), network.link_to.copy()]
    for link in bent:
        side = chance.randrange(2)
        place = int(ends[side][link]) - 1
        same = np.flatnonzero(network.device_kind == network.device_kind[place])
        ends[side][link] = int(network.device_id[chance.choice(same[same != place].tolist())])
    kept = np.setdiff1d(np.arange(count), lost)
    return replace(
        network,
        link_id=network.link_id[kept],
        link_from=ends[0][kept],
        link_to=ends[1][kept],
        link_conduit=network.link_conduit[kept],
    )
