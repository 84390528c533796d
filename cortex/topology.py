"""What feeds what: from one failed element, or several at once, to everything that loses every path to a gateway."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import breadth_first_order  # type: ignore[import-untyped]

from atlas.cmdb.records.plant import KINDS, PASSIVE_KINDS, Flags, Ids, Lines, Network
from atlas.identity import DeviceId, SubscriberId
from cortex.dominators import ROOT, Adjacency, Forest, Rows, dominator_forest, runs_apart
from cortex.findings import Element
from cortex.habits import Habits
from cortex.rank import Rank

PASSIVE: Final = np.array([kind in PASSIVE_KINDS for kind in KINDS])


@dataclass(frozen=True, eq=False, slots=True)
class Counts:
    """How much is cut off, without saying who. `monthly_minor` is the month's charges in minor units."""

    devices: int
    subscribers: int
    customers: int
    vulnerable: int
    businesses: int
    monthly_minor: int


@dataclass(frozen=True, eq=False, slots=True)
class CutOff:
    """What loses service, as runs of positions [start, end) in the topology's numbering, plus single lines cut at the drop."""

    starts: Rows
    ends: Rows
    drops: Rows


@dataclass(frozen=True, eq=False)
class Topology:
    """The plant, numbered once for each version of it and then only asked.

    A part with no known gateway is taken to be fed at its most central device, because its customers are served by something the
    records miss; `unfed` names it. Links to unknown devices and lines on unknown devices are left out.
    """

    network: Network
    lines: Lines
    device_rank: Rank
    link_rank: Rank
    link_ends: Rows  # shape (2, links): device rows
    around: Adjacency
    forest: Forest

    @classmethod
    def build(cls, network: Network, lines: Lines) -> "Topology":
        device_rank, link_rank = Rank(network.device_id), Rank(network.link_id)
        ends = np.stack([device_rank.rows(network.link_from), device_rank.rows(network.link_to)])
        around = Adjacency.of(network.device_id.size, ends[0], ends[1])
        forest = dominator_forest(around, network.link_id.size, heads_of(network, around), network.device_is_gateway)
        return cls(network, lines, device_rank, link_rank, ends, around, forest).warmed()

    @cached_property
    def position(self) -> Rows:
        return self.forest.start

    @cached_property
    def passive(self) -> Flags:
        flags: Flags = PASSIVE[self.network.device_kind]
        return flags

    @cached_property
    def unfed(self) -> frozenset[DeviceId]:
        """Devices that no known path joins to a gateway: where the records are incomplete."""
        return frozenset(DeviceId(int(i)) for i in self.network.device_id[self.forest.at[self.forest.fed :]])

    @cached_property
    def _spoken(self) -> tuple[Rows, tuple[int, ...], Rows]:
        """Of the devices that are not passive: how many lie before each position, their ids in order, and their rows."""
        counted = ~self.passive[self.forest.at]
        rows = self.forest.at[counted]
        return _running(counted), tuple(self.network.device_id[rows].tolist()), rows

    @cached_property
    def line_device(self) -> Rows:
        """By line row: the device row it hangs from, -1 where that is not known."""
        return self.device_rank.rows(self.lines.device_id)

    @cached_property
    def lines_on(self) -> Rows:
        """By device row: how many lines hang from it."""
        return np.bincount(self.line_device[self.line_device >= 0], minlength=self.position.size)

    @cached_property
    def _hung(self) -> tuple[Rows, Rows]:
        """Lines in order of position: how many lie before each position, and their rows."""
        known = np.flatnonzero(self.line_device >= 0)
        places = self.position[self.line_device[known]]
        in_order = known[np.argsort(places, kind="stable")]
        return _running(np.bincount(places, minlength=self.position.size)), in_order

    @cached_property
    def _subscribers(self) -> tuple[int, ...]:
        return tuple(self.lines.subscriber_id[self._hung[1]].tolist())

    @cached_property
    def subscriber_rank(self) -> Rank:
        return Rank(self.lines.subscriber_id)

    @cached_property
    def _sums(self) -> tuple[Rows, Rows, Rows]:
        """Running sums over the lines in order: vulnerable, businesses, minor units a month."""
        lines = self._hung[1]
        return (
            _running(self.lines.is_vulnerable[lines]),
            _running(self.lines.is_business[lines]),
            _running(self.lines.monthly_minor[lines]),
        )

    @cached_property
    def _several(self) -> tuple[Rows, Rows, Rows]:
        """Lines of customers who have more than one: how many lie before each line in order, the customer of each of them, and,
        by position, how often one subtree's lines count the same customer again."""
        lines = self._hung[1]
        _, codes, times = np.unique(self.lines.customer_id[lines], return_inverse=True, return_counts=True)
        again = times[codes] > 1
        places = np.repeat(np.arange(self.position.size), np.diff(self._hung[0]))
        return _running(again), codes[again], self._counted_again(codes[again], places[again])

    def _counted_again(self, customers: Rows, places: Rows) -> Rows:
        """A customer's lines, taken in order, are counted twice exactly in the subtrees that hold two neighbours of that order."""
        order = np.lexsort((places, customers))
        same = customers[order][1:] == customers[order][:-1]
        device = self.forest.at[places[order][:-1][same]]
        other = places[order][1:][same]
        while (climbing := (device >= 0) & (self.forest.end[device] <= other)).any():
            device[climbing] = self.forest.above[device[climbing]]
        met = self.position[device[device >= 0]]
        return _running(np.bincount(met, minlength=self.position.size))

    @cached_property
    def conduits(self) -> dict[int, Rows]:
        return {conduit: rows for conduit, rows in _members(self.network.link_conduit).items() if conduit}

    @cached_property
    def in_area(self) -> dict[int, Rows]:
        return _members(self.network.device_area)

    @cached_property
    def sites(self) -> dict[int, Rows]:
        return {site: rows for site, rows in _members(self.network.device_site).items() if site}

    @cached_property
    def areas(self) -> tuple[Ids, Rows, Rows]:
        """The area ids in order, and by device row and by line row which of them."""
        area_ids = np.unique(np.concatenate([self.network.device_area, self.lines.area_id]))
        return area_ids, np.searchsorted(area_ids, self.network.device_area), np.searchsorted(area_ids, self.lines.area_id)

    @cached_property
    def habits(self) -> Habits:
        return Habits.of(self.network, self.link_ends, self.forest)

    def warmed(self) -> "Topology":
        """Itself, with everything counted that is otherwise counted at the first question."""
        if not self.position.size:
            return self
        cut = CutOff(np.array([0]), np.array([self.position.size]), np.zeros(1, dtype=np.int64)[: self.lines.subscriber_id.size])
        self.counts(cut), self.subscriber_ids(cut), self.device_ids(cut)
        _ = self._several, self.areas, self._ways, self.subscriber_rank, self.conduits, self.sites
        return self

    # What fails with an element

    def device_rows(self, elements: Iterable[Element]) -> Rows:
        """Rows of the devices that fail outright: devices named, and all of a site's."""
        found: list[int] = []
        for element in elements:
            if element.kind == "device":
                found.append(self.device_rank.row(element.id))
            elif element.kind == "site":
                found.extend(self.sites.get(element.id, _NONE).tolist())
        return np.array(sorted({row for row in found if row >= 0}), dtype=np.int64)

    def link_rows(self, elements: Iterable[Element]) -> Rows:
        """Rows of the links that fail outright: links named, and all in a conduit."""
        found: list[int] = []
        for element in elements:
            if element.kind == "link":
                found.append(self.link_rank.row(element.id))
            elif element.kind == "conduit":
                found.extend(self.conduits.get(element.id, _NONE).tolist())
        return np.array(sorted({row for row in found if row >= 0}), dtype=np.int64)

    def run(self, element: Element) -> tuple[int, int]:
        """The run of positions one device or link cuts off; (0, 0) where nothing is, or it is not known."""
        forest = self.forest
        if element.kind == "device" and (row := self.device_rank.row(element.id)) >= 0:
            return int(forest.start[row]), int(forest.end[row])
        if element.kind == "link" and (row := self.link_rank.row(element.id)) >= 0:
            return int(forest.link_start[row]), int(forest.link_end[row])
        return 0, 0

    def cut_off(self, elements: Sequence[Element]) -> CutOff:
        """Everything that loses service if all of `elements` fail together, themselves included; exact, rings honoured."""
        drops = self._drops(elements)
        if len(elements) == 1 and elements[0].kind in ("device", "link"):
            start, end = self.run(elements[0])
            return CutOff(np.array([start] if end > start else [], np.int64), np.array([end] if end > start else [], np.int64), drops)
        devices, links = self.device_rows(elements), self.link_rows(elements)
        if devices.size + links.size == 0:
            return CutOff(_NONE, _NONE, drops)
        apart = runs_apart(self.forest, self.link_ends, devices, links)
        starts, ends = apart if apart is not None else self._runs(~self.served_without(devices, links))
        return CutOff(starts, ends, np.setdiff1d(drops, self.lines_in(starts, ends)) if drops.size else drops)

    def rows_of(self, cut: CutOff) -> Rows:
        """Rows of every device cut off, passive ones too."""
        return np.concatenate([_NONE, *(self.forest.at[a:b] for a, b in zip(cut.starts, cut.ends, strict=True))])

    def cut_of(self, rows: Rows) -> CutOff:
        """A cut-off of exactly these device rows."""
        gone = np.zeros(self.position.size, dtype=bool)
        gone[rows] = True
        return CutOff(*self._runs(gone), _NONE)

    def served_without(self, devices: Rows, links: Rows) -> Flags:
        """By device row: does it still have a path once these device and link rows are gone?"""
        to = self._ways[1].copy()
        for row in devices.tolist():
            # A failed device leads nowhere but to itself, and so does the slot of a failed link.
            to[self.around.first[row] : self.around.first[row + 1]] = row
        for near, far in ((0, 1), (1, 0)):
            for link in links.tolist():
                row = int(self.link_ends[near, link])
                if row < 0 or self.link_ends[far, link] < 0:
                    continue
                places = slice(int(self.around.first[row]), int(self.around.first[row + 1]))
                to[places][self.around.via[places] == link] = row
        count = self.network.device_id.size
        ways = csr_array((self._ways[2], to, self._ways[0]), shape=(count + 1, count + 1))
        served = np.zeros(count + 1, dtype=bool)
        served[breadth_first_order(ways, count, directed=True, return_predecessors=False)] = True
        served[devices] = False
        return served[:count]

    @cached_property
    def _ways(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
        """The adjacency with one row more: the root, which leads to every gateway and to the head of every unfed part."""
        unfed = self.forest.at[self.forest.fed :]
        heads = np.concatenate([np.flatnonzero(self.network.device_is_gateway), unfed[self.forest.above[unfed] == ROOT]])
        first = np.append(self.around.first, self.around.first[-1] + heads.size).astype(np.int32)
        to = np.concatenate([self.around.to, heads]).astype(np.int32)
        return first, to, np.ones(to.size)

    def _drops(self, elements: Sequence[Element]) -> Rows:
        rows = [self.subscriber_rank.row(element.id) for element in elements if element.kind == "subscriber"]
        return np.array(sorted({row for row in rows if row >= 0}), dtype=np.int64)

    def _runs(self, gone: Flags) -> tuple[Rows, Rows]:
        edges = np.diff(np.concatenate([[False], gone[self.forest.at], [False]]).astype(np.int8))
        return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)

    # Who is in a cut-off

    def device_ids(self, cut: CutOff) -> tuple[DeviceId, ...]:
        before, ids, _ = self._spoken
        return _joined([ids[a:b] for a, b in _pairs(before, cut)])  # type: ignore[return-value]

    def plant_ids(self, cut: CutOff) -> tuple[DeviceId, ...]:
        """The passive plant cut off, in the plant's order."""
        rows = self.rows_of(cut)
        return tuple(DeviceId(one) for one in self.network.device_id[rows[self.passive[rows]]].tolist())

    def counted_rows(self, cut: CutOff) -> Rows:
        """Rows of the devices cut off, passive ones left out."""
        before, _, rows = self._spoken
        return np.concatenate([_NONE, *(rows[a:b] for a, b in _pairs(before, cut))])

    def subscriber_ids(self, cut: CutOff) -> tuple[SubscriberId, ...]:
        ids = self._subscribers
        runs = [ids[a:b] for a, b in _pairs(self._hung[0], cut)]
        if cut.drops.size:
            runs.append(tuple(self.lines.subscriber_id[cut.drops].tolist()))
        return _joined(runs)  # type: ignore[return-value]

    def line_rows(self, cut: CutOff) -> Rows:
        return np.concatenate([self.lines_in(cut.starts, cut.ends), cut.drops])

    def lines_in(self, starts: Rows, ends: Rows) -> Rows:
        before, rows = self._hung
        return np.concatenate([_NONE, *(rows[before[a] : before[b]] for a, b in zip(starts, ends, strict=True))])

    def counts(self, cut: CutOff) -> Counts:
        devices = sum(b - a for a, b in _pairs(self._spoken[0], cut))
        runs = _pairs(self._hung[0], cut)
        vulnerable, businesses, minor = (sum(int(column[b] - column[a]) for a, b in runs) for column in self._sums)
        subscribers = sum(b - a for a, b in runs)
        dropped = cut.drops
        return Counts(
            devices,
            subscribers + dropped.size,
            subscribers + dropped.size - self._repeats(cut, runs),
            vulnerable + int(self.lines.is_vulnerable[dropped].sum()),
            businesses + int(self.lines.is_business[dropped].sum()),
            minor + int(self.lines.monthly_minor[dropped].sum()),
        )

    def _repeats(self, cut: CutOff, runs: list[tuple[int, int]]) -> int:
        """How many of the lines belong to a customer already counted by another of them."""
        if cut.drops.size:
            customers = self.lines.customer_id[self.line_rows(cut)]
            return int(customers.size - np.unique(customers).size)
        before, customers, met = self._several
        if len(runs) == 1 and self.forest.end[self.forest.at[cut.starts[0]]] == cut.ends[0]:
            return int(met[cut.ends[0]] - met[cut.starts[0]])
        codes = np.concatenate([_NONE, *(customers[before[a] : before[b]] for a, b in runs)])
        return int(codes.size - np.unique(codes).size)

    # Ways up and down

    def dominators(self, device: DeviceId) -> tuple[Element, ...]:
        """What `device` cannot do without, nearest first; itself left out."""
        found: list[Element] = []
        row = self.device_rank.row(device)
        while row >= 0:
            if (link := int(self.forest.above_link[row])) >= 0:
                found.append(Element("link", int(self.network.link_id[link])))
            row = int(self.forest.above[row])
            if row >= 0:
                found.append(Element("device", int(self.network.device_id[row])))
        return tuple(found)

    def upstream(self, device: DeviceId) -> tuple[DeviceId, ...]:
        """The devices that `device` cannot do without, nearest first."""
        return tuple(DeviceId(element.id) for element in self.dominators(device) if element.kind == "device")

    def downstream(self, element: Element) -> tuple[DeviceId, ...]:
        """The devices that cannot do without `element`, itself left out."""
        itself = element.id if element.kind == "device" else None
        return tuple(device for device in self.device_ids(self.cut_off([element])) if device != itself)

    def common_dominator(self, devices: Iterable[DeviceId]) -> DeviceId | None:
        """The nearest device that all of `devices` cannot do without, possibly one of them; None where their ways are separate."""
        rows = [row for row in (self.device_rank.row(device) for device in devices) if row >= 0]
        if not rows:
            return None
        low, high, row = min(self.position[rows]), max(self.position[rows]), rows[0]
        while row >= 0 and not (self.forest.start[row] <= low and high < self.forest.end[row]):
            row = int(self.forest.above[row])
        return DeviceId(int(self.network.device_id[row])) if row >= 0 else None


