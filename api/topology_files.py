"""Reads a network from a file: GraphML as the Internet Topology Zoo writes it, SNDlib JSON, or a pair of CSV files.

The CSV pair is `devices.csv` or `NAME-devices.csv` (name, kind, area, latitude, longitude, site, management_address, vendor, model,
serial, firmware; the first three are needed) with `links.csv` or `NAME-links.csv` beside it (from_device, from_port, to_device,
to_port, and if known name, kind, conduit, length_m). Graph files know neither kinds nor ports: their best-connected node of our own is
taken for the gateway, all others for metro routers, and ports are named after the node at their other end.
"""

import json
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError

import networkx as nx

from api.plan_rows import Judging, RowWrong, rows_of
from atlas.cmdb.records.plant import DeviceKind, PlannedDevice, PlannedLink, PlannedPlant
from atlas.errors import AtlasError, InvalidField

LINK_KINDS: Final = frozenset({"backhaul", "trunk", "feeder", "distribution", "radio", "coax", "patch"})
LINKS_BESIDE: Final = "links.csv"


class TopologyUnreadable(AtlasError):
    """A topology file cannot be taken as it is; nothing of it was."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__(f"{file}: {why}")
        self.file = file


@dataclass(frozen=True)
class TopologyRead:
    """A network out of a file: each device and link with its row (in a graph its place in the file), and the rows that cannot be read."""

    devices_file: str
    links_file: str
    devices: tuple[tuple[int, PlannedDevice], ...]
    links: tuple[tuple[int, PlannedLink], ...]
    wrong: tuple[RowWrong, ...] = ()

    @property
    def plant(self) -> PlannedPlant:
        return PlannedPlant(tuple(device for _, device in self.devices), tuple(link for _, link in self.links))


def read_topology(path: Path) -> TopologyRead:
    """The network in `path`, by its suffix: .graphml, .json, or .csv (the devices; the links lie beside it).

    Raises TopologyUnreadable where the file as a whole is none.
    """
    readers = {".graphml": _graphml_file, ".json": _json_file, ".csv": _csv_files}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise TopologyUnreadable(path.name, f"not one of {', '.join(readers)}")
    try:
        return reader(path)
    except (OSError, UnicodeDecodeError) as error:
        raise TopologyUnreadable(path.name, str(error)) from error


def _graphml_file(path: Path) -> TopologyRead:
    return _of_graph(path, plant_of_graphml(path.read_text(), path.stem))


def _json_file(path: Path) -> TopologyRead:
    return _of_graph(path, plant_of_sndlib(path.read_text(), path.stem))


def _of_graph(path: Path, plant: PlannedPlant) -> TopologyRead:
    return TopologyRead(path.name, path.name, tuple(enumerate(plant.devices, 1)), tuple(enumerate(plant.links, 1)))


def _csv_files(path: Path) -> TopologyRead:
    beside = path.with_name(path.name.replace("devices", "links"))
    if beside == path:
        raise TopologyUnreadable(path.name, "the devices of a CSV pair are in devices.csv or NAME-devices.csv")
    return rows_of_csv(path.read_text(), beside.read_text(), path.name, beside.name)


def plant_of_graphml(text: str, network: str) -> PlannedPlant:
    """A network of the Internet Topology Zoo; `network` names its one area. Nodes that are not its own are not monitored."""
    try:
        graph = nx.parse_graphml(text, force_multigraph=True)
    except (ParseError, nx.NetworkXException, KeyError, ValueError, TypeError) as error:
        raise TopologyUnreadable(f"{network}.graphml", f"no GraphML: {error}") from error
    nodes = {str(node): dict(facts) for node, facts in graph.nodes(data=True)}
    edges = [(str(one), str(other)) for one, other in graph.edges()]
    places = {node: _place(facts.get("Latitude"), facts.get("Longitude")) for node, facts in nodes.items()}
    labels = {node: str(facts.get("label") or node) for node, facts in nodes.items()}
    ours = {node for node, facts in nodes.items() if facts.get("Internal", 1)}
    return _plant_of_graph(network, labels, places, ours, edges)


def plant_of_sndlib(text: str, network: str) -> PlannedPlant:
    try:
        document = json.loads(text)
        places = {str(node["id"]): _place(node.get("lat"), node.get("lon")) for node in document["nodes"]}
        edges = [(str(link["source"]), str(link["target"])) for link in document["links"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TopologyUnreadable(f"{network}.json", f"no SNDlib network: {error!r}") from error
    return _plant_of_graph(network, {node: node for node in places}, places, set(places), edges)


def _place(latitude: Any, longitude: Any) -> tuple[float, float] | None:
    """Degrees, where both are known and are degrees: some SNDlib networks have positions on a drawing instead."""
    try:
        place = float(latitude), float(longitude)
    except (TypeError, ValueError):
        return None
    return place if -90 <= place[0] <= 90 and -180 <= place[1] <= 180 else None


def _plant_of_graph(
    network: str,
    labels: Mapping[str, str],
    places: Mapping[str, tuple[float, float] | None],
    ours: set[str],
    edges: Sequence[tuple[str, str]],
) -> PlannedPlant:
    unknown = {end for edge in edges for end in edge} - labels.keys()
    if unknown or not labels:
        raise TopologyUnreadable(network, f"links lead to {sorted(unknown)}, which are no nodes" if unknown else "no nodes")
    # Two nodes may bear one city's name; then the node's own key tells them apart.
    twice = {label for label, times in Counter(labels.values()).items() if times > 1}
    names = {node: f"{label} ({node})" if label in twice else label for node, label in labels.items()}
    gateway = best_connected(labels, edges, ours)
    devices = tuple(
        PlannedDevice(
            name=names[node],
            kind=DeviceKind.GATEWAY if node == gateway else DeviceKind.METRO,
            area=network,
            latitude=place[0] if (place := places[node]) else None,
            longitude=place[1] if place else None,
            is_monitored=node in ours,
        )
        for node in labels
    )
    return PlannedPlant(devices, tuple(_links(names, edges)))


def _links(names: Mapping[str, str], edges: Iterable[tuple[str, str]]) -> Iterable[PlannedLink]:
    """Parallel links are numbered; one from a node to itself says nothing and is left out."""
    seen: Counter[frozenset[str]] = Counter()
    for one, other in edges:
        if one == other:
            continue
        pair = frozenset((one, other))
        seen[pair] += 1
        more = f" {seen[pair]}" if seen[pair] > 1 else ""
        near, far = names[one], names[other]
        yield PlannedLink(f"{near} - {far}{more}", "trunk", near, f"to {far}{more}", far, f"to {near}{more}")


def best_connected(nodes: Iterable[str], edges: Sequence[tuple[str, str]], ours: set[str]) -> str:
    """Where the internet is, in a file that does not say: our node with most neighbours in the largest part; the first key on a tie."""
    graph = nx.Graph([(one, other) for one, other in edges if one != other])
    graph.add_nodes_from(nodes)
    parts = sorted(nx.connected_components(graph), key=lambda part: (-len(part), min(part, key=_in_order)))
    inside = [node for node in parts[0] if node in ours] or list(parts[0])
    return min(inside, key=lambda node: (-graph.degree[node], _in_order(node)))


def _in_order(node: str) -> tuple[int, int, str]:
    """Numbers as numbers, then names."""
    return (0, int(node), "") if node.isdigit() else (1, 0, node)


def rows_of_csv(devices: str, links: str, name: str = "devices.csv", beside: str = LINKS_BESIDE) -> TopologyRead:
    """Every row of a CSV pair; what is wrong with one is told by file, line and field. Raises TopologyUnreadable for a missing column."""
    of_devices, of_links = Judging(name), Judging(beside)
    read: dict[str, tuple[int, PlannedDevice]] = {}
    spans: list[tuple[int, PlannedLink]] = []
    try:
        for line, row in rows_of(devices, of_devices, ("name", "kind", "area")):
            try:
                read[row["name"]] = (line, _csv_device(row, read))
            except InvalidField as wrong:
                of_devices.refuse(line, wrong.field, wrong.reason)
        for line, row in rows_of(links, of_links, ("from_device", "from_port", "to_device", "to_port")):
            try:
                spans.append((line, _csv_link(row)))
            except InvalidField as wrong:
                of_links.refuse(line, wrong.field, wrong.reason)
    except InvalidField as missing:
        raise TopologyUnreadable(name, f"column {missing.field} is missing: {missing.reason}") from None
    return TopologyRead(name, beside, tuple(read.values()), tuple(spans), (*of_devices.wrong, *of_links.wrong))


def _csv_device(row: Mapping[str, str], before: Container[str]) -> PlannedDevice:
    """Raises InvalidField; `before` are the names above."""
    if row["name"] in before:
        raise InvalidField("name", f"{row['name']} is there twice")
    try:
        kind = DeviceKind(row["kind"])
    except ValueError:
        raise InvalidField("kind", f"{row['kind']} is none of {', '.join(DeviceKind)}") from None
    latitude, longitude = _degrees(row, "latitude", 90), _degrees(row, "longitude", 180)
    if (latitude is None) != (longitude is None):
        raise InvalidField("latitude" if latitude is None else "longitude", "a place needs both")
    return PlannedDevice(
        name=row["name"],
        kind=kind,
        area=row["area"],
        latitude=latitude,
        longitude=longitude,
        site=row.get("site") or None,
        management_address=_address(row.get("management_address", "")),
        vendor=row.get("vendor", ""),
        model=row.get("model", ""),
        serial=row.get("serial") or None,
        firmware=row.get("firmware", ""),
    )


def _address(written: str) -> str | None:
    try:
        return str(ip_address(written)) if written else None
    except ValueError:
        raise InvalidField("management_address", f"{written[:60]} is no address") from None


def _degrees(row: Mapping[str, str], column: str, most: int) -> float | None:
    written = row.get(column, "")
    try:
        found = float(written) if written else None
    except ValueError:
        raise InvalidField(column, f"{written[:40]} is no number of degrees") from None
    if found is not None and not -most <= found <= most:
        raise InvalidField(column, f"{written} is beyond {most} degrees")
    return found


def _csv_link(row: Mapping[str, str]) -> PlannedLink:
    """Raises InvalidField."""
    kind, length = row.get("kind") or "trunk", row.get("length_m") or None
    if kind not in LINK_KINDS:
        raise InvalidField("kind", f"{kind} is none of {', '.join(sorted(LINK_KINDS))}")
    if length is not None and not length.isdecimal():
        raise InvalidField("length_m", f"{length} is no whole number of metres")
    near, far = row["from_device"], row["to_device"]
    if near == far:
        raise InvalidField("to_device", f"{near} is linked to itself")
    return PlannedLink(
        name=row.get("name") or f"{near} {row['from_port']} - {far} {row['to_port']}",
        kind=kind,
        from_device=near,
        from_port=row["from_port"],
        to_device=far,
        to_port=row["to_port"],
        conduit=row.get("conduit") or None,
        length_m=int(length) if length else None,
    )
