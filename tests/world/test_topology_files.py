import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from psycopg import AsyncConnection

from api.inbound.topology import import_topology
from api.topology_files import TopologyUnreadable, plant_of_csv, plant_of_graphml, plant_of_sndlib, read_topology
from atlas.cmdb import reads as cmdb
from atlas.cmdb.records.plant import DeviceKind, PlannedPlant
from atlas.connection import Atlas
from atlas.principal import executor
from cortex.findings import Element
from cortex.topology import Topology
from tests.cortex.plants import NO_LINES, cut_devices, network

TOPOLOGIES: Final = Path(__file__).parents[3] / "shared" / "data" / "topologies"
FILES: Final = sorted([*TOPOLOGIES.glob("zoo/*.graphml"), *TOPOLOGIES.glob("sndlib/*.json")])
needs_topologies = pytest.mark.skipif(not FILES, reason=f"{TOPOLOGIES} is not there: the published networks are not checked")

DEVICES: Final = "name,kind,area,management_address\ngw,gateway,Town,10.0.0.1\nagg,aggregation,Town,10.0.0.2\nolt,olt,Village,\n"
LINKS: Final = "from_device,from_port,to_device,to_port,kind,conduit,length_m\ngw,et0,agg,te0,backhaul,D1,900\nagg,te1,olt,eth0,trunk,,\n"
GRAPH: Final = """<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><key id="l" for="node" attr.name="label" attr.type="string"/>
<graph edgedefault="undirected"><node id="0"><data key="l">Bonn</data></node><node id="1"><data key="l">Bonn</data></node>
<node id="2"><data key="l">Ulm</data></node><edge source="0" target="2"/><edge source="2" target="1"/><edge source="1" target="2"/>
<edge source="1" target="1"/></graph></graphml>"""


def expected_of(path: Path) -> dict[str, Any]:
    stem = path.stem if path.suffix == ".graphml" else f"sndlib-{path.stem}"
    found: dict[str, Any] = json.loads((TOPOLOGIES / "expected" / f"{stem}.json").read_text())
    return found


def topology_of(plant: PlannedPlant) -> Topology:
    ids = {device.name: number for number, device in enumerate(plant.devices, start=1)}
    kinds = [(ids[device.name], device.kind) for device in plant.devices]
    return Topology.build(network(kinds, [(ids[link.from_device], ids[link.to_device]) for link in plant.links]), NO_LINES)


@needs_topologies
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_published_network_is_read_whole(path: Path) -> None:
    expected = expected_of(path)

    plant = read_topology(path)

    assert len(plant.devices) == expected["nodes"]
    assert len({frozenset((link.from_device, link.to_device)) for link in plant.links}) == expected["links_distinct"]


@needs_topologies
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_single_link_of_a_published_network_cuts_off_whom_it_should(path: Path) -> None:
    expected = expected_of(path)
    plant = read_topology(path)
    topology, keys = topology_of(plant), keys_of(path)

    fed = set(topology.network.device_id.tolist()) - set(topology.unfed)
    cut = {}
    for number, link in enumerate(plant.links, start=1):
        lost = cut_devices(topology, [Element("link", number)]) & fed
        if lost:
            cut["|".join(ordered(keys[link.from_device], keys[link.to_device]))] = {keys[plant.devices[device - 1].name] for device in lost}

    wanted = {"|".join(ordered(*pair.split("|"))): {str(node) for node in lost} for pair, lost in expected["single_link_failures"].items()}
    assert cut == wanted


def ordered(one: str, other: str) -> list[str]:
    return sorted((one, other))


def keys_of(path: Path) -> dict[str, str]:
    """By the name we give a node, the key its file gives it."""
    plant = read_topology(path)
    if path.suffix == ".json":
        return {device.name: device.name for device in plant.devices}
    return {device.name: str(key) for device, key in zip(plant.devices, graph_keys(path), strict=True)}


def graph_keys(path: Path) -> list[str]:
    return [part.partition('"')[0] for part in path.read_text().split('<node id="')[1:]]


def test_two_nodes_of_one_name_stay_two() -> None:
    plant = plant_of_graphml(GRAPH, "net")

    assert [device.name for device in plant.devices] == ["Bonn (0)", "Bonn (1)", "Ulm"]


def test_parallel_links_stay_several_and_a_loop_is_left_out() -> None:
    plant = plant_of_graphml(GRAPH, "net")

    assert [link.name for link in plant.links] == ["Bonn (0) - Ulm", "Bonn (1) - Ulm", "Bonn (1) - Ulm 2"]


def test_positions_on_a_drawing_are_not_taken_for_degrees() -> None:
    plant = plant_of_sndlib('{"nodes": [{"id": "A", "lat": 557.0, "lon": 48.0}], "links": []}', "net")

    assert plant.devices[0].latitude is None


def test_a_csv_pair_keeps_kinds_ports_and_ducts() -> None:
    plant = plant_of_csv(DEVICES, LINKS)

    assert [device.kind for device in plant.devices] == [DeviceKind.GATEWAY, DeviceKind.AGGREGATION, DeviceKind.OLT]
    assert (plant.links[0].from_port, plant.links[0].conduit, plant.links[0].length_m) == ("et0", "D1", 900)


@pytest.mark.parametrize(
    ("devices", "links", "why"),
    [
        (DEVICES.replace(",olt,", ",toaster,"), LINKS, "line 4: toaster is none of"),
        (DEVICES, LINKS.replace("olt,eth0", "nowhere,eth0"), "leads to nowhere"),
        (DEVICES.replace("agg,", "gw,"), LINKS, "gw is there twice"),
        (DEVICES.replace("kind,", ""), LINKS, "column kind is missing"),
        (DEVICES, LINKS.replace(",900", ",far"), "line 2: length_m far"),
        (DEVICES, LINKS.replace("gw,et0", ",et0"), "line 2: from_device is empty"),
    ],
)
def test_what_is_wrong_with_a_csv_pair_is_said_by_line_and_name(devices: str, links: str, why: str) -> None:
    with pytest.raises(TopologyUnreadable, match=why):
        plant_of_csv(devices, links)


@pytest.mark.parametrize("text", ["", "<graphml", "{}", '{"nodes": [1], "links": []}', "\x00"])
def test_a_file_that_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(TopologyUnreadable):
        plant_of_sndlib(text, "net")
    with pytest.raises(TopologyUnreadable):
        plant_of_graphml(text, "net")


async def test_an_imported_network_is_in_the_picture_of_the_plant(atlas: Atlas, tmp_path: Path) -> None:
    (tmp_path / "devices.csv").write_text(DEVICES)
    (tmp_path / "links.csv").write_text(LINKS)

    recorded = await import_topology(atlas, tmp_path / "devices.csv")

    async with atlas.transaction(executor("tests")) as conn:
        plant = await cmdb.network(conn)
    assert (recorded.devices, recorded.links) == (3, 2)
    assert plant.device_id.size == 3
    assert np.count_nonzero(plant.link_conduit) == 1


async def test_importing_a_network_again_adds_nothing(atlas: Atlas, owner: AsyncConnection[tuple[Any, ...]], tmp_path: Path) -> None:
    (tmp_path / "net.graphml").write_text(GRAPH)
    await import_topology(atlas, tmp_path / "net.graphml")

    again = await import_topology(atlas, tmp_path / "net.graphml")

    links = await (await owner.execute("SELECT count(*) FROM cmdb.link")).fetchone()
    assert (again.devices, again.links, links) == (0, 0, (3,))
