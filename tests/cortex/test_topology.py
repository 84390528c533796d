import json
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.cmdb.records.plant import DeviceKind, Network
from atlas.identity import DeviceId
from cortex.findings import Element
from cortex.topology import Topology
from tests.cortex.plants import NO_LINES, cut_devices, lines, network, searched

TOPOLOGIES = Path(__file__).parents[3] / "shared" / "data" / "topologies"
KINDS = (DeviceKind.GATEWAY, DeviceKind.CORE, DeviceKind.AGGREGATION, DeviceKind.PON_PORT, DeviceKind.SPLITTER)


@st.composite
def plants(draw: st.DrawFn) -> Network:
    count = draw(st.integers(1, 12))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=count, max_size=count))
    ids = draw(st.permutations(range(1, count + 1)))
    end = st.integers(1, count + 1)
    joined = draw(st.lists(st.tuples(end, end), max_size=20))
    groups = st.lists(st.integers(0, 3), min_size=20, max_size=20)
    sites, conduits = draw(groups), draw(groups)
    return network(list(zip(ids, kinds, strict=True)), joined, sites=dict(enumerate(sites, 1)), conduits=dict(enumerate(conduits, 1)))


elements = st.builds(Element, st.sampled_from(["device", "link", "conduit", "site"]), st.integers(1, 21))


@given(plants())
def test_one_failed_device_or_link_cuts_off_exactly_what_a_search_finds(plant: Network) -> None:
    topology = Topology.build(plant, NO_LINES)

    alone = [Element("device", int(i)) for i in plant.device_id] + [Element("link", int(i)) for i in plant.link_id]

    assert [cut_devices(topology, [element]) for element in alone] == [searched(plant, [element]) for element in alone]


@settings(max_examples=300)
@given(plants(), st.lists(elements, max_size=4))
def test_several_failures_at_once_cut_off_exactly_what_a_search_finds(plant: Network, failed: list[Element]) -> None:
    topology = Topology.build(plant, NO_LINES)

    assert cut_devices(topology, failed) == searched(plant, failed)


@settings(max_examples=200)
@given(plants(), st.lists(elements, min_size=1, max_size=3), st.lists(st.tuples(st.integers(1, 12), st.integers(1, 4)), max_size=15))
def test_counts_are_those_of_the_lists_even_where_a_customer_has_several_lines(
    plant: Network, failed: list[Element], hung: list[tuple[int, int]]
) -> None:
    on = [(subscriber, device) for subscriber, (device, _) in enumerate(hung, 1)]
    topology = Topology.build(plant, lines(on, [customer for _, customer in hung]))

    cut = topology.cut_off([*failed, Element("subscriber", 1)])
    counts = topology.counts(cut)
    rows = topology.line_rows(cut)

    assert counts.devices == len(topology.device_ids(cut))
    assert counts.subscribers == len(set(topology.subscriber_ids(cut))) == rows.size
    assert counts.customers == np.unique(topology.lines.customer_id[rows]).size
    assert counts.vulnerable == topology.lines.is_vulnerable[rows].sum()
    assert counts.businesses == topology.lines.is_business[rows].sum()
    assert counts.monthly_minor == topology.lines.monthly_minor[rows].sum()


def test_passive_plant_fails_but_is_not_counted_as_a_device() -> None:
    plant = network(
        [(1, DeviceKind.GATEWAY), (2, DeviceKind.OLT), (3, DeviceKind.PON_PORT), (4, DeviceKind.SPLITTER)], [(1, 2), (2, 3), (3, 4)]
    )
    topology = Topology.build(plant, lines([(10, 4), (11, 4)]))

    cut = topology.cut_off([Element("device", 3)])

    assert topology.device_ids(cut) == ()
    assert topology.subscriber_ids(cut) == (10, 11)


