"""`blast-radius`: who is behind a failed element of 50,000 devices with rings and 1,000,000 subscribers; checked against a search."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

from atlas.cmdb.records.plant import KINDS, PASSIVE_KINDS, DeviceKind, Lines, Network
from cortex.blast_radius import blast_counts, blast_radius
from cortex.findings import Element
from cortex.topology import Topology
from evals.bench import Conditions, Row

DEVICES, SUBSCRIBERS = 50_000, 1_000_000
GATEWAYS, CORES, RINGS, RING_NODES = 2, 24, 120, 10
ONE_AT_ONCE, THREE_AT_ONCE, CHECKED = 4_000, 400, 300
FLOOR_IS: Final = "one scipy connected_components over the same plant"
Failure = tuple[Element, ...]


class WrongBlastRadius(Exception):
    """The answer is not what a search finds."""


async def run(_conditions: Conditions) -> Sequence[Row]:
    return await asyncio.to_thread(measured, 1)


def measured(seed: int) -> list[Row]:
    """Raises WrongBlastRadius where any checked answer differs from the search."""
    chance = Random(seed)  # noqa: S311 - a plant to be repeated, not a secret
    network, lines = large_plant(seed)
    topology = Topology.build(network, lines)
    one = [(_any_element(network, chance),) for _ in range(ONE_AT_ONCE)]
    three = [tuple(_any_element(network, chance) for _ in range(3)) for _ in range(THREE_AT_ONCE)]
    search = Search(network, lines)
    floor = float(np.median(_took_ms(search.subscribers_cut_off, one[:30])))
    checked = check(topology, search, [*one[:CHECKED], *three[:CHECKED]])
    counted = _took_ms(lambda failed: _devices_and_counts(topology, failed), one)
    listed, three_listed = (_took_ms(lambda failed: blast_radius(topology, failed), failures) for failures in (one, three))
    return [
        _row("any one element: devices and counts", counted, floor, "p99 ≤ 1 ms"),
        _row("any one element: every subscriber", listed, floor, "p99 ≤ 20 ms"),
        _row("any three at once: every subscriber", three_listed, floor, "p99 ≤ 20 ms"),
        Row("blast-radius", f"wrong answers of {checked} checked by search", "answers", 0.0, None, None, "", "0"),
    ]


def _devices_and_counts(topology: Topology, failed: Failure) -> None:
    topology.device_ids(topology.cut_off(failed))
    blast_counts(topology, failed)


def _row(figure: str, took_ms: NDArray[np.float64], floor: float, goal: str) -> Row:
    return Row("blast-radius", figure, "ms", float(np.median(took_ms)), float(np.percentile(took_ms, 99)), floor, FLOOR_IS, goal)


def _took_ms(ask: Callable[[Failure], object], failures: Iterable[Failure]) -> NDArray[np.float64]:
    took = []
    for failed in failures:
        began = time.perf_counter()
        ask(failed)
        took.append((time.perf_counter() - began) * 1000)
    return np.array(took)


def _any_element(network: Network, chance: Random) -> Element:
    """A device or a link, each as likely as it is common."""
    drawn = chance.randrange(network.device_id.size + network.link_id.size)
    if drawn < network.device_id.size:
        return Element("device", int(network.device_id[drawn]))
    return Element("link", int(network.link_id[drawn - network.device_id.size]))


# The plant


def large_plant(seed: int) -> tuple[Network, Lines]:
    """Core ring, metro rings, then trees in which one switch in twenty has a second feed; subscribers on the leaves and some above."""
    chance = np.random.default_rng(seed)
    ends = [*_backbone()]
    backbone = GATEWAYS + CORES + RINGS * RING_NODES
    rest = np.arange(backbone + 1, DEVICES + 1)
    reach = np.where(rest < backbone * 6, backbone, rest // 2)
    feeds = (chance.random(rest.size) * reach).astype(np.int64) + 1
    feeds[rest < backbone * 6] = np.maximum(feeds[rest < backbone * 6], GATEWAYS + CORES + 1)
    second = chance.choice(rest, rest.size // 20, replace=False)
    ends += zip(feeds.tolist(), rest.tolist(), strict=True)
    ends += zip((chance.random(second.size) * backbone).astype(np.int64) + 1, second.tolist(), strict=True)
    return _network(np.array(ends, dtype=np.int64), backbone, chance), _lines(chance, backbone)


def _backbone() -> Iterable[tuple[int, int]]:
    first_core, first_node = GATEWAYS + 1, GATEWAYS + CORES + 1
    cores = range(first_core, first_core + CORES)
    yield from ((1, first_core), (2, first_core + CORES // 2))
    yield from zip(cores, [*cores[1:], first_core], strict=True)
    for ring in range(RINGS):
        nodes = range(first_node + ring * RING_NODES, first_node + (ring + 1) * RING_NODES)
        around = [cores[ring % CORES], *nodes, cores[(ring + 1) % CORES]]
        yield from pairwise(around)


def _network(ends: NDArray[np.int64], backbone: int, chance: np.random.Generator) -> Network:
    kinds = np.full(DEVICES, KINDS.index(DeviceKind.OLT), dtype=np.uint8)
    kinds[backbone:][chance.random(DEVICES - backbone) < 0.2] = KINDS.index(DeviceKind.SPLITTER)
    kinds[:backbone] = KINDS.index(DeviceKind.METRO)
    kinds[: GATEWAYS + CORES] = KINDS.index(DeviceKind.CORE)
    kinds[:GATEWAYS] = KINDS.index(DeviceKind.GATEWAY)
    ids = np.arange(1, DEVICES + 1)
    return Network(
        version=1,
        device_id=ids,
        device_kind=kinds,
        device_area=ids % 200 + 1,
        device_site=np.zeros(DEVICES, dtype=np.int64),
        device_is_gateway=kinds == KINDS.index(DeviceKind.GATEWAY),
        device_is_monitored=np.ones(DEVICES, dtype=bool),
        link_id=np.arange(1, len(ends) + 1),
        link_from=ends[:, 0],
        link_to=ends[:, 1],
        link_conduit=np.zeros(len(ends), dtype=np.int64),
    )


def _lines(chance: np.random.Generator, backbone: int) -> Lines:
    ids = np.arange(1, SUBSCRIBERS + 1)
    return Lines(
        subscriber_id=ids,
        # One customer in ten or so has several lines, not all in one place.
        customer_id=chance.integers(1, 9 * SUBSCRIBERS // 10, SUBSCRIBERS),
        device_id=chance.integers(backbone + 1, DEVICES + 1, SUBSCRIBERS),
        area_id=chance.integers(1, 201, SUBSCRIBERS),
        monthly_minor=chance.integers(1_500, 9_000, SUBSCRIBERS),
        is_vulnerable=chance.random(SUBSCRIBERS) < 0.02,
        is_business=chance.random(SUBSCRIBERS) < 0.05,
    )


# The search it is checked against


class Search:
    """Takes the failed elements out of the plant and looks what still hangs together with a gateway."""

    def __init__(self, network: Network, lines: Lines) -> None:
        self._network, self._lines = network, lines

    def devices_cut_off(self, failed: Failure) -> NDArray[np.bool_]:
        """By device, in the order of the ids, which count from 1."""
        network = self._network
        dead = np.zeros(network.device_id.size, dtype=bool)
        dead[[element.id - 1 for element in failed if element.kind == "device"]] = True
        cut = np.isin(network.link_id, [element.id for element in failed if element.kind == "link"])
        near, far = network.link_from - 1, network.link_to - 1
        kept = ~cut & ~dead[near] & ~dead[far]
        size = network.device_id.size
        joined = coo_array((np.ones(int(kept.sum()), dtype=np.int8), (near[kept], far[kept])), shape=(size, size))
        _, part = connected_components(joined, directed=False)
        served = np.isin(part, part[network.device_is_gateway & ~dead])
        return np.asarray(~served | dead)

    def subscribers_cut_off(self, failed: Failure) -> NDArray[np.int64]:
        return np.flatnonzero(self.devices_cut_off(failed)[self._lines.device_id - 1])


PASSIVE: Final = np.array([kind in PASSIVE_KINDS for kind in KINDS])


def check(topology: Topology, search: Search, failures: Sequence[Failure]) -> int:
    """How many were checked. Raises WrongBlastRadius at the first that differs, in any list or count."""
    network, lines = topology.network, topology.lines
    for failed in failures:
        blast = blast_radius(topology, failed)
        gone, rows = search.devices_cut_off(failed), search.subscribers_cut_off(failed)
        devices = network.device_id[gone & ~PASSIVE[network.device_kind]]
        expected = (
            set(devices.tolist()),
            set(lines.subscriber_id[rows].tolist()),
            np.unique(lines.customer_id[rows]).size,
            int(lines.is_vulnerable[rows].sum()),
            int(lines.is_business[rows].sum()),
            int(lines.monthly_minor[rows].sum()),
        )
        money = blast.revenue_at_risk.minor
        found = (set(blast.devices), set(blast.subscribers), blast.customers, blast.vulnerable, blast.businesses, money)
        if found != expected:
            raise WrongBlastRadius(f"{failed}: {len(blast.subscribers)} subscribers, the search finds {rows.size}")
    return len(failures)
