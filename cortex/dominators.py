"""Dominators of an undirected plant: which single device or link stands between each device and every gateway."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
ROOT: Final = -1


@dataclass(frozen=True, eq=False, slots=True)
class Adjacency:
    """Neighbours of device row i are `to[first[i]:first[i + 1]]`, over the links `via` at the same places."""

    first: Rows
    to: Rows
    via: Rows

    @classmethod
    def of(cls, devices: int, link_from: Rows, link_to: Rows) -> "Adjacency":
        """Links whose end is unknown (row < 0) or that join a device to itself are left out."""
        usable = np.flatnonzero((link_from >= 0) & (link_to >= 0) & (link_from != link_to))
        near = np.concatenate([link_from[usable], link_to[usable]])
        far = np.concatenate([link_to[usable], link_from[usable]])
        via = np.concatenate([usable, usable])
        by_near = np.argsort(near, kind="stable")
        first = np.zeros(devices + 1, dtype=np.int64)
        np.cumsum(np.bincount(near, minlength=devices), out=first[1:])
        return cls(first, far[by_near], via[by_near])

    def around(self, row: int) -> tuple[Rows, Rows]:
        """The neighbours of one device, and the links to them."""
        places = slice(self.first[row], self.first[row + 1])
        return self.to[places], self.via[places]


@dataclass(frozen=True, eq=False, slots=True)
class Forest:
    """The dominator forest, numbered so that whatever an element cuts off is one run of positions.

    Device row d cuts off positions `start[d]:end[d]`, itself first; link row l cuts off `link_start[l]:link_end[l]`, nothing where
    another way round exists. `above` is the nearest device row that d cannot do without (`ROOT`: none); `above_link` the link row
    directly above d that it cannot do without (-1: none). The first `fed` positions have a known path to a gateway.
    """

    at: Rows
    start: Rows
    end: Rows
    above: Rows
    above_link: Rows
    link_start: Rows
    link_end: Rows
    fed: int


def runs_apart(forest: Forest, link_ends: Rows, devices: Rows, links: Rows) -> tuple[Rows, Rows] | None:
    """What these cut off together, as runs, where it is no more than what each cuts off alone; None where only a search can tell.

    Elements do more together than apart only inside one block, a part in which everything has two ways round; a block is known here by
    the device it hangs from.
    """
    hung = forest.above[devices[forest.above_link[devices] < 0]]
    ringed = links[(forest.link_end[links] == forest.link_start[links]) & (link_ends[:, links] >= 0).all(axis=0)]
    near, far = link_ends[:, ringed]
    head = np.where(forest.above[near] == far, far, np.where(forest.above[far] == near, near, forest.above[near]))
    blocks = np.concatenate([devices, hung, head])
    if np.unique(blocks).size < blocks.size:
        return None
    starts = np.concatenate([forest.start[devices], forest.link_start[links]])
    ends = np.concatenate([forest.end[devices], forest.link_end[links]])
    order = np.lexsort((-ends, starts))
    starts, ends = starts[order], ends[order]
    # Runs lie inside one another or apart: what ends no later than one before it is inside that one.
    outer = ends > np.concatenate([[0], np.maximum.accumulate(ends)[:-1]]) if ends.size else ends > 0
    return starts[outer], ends[outer]


def dominator_forest(around: Adjacency, links: int, heads: Rows, gateways: NDArray[np.bool_]) -> Forest:
    """Exact, in linear time. `heads` is the order in which parts are entered: gateways first, then what feeds a part that has none."""
    order, parent, via, entered, lowest = _depth_first(around, heads.tolist(), gateways.tolist())
    above, above_link = _nearest(order, parent, via, entered, lowest)
    start, end, at = _number(order, above)
    link_start, link_end = np.zeros(links, dtype=np.int64), np.zeros(links, dtype=np.int64)
    bridged = np.flatnonzero(above_link >= 0)
    link_start[above_link[bridged]], link_end[above_link[bridged]] = start[bridged], end[bridged]
    # A part entered by a gateway is wholly fed, and those parts come first.
    entries = (place for place, device in enumerate(order) if parent[device] == ROOT and not gateways[device])
    return Forest(at, start, end, above, above_link, link_start, link_end, fed=next(entries, len(order)))


def _depth_first(around: Adjacency, heads: list[int], gateways: list[bool]) -> tuple[list[int], list[int], list[int], list[int], list[int]]:
    """Devices in the order entered, and for each its parent, the link it was entered by, its number, and its low point."""
    first, to, via = around.first.tolist(), around.to.tolist(), around.via.tolist()
    devices = len(first) - 1
    parent, entry, entered, lowest = [ROOT] * devices, [-1] * devices, [0] * devices, [0] * devices
    cursor, order = first[:-1], []
    for head in heads:
        if entered[head]:
            continue
        order.append(head)
        entered[head] = lowest[head] = len(order)
        stack = [head]
        while stack:
            here = stack[-1]
            place = cursor[here]
            if place == first[here + 1]:
                stack.pop()
                if stack and lowest[here] < lowest[stack[-1]]:
                    lowest[stack[-1]] = lowest[here]
                continue
            cursor[here] = place + 1
            there = to[place]
            if not entered[there]:
                order.append(there)
                parent[there], entry[there], entered[there] = here, via[place], len(order)
                # A gateway has a way out of its own: as if a link led from it straight to the root.
                lowest[there] = 0 if gateways[there] else len(order)
                stack.append(there)
            elif via[place] != entry[here] and entered[there] < lowest[here]:
                lowest[here] = entered[there]
    return order, parent, entry, entered, lowest


def _nearest(order: list[int], parent: list[int], via: list[int], entered: list[int], lowest: list[int]) -> tuple[Rows, Rows]:
    above, above_link = [ROOT] * len(parent), [-1] * len(parent)
    for device in order:
        up = parent[device]
        if up == ROOT:
            continue
        if lowest[device] >= entered[up]:
            above[device] = up
            if lowest[device] > entered[up]:
                above_link[device] = via[device]
        else:
            above[device] = above[up]
    return np.array(above, dtype=np.int64), np.array(above_link, dtype=np.int64)


def _number(order: list[int], above: Rows) -> tuple[Rows, Rows, Rows]:
    """Start, end and the device at each position, by a walk of the dominator tree from the top."""
    over, size = above.tolist(), [1] * len(above)
    for device in reversed(order):
        if over[device] != ROOT:
            size[over[device]] += size[device]
    start, free, top = [0] * len(over), [0] * len(over), 0
    for device in order:
        up = over[device]
        if up == ROOT:
            start[device], top = top, top + size[device]
        else:
            start[device] = free[up]
            free[up] += size[device]
        free[device] = start[device] + 1
    starts = np.array(start, dtype=np.int64)
    at = np.empty(len(over), dtype=np.int64)
    at[starts] = np.arange(len(over))
    return starts, starts + np.array(size, dtype=np.int64), at
