import json
from pathlib import Path
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from psycopg.errors import InsufficientPrivilege

from api.inbound.plans import PlanTaken
from api.inbound.topology import import_topology
from api.topology_files import TopologyUnreadable, plant_of_graphml, plant_of_sndlib, read_topology, rows_of_csv
from atlas.cmdb import reads as cmdb
from atlas.cmdb.records.plant import DeviceKind, PlannedPlant
from atlas.connection import Atlas
from atlas.identity import CorrelationId, StaffId
from atlas.principal import executor, in_session, staff
from cortex.findings import Element
from cortex.topology import Topology
from forge.matrix_in_force import write_in_force
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.matrix import SHIPPED, load
from tests import given
from tests.cortex.plants import NO_LINES, cut_devices, network
from tests.given import NOW, Owner

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

    plant = read_topology(path).plant

    assert len(plant.devices) == expected["nodes"]
    assert len({frozenset((link.from_device, link.to_device)) for link in plant.links}) == expected["links_distinct"]


@needs_topologies
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_single_link_of_a_published_network_cuts_off_whom_it_should(path: Path) -> None:
    expected = expected_of(path)
    plant = read_topology(path).plant
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
    plant = read_topology(path).plant
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
    plant = rows_of_csv(DEVICES, LINKS).plant

    assert [device.kind for device in plant.devices] == [DeviceKind.GATEWAY, DeviceKind.AGGREGATION, DeviceKind.OLT]
    assert (plant.links[0].from_port, plant.links[0].conduit, plant.links[0].length_m) == ("et0", "D1", 900)


@pytest.mark.parametrize(
    ("devices", "links", "wrong"),
    [
        (DEVICES.replace(",olt,", ",toaster,"), LINKS, ("devices.csv", 4, "kind")),
        (DEVICES.replace("agg,", "gw,"), LINKS, ("devices.csv", 3, "name")),
        (DEVICES.replace("10.0.0.2", "10.0.0.256"), LINKS, ("devices.csv", 3, "management_address")),
        (DEVICES, LINKS.replace(",900", ",far"), ("links.csv", 2, "length_m")),
        (DEVICES, LINKS.replace("gw,et0", ",et0"), ("links.csv", 2, "from_device")),
        (DEVICES, LINKS.replace("backhaul", "string"), ("links.csv", 2, "kind")),
        (DEVICES, LINKS.replace("gw,et0,agg", "gw,et0,gw"), ("links.csv", 2, "to_device")),
    ],
)
def test_what_is_wrong_with_a_row_of_a_csv_pair_is_said_by_file_line_and_field(
    devices: str, links: str, wrong: tuple[str, int, str]
) -> None:
    read = rows_of_csv(devices, links)

    assert [(one.file, one.row, one.field) for one in read.wrong] == [wrong]
    assert len(read.devices) + len(read.links) == 4


def test_a_column_that_is_missing_refuses_the_whole_file() -> None:
    with pytest.raises(TopologyUnreadable, match="column kind is missing"):
        rows_of_csv(DEVICES.replace("kind,", ""), LINKS)


@pytest.mark.parametrize("text", ["", "<graphml", "{}", '{"nodes": [1], "links": []}', "\x00"])
def test_a_file_that_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(TopologyUnreadable):
        plant_of_sndlib(text, "net")
    with pytest.raises(TopologyUnreadable):
        plant_of_graphml(text, "net")


@pytest.fixture
async def forge(atlas: Atlas, owner: Owner) -> Forge:
    await write_in_force(owner, load(SHIPPED))
    return Forge(atlas, Register.of_modules(), MatrixInForce(load(SHIPPED)), lambda: NOW, ZoneInfo("Europe/London"))


async def taken(forge: Forge, owner: Owner, path: Path, *, is_dry: bool = False) -> PlanTaken:
    member = await given.member(owner, f"Anna {uuid4()}", "noc_engineer")
    me = in_session(staff(StaffId(member), "Anna Bell", frozenset()), await given.session(owner, member))
    return await import_topology(forge, me, path, CorrelationId(uuid4()), is_dry=is_dry)


def pair(folder: Path, devices: str = DEVICES, links: str = LINKS) -> Path:
    (folder / "devices.csv").write_text(devices)
    (folder / "links.csv").write_text(links)
    return folder / "devices.csv"


async def test_an_imported_network_is_in_the_picture_of_the_plant_by_an_order_of_whoever_read_it(
    forge: Forge, owner: Owner, tmp_path: Path
) -> None:
    found = await taken(forge, owner, pair(tmp_path))

    async with forge.atlas.transaction(executor("tests")) as conn:
        plant = await cmdb.network(conn)
    proposer = await (await owner.execute("SELECT proposer, state FROM actions.action WHERE name = 'import_topology'")).fetchone()
    assert (found.new, found.is_whole) == ({"devices": 3, "links": 2}, True)
    assert plant.device_id.size == 3
    assert np.count_nonzero(plant.link_conduit) == 1
    assert proposer is not None
    assert proposer[0].startswith("staff:")
    assert proposer[1] == "done"


async def test_importing_a_network_again_adds_nothing(forge: Forge, owner: Owner, tmp_path: Path) -> None:
    (tmp_path / "net.graphml").write_text(GRAPH)
    await taken(forge, owner, tmp_path / "net.graphml")

    again = await taken(forge, owner, tmp_path / "net.graphml")

    links = await (await owner.execute("SELECT count(*) FROM cmdb.link")).fetchone()
    assert (again.new, again.same, again.asked, links) == ({"devices": 0, "links": 0}, 6, (), (3,))


async def test_a_dry_run_says_what_would_become_of_each_row_and_asks_for_nothing(forge: Forge, owner: Owner, tmp_path: Path) -> None:
    found = await taken(forge, owner, pair(tmp_path, DEVICES.replace(",olt,", ",toaster,")), is_dry=True)

    actions = await (await owner.execute("SELECT count(*) FROM actions.action WHERE name = 'import_topology'")).fetchone()
    assert found.new == {"devices": 2, "links": 1}
    assert [(one.file, one.row, one.field) for one in found.refused] == [("devices.csv", 4, "kind"), ("links.csv", 3, "to_device")]
    assert actions == (0,)


async def test_a_row_that_cannot_be_true_beside_what_is_there_is_refused_and_the_rest_is_taken(
    forge: Forge, owner: Owner, tmp_path: Path
) -> None:
    await given.device(owner, "agg", "metro")
    there = await given.device(owner, "gw", "gateway")
    other = await given.device(owner, "old", "metro", management_address="10.0.0.3")
    await given.link(owner, there, other, from_port="et0")

    found = await taken(forge, owner, pair(tmp_path, DEVICES.replace("Village,\n", "Village,10.0.0.3\nnew,olt,Village,10.0.0.4\n")))

    assert [(one.file, one.row, one.field) for one in found.refused] == [
        ("devices.csv", 3, "kind"),
        ("devices.csv", 4, "management_address"),
        ("links.csv", 2, "from_port"),
        ("links.csv", 3, "to_device"),
    ]
    assert (found.new, found.same) == ({"devices": 1, "links": 0}, 1)


async def test_no_device_comes_in_without_an_order(atlas: Atlas, owner: Owner) -> None:
    area = await given.area(owner)
    with pytest.raises(InsufficientPrivilege):
        async with atlas.transaction(executor("import")) as conn:
            await conn.execute("INSERT INTO cmdb.device (name, kind, area_id) VALUES ('rogue', 'core', %s)", (area,))