def test_a_part_with_no_known_gateway_is_fed_at_its_most_central_device() -> None:
    plant = network([(1, DeviceKind.GATEWAY), (2, DeviceKind.OLT), (3, DeviceKind.AGGREGATION), (4, DeviceKind.OLT)], [(2, 3), (3, 4)])
    topology = Topology.build(plant, NO_LINES)

    assert topology.unfed == {2, 3, 4}
    assert topology.downstream(Element("device", 3)) == (2, 4) or topology.downstream(Element("device", 3)) == (4, 2)


def test_two_links_side_by_side_are_redundant() -> None:
    plant = network([(1, DeviceKind.GATEWAY), (2, DeviceKind.OLT)], [(1, 2), (2, 1)])
    topology = Topology.build(plant, NO_LINES)

    assert cut_devices(topology, [Element("link", 1)]) == set()
    assert cut_devices(topology, [Element("link", 1), Element("link", 2)]) == {2}


def test_dominators_are_named_nearest_first() -> None:
    plant = network([(1, DeviceKind.GATEWAY), (2, DeviceKind.METRO), (3, DeviceKind.OLT)], [(1, 2), (2, 3)])
    topology = Topology.build(plant, NO_LINES)

    assert topology.dominators(DeviceId(3)) == (Element("link", 2), Element("device", 2), Element("link", 1), Element("device", 1))
    assert topology.upstream(DeviceId(3)) == (2, 1)


def test_the_common_dominator_of_a_ring_is_where_the_ring_hangs() -> None:
    plant = network(
        [(1, DeviceKind.GATEWAY), (2, DeviceKind.CORE), (3, DeviceKind.METRO), (4, DeviceKind.METRO)], [(1, 2), (2, 3), (3, 4), (4, 2)]
    )
    topology = Topology.build(plant, NO_LINES)

    assert topology.common_dominator([DeviceId(3), DeviceId(4)]) == 2


def _real_networks() -> Iterator[str]:
    yield from (path.stem for path in sorted((TOPOLOGIES / "expected").glob("*.json")))


@pytest.mark.skipif(not TOPOLOGIES.is_dir(), reason="the real topologies are not beside the repository")
@pytest.mark.parametrize("name", list(_real_networks()) or ["none"])
def test_single_failures_of_a_real_network_cut_off_exactly_the_listed_sites(name: str) -> None:
    expected = json.loads((TOPOLOGIES / "expected" / f"{name}.json").read_text())
    names, joined = _published(TOPOLOGIES / expected["topology"])
    number = {label: place for place, label in enumerate(names, 1)}
    kinds = [(number[label], DeviceKind.GATEWAY if label == expected["headend"] else DeviceKind.CORE) for label in names]
    topology = Topology.build(network(kinds, [(number[near], number[far]) for near, far in joined]), NO_LINES)

    by_node = {label: {names[i - 1] for i in cut_devices(topology, [Element("device", number[label])])} - {label} for label in names}
    by_link: dict[frozenset[str], set[str]] = {}
    for link, ends in enumerate(joined, 1):
        cut = {names[i - 1] for i in cut_devices(topology, [Element("link", link)])}
        by_link[frozenset(ends)] = by_link.get(frozenset(ends), set()) | cut

    nodes = expected["single_node_failures"]
    links = {frozenset(key.split("|")): set(cut) for key, cut in expected["single_link_failures"].items()}
    assert {label: cut for label, cut in by_node.items() if label != expected["headend"] and cut} == {
        label: set(cut) for label, cut in nodes.items() if label != expected["headend"]
    }
    assert {ends: cut for ends, cut in by_link.items() if cut} == links


def _published(path: Path) -> tuple[list[str], list[tuple[str, str]]]:
    if path.suffix == ".json":
        document = json.loads(path.read_text())
        return [str(node["id"]) for node in document["nodes"]], [(str(k["source"]), str(k["target"])) for k in document["links"]]
    graph = nx.MultiGraph(nx.read_graphml(path, force_multigraph=True))
    return [str(node) for node in graph], [(str(near), str(far)) for near, far in graph.edges()]
