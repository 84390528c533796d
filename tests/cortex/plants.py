"""Small plants for the tests of Cortex, and an independent search to compare with."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import networkx as nx
import numpy as np

from atlas.cmdb.records.plant import KINDS, PASSIVE_KINDS, DeviceKind, Lines, Network
from atlas.identity import AlarmId, DeviceId, LinkId, SubscriberId
from atlas.nms.records import OpenAlarm, ProbableCause, Severity
from cortex.correlate import correlate
from cortex.findings import Element, Finding
from cortex.topology import Topology


def network(
    devices: Sequence[tuple[int, DeviceKind]],
    links: Sequence[tuple[int, int]],
    *,
    areas: dict[int, int] | None = None,
    sites: dict[int, int] | None = None,
    conduits: dict[int, int] | None = None,
    unmonitored: Iterable[int] = (),
) -> Network:
    """Devices are (id, kind); link number i (from 1) joins two device ids; conduits are by link id."""
    ids = np.array([device for device, _ in devices], dtype=np.int64)
    kinds = [kind for _, kind in devices]
    silent = set(unmonitored)
    return Network(
        version=1,
        device_id=ids,
        device_kind=np.array([KINDS.index(kind) for kind in kinds], dtype=np.uint8),
        device_area=np.array([(areas or {}).get(device, 1) for device, _ in devices], dtype=np.int64),
        device_site=np.array([(sites or {}).get(device, 0) for device, _ in devices], dtype=np.int64),
        device_is_gateway=np.array([kind is DeviceKind.GATEWAY for kind in kinds]),
        device_is_monitored=np.array([kind not in PASSIVE_KINDS and device not in silent for device, kind in devices]),
        link_id=np.arange(1, len(links) + 1, dtype=np.int64),
        link_from=np.array([near for near, _ in links], dtype=np.int64),
        link_to=np.array([far for _, far in links], dtype=np.int64),
        link_conduit=np.array([(conduits or {}).get(link, 0) for link in range(1, len(links) + 1)], dtype=np.int64),
    )


def lines(on: Sequence[tuple[int, int]], customers: Sequence[int] | None = None) -> Lines:
    """One line per (subscriber id, device id); each its own customer unless said otherwise; 10.00 a month."""
    subscribers = np.array([subscriber for subscriber, _ in on], dtype=np.int64)
    return Lines(
        subscriber_id=subscribers,
        customer_id=np.array(customers, dtype=np.int64) if customers is not None else subscribers,
        device_id=np.array([device for _, device in on], dtype=np.int64),
        area_id=subscribers % 3 + 1,
        monthly_minor=np.full(subscribers.size, 1000, dtype=np.int64),
        is_vulnerable=subscribers % 5 == 0,
        is_business=subscribers % 7 == 0,
    )


NO_LINES = lines([])


def searched(plant: Network, elements: Sequence[Element]) -> set[int]:
    """Device ids, passive ones too, that had a way to a gateway and have none once `elements` are gone; by plain search."""
    graph = nx.MultiGraph()
    graph.add_nodes_from(plant.device_id.tolist())
    ends = zip(plant.link_from.tolist(), plant.link_to.tolist(), plant.link_id.tolist(), plant.link_conduit.tolist(), strict=True)
    graph.add_edges_from((near, far, link, {"conduit": conduit}) for near, far, link, conduit in ends if near in graph and far in graph)
    gateways = set(plant.device_id[plant.device_is_gateway].tolist())
    before = _reached(graph, gateways)
    named = {(element.kind, element.id) for element in elements}
    sites = dict(zip(plant.device_id.tolist(), plant.device_site.tolist(), strict=True))
    failed = [device for device in graph if ("device", device) in named or (sites[device] and ("site", sites[device]) in named)]
    cut = [
        (near, far, link)
        for near, far, link, conduit in graph.edges(keys=True, data="conduit")
        if ("link", link) in named or (conduit and ("conduit", conduit) in named)
    ]
    graph.remove_edges_from(cut)
    graph.remove_nodes_from(failed)
    return before - _reached(graph, gateways)


def _reached(graph: nx.MultiGraph, gateways: set[int]) -> set[int]:
    return set().union(*(nx.node_connected_component(graph, gateway) for gateway in gateways if gateway in graph))


def cut_devices(topology: Topology, elements: Sequence[Element]) -> set[int]:
    """Every device id in the cut-off, passive ones too; parts with no known gateway left out."""
    cut = topology.cut_off(elements)
    rows = [row for start, end in zip(cut.starts, cut.ends, strict=True) for row in topology.forest.at[start:end].tolist()]
    return set(topology.network.device_id[rows].tolist()) - set(topology.unfed)


AT = datetime(2026, 3, 3, 3, 14, tzinfo=UTC)


class Alarms:
    """Alarms told one after another, a second apart; ids count up."""

    def __init__(self) -> None:
        self.told: list[OpenAlarm] = []

    def say(
        self, device: int, cause: ProbableCause, *, link: int | None = None, subscriber: int | None = None, managed_object: str = ""
    ) -> "Alarms":
        number = len(self.told) + 1
        self.told.append(
            OpenAlarm(
                alarm_id=AlarmId(number),
                device_id=DeviceId(device),
                link_id=LinkId(link) if link else None,
                subscriber_id=SubscriberId(subscriber) if subscriber else None,
                probable_cause=cause,
                severity=Severity.CRITICAL,
                raised_at=AT + timedelta(seconds=number),
                times=1,
                managed_object=managed_object,
            )
        )
        return self

    def lost(self, *devices: int) -> "Alarms":
        for device in devices:
            self.say(device, ProbableCause.UNREACHABLE)
        return self

    def down(self, device: int, link: int) -> "Alarms":
        """A healthy device sees the light go and the port fall."""
        self.say(device, ProbableCause.LOSS_OF_SIGNAL, link=link)
        return self.say(device, ProbableCause.LINK_DOWN, link=link)

    def lines(self, cause: ProbableCause, device: int, subscribers: Iterable[int]) -> "Alarms":
        for subscriber in subscribers:
            self.say(device, cause, subscriber=subscriber)
        return self


def correlated(topology: Topology, alarms: Alarms, *, silent: Iterable[int] = (), answering: Iterable[int] = ()) -> list[Finding]:
    muted, back = frozenset(map(DeviceId, silent)), frozenset(map(DeviceId, answering))
    return correlate(topology, alarms.told, now=AT + timedelta(minutes=5), silent=muted, answering=back)
