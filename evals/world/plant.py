"""The plant of the demo ISP, laid from the core outwards: devices, the links between them, and how many lines hang from each end."""

import itertools
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Final

import numpy as np

from evals.world.plan import Branch, Place, World

# 10.0.0.0/8, the management network; passive plant has no address.
MANAGEMENT: Final = int(IPv4Address("10.0.0.0"))
PASSIVE: Final = frozenset({"pon_port", "splitter"})
SHORT: Final = {
    "gateway": "gw", "core": "core", "metro": "metro", "bng": "bng", "aggregation": "agg", "olt": "olt", "pon_port": "pon",
    "splitter": "spl", "tower": "twr", "sector": "sec", "cmts": "cmts", "docsis_node": "node", "business_switch": "bsw",
}  # fmt: skip
# How each kind names its ports, by number from 0.
PORTS: Final = {
    "gateway": "et-0/0/{}", "core": "et-0/0/{}", "metro": "1/1/c{}", "bng": "1/1/c{}", "aggregation": "TenGigE0/0/0/{}",
    "olt": "ethernetCsmacd 0/9/{}", "pon_port": "pon{}", "splitter": "leg{}", "tower": "GigabitEthernet0/{}", "sector": "eth{}",
    "cmts": "TenGigabitEthernet0/{}", "docsis_node": "rf{}", "business_switch": "sfp-sfpplus{}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Device:
    id: int
    name: str
    kind: str
    area_id: int
    site_id: int | None


@dataclass(frozen=True, slots=True)
class Link:
    id: int
    name: str
    kind: str
    from_device_id: int
    from_port: str
    to_device_id: int
    to_port: str
    conduit_id: int | None
    length_m: int


@dataclass(frozen=True, slots=True)
class End:
    """Where lines hang: `speaker` is the OLT, tower or CMTS that speaks for them, as `object_prefix` and a number."""

    device: Device
    speaker: Device
    place: Place
    object_prefix: str
    lines: int
    is_in_zone: bool


@dataclass(frozen=True, slots=True)
class Head:
    """An OLT, tower, CMTS or business switch, still to be tied to aggregation."""

    device: Device
    link_kind: str


@dataclass
class Plant:
    """What has been laid so far. Ids count from 1 in the order of laying, so the same plan gives the same plant."""

    world: World
    devices: list[Device] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    sites: list[tuple[int, str, int]] = field(default_factory=list)
    conduits: list[str] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    bng_of_area: dict[int, list[Device]] = field(default_factory=dict)
    named: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    ports: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def number(self, name: str) -> int:
        self.named[name] += 1
        return self.named[name]

    def site(self, name: str, area_id: int) -> int:
        self.sites.append((len(self.sites) + 1, name, area_id))
        return len(self.sites)

    def conduit(self, name: str) -> int:
        self.conduits.append(name)
        return len(self.conduits)

    def cabinet(self, what: str, area_id: int) -> int:
        area = self.world.areas[area_id - 1].name
        return self.site(f"{area} {what} {self.number(f'{area} {what}')}", area_id)

    def device(self, kind: str, area_id: int, site_id: int | None) -> Device:
        stem = f"{SHORT[kind]}-{self.world.areas[area_id - 1].code.lower()}"
        device = Device(len(self.devices) + 1, f"{stem}-{self.number(stem):02d}", kind, area_id, site_id)
        self.devices.append(device)
        return device

    def port(self, device: Device) -> str:
        number = self.ports[device.id]
        self.ports[device.id] += 1
        return PORTS[device.kind].format(number)

    def link(self, kind: str, near: Device, far: Device, *, name: str = "", conduit: int | None = None, from_port: str = "") -> Link:
        name = name or f"{near.name}:{far.name}:{self.number(f'{near.name}:{far.name}')}"
        length_m = 200 + zlib.crc32(name.encode()) % (3800 if near.area_id == far.area_id else 9800)
        link = Link(
            len(self.links) + 1, name, kind, near.id, from_port or self.port(near), far.id, self.port(far), conduit, length_m
        )  # fmt: skip
        self.links.append(link)
        return link

    @property
    def lines(self) -> int:
        return sum(end.lines for end in self.ends)

    @property
    def zone_devices(self) -> list[Device]:
        """What the zone's backhaul alone feeds, by the order of laying: from its root to the last device before the rest."""
        return [device for device in self.devices if self.zone_from <= device.id < self.zone_until]

    zone_from: int = 0
    zone_until: int = 0


def management_address(device: Device) -> str | None:
    return None if device.kind in PASSIVE else str(IPv4Address(MANAGEMENT + device.id))


def lay(world: World, subscribers: int, rng: np.random.Generator) -> Plant:
    """The whole plant for exactly `subscribers` lines; the zone's first."""
    plant = Plant(world)
    rest = subscribers - sum(world.zone.lines.values())
    metros = _lay_backbone(plant, max(1, -(-rest // (len(world.areas) * world.sizes.lines_per_metro))))
    _lay_zone(plant, metros[world.area_id(world.zone.fed_from)][0])
    heads = _lay_access(plant, _shares(rest, world.share_percent), rng)
    for area_id, area in enumerate(world.areas, start=1):
        _lay_aggregation(plant, metros[area_id], heads[area_id], world.aggregation[area.code])
    return plant


def _lay_backbone(plant: Plant, metros_per_area: int) -> dict[int, list[Device]]:
    """Gateways, the core ring and the metro rings; the metro routers by area."""
    world = plant.world
    exchanges = {area_id: plant.site(f"{area.name} Exchange", area_id) for area_id, area in enumerate(world.areas, start=1)}
    cores = [plant.device("core", area_id, exchanges[area_id]) for area_id in (1, 5, 8, 2)]
    for near, far in zip(cores, cores[1:] + cores[:1], strict=True):
        plant.link("trunk", near, far)
    for core in (cores[0], cores[2]):
        gateway = plant.device("gateway", core.area_id, core.site_id)
        plant.link("patch", gateway, core)
        plant.link("trunk", gateway, cores[(cores.index(core) + 1) % len(cores)])
    metros: dict[int, list[Device]] = {}
    for number, ring in enumerate(world.rings):
        _lay_ring(
            plant, [world.area_id(code) for code in ring.areas], cores[number], cores[(number + 1) % 4], exchanges, metros, metros_per_area
        )
    return metros


def _lay_ring(
    plant: Plant,
    areas: Sequence[int],
    core: Device,
    other: Device,
    exchanges: dict[int, int],
    metros: dict[int, list[Device]],
    per_area: int,
) -> None:
    first, last = (plant.device("bng", area_id, exchanges[area_id]) for area_id in (areas[0], areas[-1]))
    for area_id in areas:
        metros[area_id] = [plant.device("metro", area_id, exchanges[area_id]) for _ in range(per_area)]
        plant.bng_of_area[area_id] = [first, last]
    path = [core, first, *(metro for area_id in areas for metro in metros[area_id]), last, other]
    for near, far in itertools.pairwise(path):
        plant.link("trunk", near, far)


def _lay_zone(plant: Plant, metro: Device) -> None:
    zone = plant.world.zone
    root_area = plant.world.area_id(zone.root_area)
    plant.zone_from = len(plant.devices) + 1
    root = plant.device("aggregation", root_area, plant.cabinet("Cabinet", root_area))
    plant.link("backhaul", metro, root, name=zone.backhaul)
    lines = {
        "splitter": spread(zone.lines["splitter"], sum(branch.olts for branch in zone.branches) * zone.ports_per_olt),
        "sector": spread(zone.lines["sector"], sum(branch.towers for branch in zone.branches) * plant.world.sizes.sectors_per_tower),
        "docsis_node": spread(zone.lines["docsis_node"], sum(branch.cmts for branch in zone.branches) * zone.nodes_per_cmts),
        "business_switch": spread(zone.lines["business_switch"], sum(branch.business_switches for branch in zone.branches)),
    }
    for branch in zone.branches:
        area_id = plant.world.area_id(branch.area)
        feeder = root
        if area_id != root_area:
            feeder = plant.device("aggregation", area_id, plant.cabinet("Cabinet", area_id))
            plant.link("trunk", root, feeder)
        for head in _lay_branch(plant, branch, area_id, lines):
            plant.link(head.link_kind, feeder, head.device)
    plant.zone_until = len(plant.devices) + 1


def _lay_branch(plant: Plant, branch: Branch, area_id: int, lines: dict[str, list[int]]) -> list[Head]:
    zone, sectors = plant.world.zone, plant.world.sizes.sectors_per_tower
    return [
        *(_lay_olt(plant, area_id, _taken(lines["splitter"], zone.ports_per_olt), is_in_zone=True) for _ in range(branch.olts)),
        *(_lay_tower(plant, area_id, _taken(lines["sector"], sectors), is_in_zone=True) for _ in range(branch.towers)),
        *(_lay_cmts(plant, area_id, _taken(lines["docsis_node"], zone.nodes_per_cmts), is_in_zone=True) for _ in range(branch.cmts)),
        *(
            _lay_business_switch(plant, area_id, _taken(lines["business_switch"], 1)[0], is_in_zone=True)
            for _ in range(branch.business_switches)
        ),
    ]


def _lay_access(plant: Plant, lines: dict[Place, int], rng: np.random.Generator) -> dict[int, list[Head]]:
    """Access devices dealt out to the areas in turn; the heads by area."""
    sizes = plant.world.sizes
    heads: dict[int, list[Head]] = {area_id: [] for area_id in range(1, len(plant.world.areas) + 1)}
    # Whoever wants to see a PON fault goes to this area, so it gets the first OLT.
    first = plant.world.area_id(plant.world.places["pon_olt"].area) - 1

    def dealt(place: Place, per_head: int) -> Iterable[tuple[int, list[int]]]:
        counts = uneven(lines[place], sizes.lines_per[place], sizes.swing[place], rng)
        for number, start in enumerate(range(0, len(counts), per_head)):
            yield (first + number) % len(heads) + 1, counts[start : start + per_head]

    for area_id, counts in dealt("splitter", sizes.ports_per_olt):
        heads[area_id].append(_lay_olt(plant, area_id, counts))
    for area_id, counts in dealt("sector", sizes.sectors_per_tower):
        heads[area_id].append(_lay_tower(plant, area_id, counts))
    for area_id, counts in dealt("docsis_node", sizes.nodes_per_cmts):
        heads[area_id].append(_lay_cmts(plant, area_id, counts))
    for area_id, counts in dealt("business_switch", 1):
        heads[area_id].append(_lay_business_switch(plant, area_id, counts[0]))
    return heads


def _lay_olt(plant: Plant, area_id: int, lines: Sequence[int], *, is_in_zone: bool = False) -> Head:
    olt = plant.device("olt", area_id, plant.cabinet("Cabinet", area_id))
    conduit = None
    for number, count in enumerate(lines):
        # Four feeders leave the cabinet together: one dig takes all four.
        if number % 4 == 0:
            conduit = plant.conduit(f"{olt.name} duct {number // 4 + 1}")
        pon_port, splitter = (plant.device(kind, area_id, site) for kind, site in (("pon_port", olt.site_id), ("splitter", None)))
        plant.link("patch", olt, pon_port, from_port=f"gpon 0/1/{number}")
        plant.link("feeder", pon_port, splitter, conduit=conduit)
        plant.ends.append(End(splitter, olt, "splitter", f"ont 0/1/{number}:", count, is_in_zone))
    return Head(olt, "trunk")


def _lay_tower(plant: Plant, area_id: int, lines: Sequence[int], *, is_in_zone: bool = False) -> Head:
    tower = plant.device("tower", area_id, plant.cabinet("Mast", area_id))
    for count in lines:
        sector = plant.device("sector", area_id, tower.site_id)
        plant.link("radio", tower, sector)
        plant.ends.append(End(sector, tower, "sector", f"{sector.name} sm ", count, is_in_zone))
    return Head(tower, "radio")


def _lay_cmts(plant: Plant, area_id: int, lines: Sequence[int], *, is_in_zone: bool = False) -> Head:
    cmts = plant.device("cmts", area_id, plant.cabinet("Headend", area_id))
    for number, count in enumerate(lines):
        node = plant.device("docsis_node", area_id, plant.cabinet("Street Node", area_id))
        plant.link("coax", cmts, node, from_port=f"cable 1/0/{number}")
        plant.ends.append(End(node, cmts, "docsis_node", f"cm 1/0/{number}:", count, is_in_zone))
    return Head(cmts, "trunk")


def _lay_business_switch(plant: Plant, area_id: int, lines: int, *, is_in_zone: bool = False) -> Head:
    switch = plant.device("business_switch", area_id, plant.cabinet("Business Park", area_id))
    plant.ends.append(End(switch, switch, "business_switch", "ether", lines, is_in_zone))
    return Head(switch, "distribution")


def _lay_aggregation(plant: Plant, metros: Sequence[Device], heads: Sequence[Head], shape: str) -> None:
    if not heads:
        return
    sizes = plant.world.sizes
    area_id = metros[0].area_id
    wanted = max(2, -(-len(heads) // sizes.heads_per_aggregation))
    switches = [plant.device("aggregation", area_id, plant.cabinet("Cabinet", area_id)) for _ in range(wanted)]
    for start in range(0, wanted, sizes.aggregations_per_ring):
        number = start // sizes.aggregations_per_ring
        _tie(plant, metros[number % len(metros)], switches[start : start + sizes.aggregations_per_ring], shape)
    for number, head in enumerate(heads):
        plant.link(head.link_kind, switches[number % wanted], head.device)


def _tie(plant: Plant, metro: Device, switches: Sequence[Device], shape: str) -> None:
    if shape == "tree":
        for switch in switches:
            plant.link("backhaul", metro, switch)
        return
    conduit = plant.conduit(f"{switches[0].name} duct") if shape == "duct" else None
    plant.link("backhaul", metro, switches[0], conduit=conduit)
    for near, far in itertools.pairwise(switches):
        plant.link("trunk", near, far)
    plant.link("backhaul", metro, switches[-1], conduit=conduit)


def spread(lines: int, ends: int) -> list[int]:
    """`lines` over `ends` as evenly as whole numbers go."""
    if not ends:
        return []
    each, more = divmod(lines, ends)
    return [each + (number < more) for number in range(ends)]


def uneven(lines: int, each: int, swing: int, rng: np.random.Generator) -> list[int]:
    """`lines` over ends of about `each`, neighbours differing by up to twice `swing`, none above `each` + `swing` + 1."""
    counts = np.array(spread(lines, -(-lines // each)), dtype=np.int64)
    pairs = counts.size // 2
    moved = np.minimum(rng.integers(0, swing + 1, pairs), counts[1 : 2 * pairs : 2])
    counts[0 : 2 * pairs : 2] += moved
    counts[1 : 2 * pairs : 2] -= moved
    return [int(count) for count in counts]


def _taken(counts: list[int], how_many: int) -> list[int]:
    taken, counts[:] = counts[:how_many], counts[how_many:]
    return taken


def _shares(lines: int, percent: dict[Place, int]) -> dict[Place, int]:
    shares = {place: lines * share // 100 for place, share in percent.items()}
    shares["splitter"] += lines - sum(shares.values())
    return shares