_NONE: Final = np.zeros(0, dtype=np.int64)


def heads_of(network: Network, around: Adjacency, likely: Flags | None = None) -> Rows:
    """Gateways first; then the most central kind, the `likely`, the best connected: so that each unfed part is entered at its top."""
    degree = np.diff(around.first)
    unlikely = np.zeros(degree.size, dtype=bool) if likely is None else ~likely
    return np.lexsort((network.device_id, -degree, unlikely, network.device_kind, ~network.device_is_gateway))


def _running(column: Rows | Flags) -> Rows:
    sums = np.zeros(column.size + 1, dtype=np.int64)
    np.cumsum(column, out=sums[1:])
    return sums


def _pairs(before: Rows, cut: CutOff) -> list[tuple[int, int]]:
    return list(zip(before[cut.starts].tolist(), before[cut.ends].tolist(), strict=True))


def _joined(runs: list[tuple[int, ...]]) -> tuple[int, ...]:
    return runs[0] if len(runs) == 1 else tuple(i for run in runs for i in run)


def _members(groups: Ids) -> dict[int, Rows]:
    """Rows by group."""
    order = np.argsort(groups, kind="stable")
    names, first = np.unique(groups[order], return_index=True)
    parts = np.split(order, first[1:]) if names.size else []
    return {int(name): rows for name, rows in zip(names, parts, strict=True)}
