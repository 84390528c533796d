"""Which single devices and links best explain what was said and what was not: exact, by weighing every subtree of the dominators.

Weights are nats: the logarithm of how much likelier an observation is if the thing failed than if it did not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from atlas.cmdb.records.plant import Flags
from cortex.dominators import ROOT, Forest, Rows
from cortex.findings import Element
from cortex.signs import Signs
from cortex.topology import Topology

Nats = NDArray[np.float64]

# A device that answers is hardly ever called lost; one that is gone almost always is, sooner or later.
LOST: Final = 7.0
LOST_AGAIN: Final = 1.0
# One that tells of its neighbours' ports is alive, unless others could not reach it.
SPEAKS: Final = -4.0
# One that was lost and is back cannot be behind what is still lost.
ANSWERS: Final = -12.0
# A customer's line can be dark because somebody pulled a plug; a quiet one on a port that reports is mostly well.
LINE_LOST: Final = 3.0
LINE_QUIET: Final = -1.2
DROP: Final = 2.0
# A healthy neighbour sees the link to a failed thing go down nine times out of ten, and else one time in a hundred or less.
HEARD: Final = 4.5
NOT_HEARD: Final = -2.3
# Of all the elements there are, that this one fails just now; a silent device is a little less likely than a cut to its feed.
PRICE: Final = 4.5
# So many devices dark together that how many of them are silent says how silent the lost are.
LARGE: Final = 20
OWN_VOICE: Final = 3.0
NO_VOICE: Final = -0.7
LOOSE: Final = 2.0


@dataclass(frozen=True, eq=False, slots=True)
class Root:
    """One suspected element. `head` is the device row at the top of what is dark; `link` the failed link's row, -1 for the device."""

    head: int
    link: int
    dark: Rows
    gain: float
    heard: int  # healthy neighbours that complain


@dataclass(frozen=True, eq=False, slots=True)
class Group:
    """What one suspected cause explains. `roots` are the single suspects it joins, the first the foremost; `adopted` are parts that
    no known path joins to it. `told` is the complaint (device row, link row) that the records lead elsewhere."""

    elements: tuple[Element, ...]
    roots: tuple[Root, ...]
    dark: Rows
    gain: float
    heard: int
    adopted: tuple[Root, ...] = ()
    is_card: bool = False
    told: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Weights:
    """By device row: for being dark, for what its neighbours say, and what its lines are worth one by one; by side and link: the
    same of what is said over each link."""

    dark: Nats
    lines_alone: Nats
    over_link: NDArray[np.float64]


def weigh(topology: Topology, forest: Forest, signs: Signs, *, silence: float, doubted: Flags) -> Weights:
    """`silence` is how often a lost device says nothing and nobody says it of it; `doubted` the links not to be believed."""
    dark = np.zeros(signs.lost.size)
    dark[signs.is_lost] = LOST + LOST_AGAIN * np.minimum(signs.lost[signs.is_lost] - 1, 2)
    reporting, lines = _line_weights(topology, forest, signs)
    alive = ~signs.is_lost & (signs.complains | reporting)
    dark[alive] = SPEAKS
    dark[~signs.is_lost & ~alive & signs.can_speak] = np.log(silence)
    dark[signs.answers] = ANSWERS
    dark += lines
    return Weights(dark, (signs.lines_lost * (LINE_LOST - DROP)).astype(np.float64), _link_weights(topology, signs, doubted))


def _line_weights(topology: Topology, forest: Forest, signs: Signs) -> tuple[Flags, Nats]:
    """Which devices report their customers' lines, so that a quiet line counts; and what the lines on each device weigh."""
    reporting = np.zeros(signs.lost.size, dtype=bool)
    if not signs.lines_lost.any():
        return reporting, np.zeros(signs.lost.size)
    keeper = np.arange(signs.lost.size)
    while (climbing := (keeper >= 0) & topology.passive[keeper]).any():
        keeper[climbing] = forest.above[keeper[climbing]]
    reporters = np.unique(keeper[signs.lines_lost > 0])
    reporting[reporters[reporters >= 0]] = True
    reporting &= ~signs.is_lost
    quiet = np.where((keeper >= 0) & reporting[keeper], topology.lines_on - signs.lines_lost, 0)
    return reporting, LINE_LOST * signs.lines_lost + LINE_QUIET * quiet


def _link_weights(topology: Topology, signs: Signs, doubted: Flags) -> NDArray[np.float64]:
    """What the device at each side of each link says of it, as evidence that whatever is at the other side is gone."""
    weights = np.zeros(signs.heard.shape)
    ends = topology.link_ends
    whole = (ends >= 0).all(axis=0)
    # Plant has no port to watch.
    watched = ~topology.passive[ends].any(axis=0)
    # Where ports are mostly matched to links, a complaint about an unknown port is not about a link that is known.
    vague = signs.astray.sum() > signs.heard.sum()
    for side in (0, 1):
        says = signs.can_speak[ends[side]] & ~signs.is_lost[ends[side]] & ~(vague & (signs.astray[ends[side]] > 0))
        weights[side] = np.where(signs.heard[side], HEARD, np.where(says & watched, NOT_HEARD, 0.0))
    weights[:, ~whole | doubted] = 0.0
    return weights


def suspect(topology: Topology, forest: Forest, signs: Signs, weights: Weights) -> list[Root]:
    """The set of single failures that weighs most, none behind another; in order of position."""
    behind = _running(weights.dark[forest.at])
    sums = behind[forest.end] - behind[forest.start]
    touched = _running((signs.is_lost | (signs.lines_lost > 0))[forest.at])
    is_touched = touched[forest.end] > touched[forest.start]
    rows = np.flatnonzero(is_touched)
    rows = rows[np.argsort(-forest.start[rows])]
    around = _around(topology, forest, signs, weights)
    chosen, excluded = _chosen(topology, forest, weights, around, rows, _spared(topology, forest, is_touched, sums))
    # A part that is too well to be behind the failure, though the records put it there, is fed some other way.
    excluded |= ~is_touched & (sums < -topology.habits.price_of_error) & (forest.above != ROOT)
    return _topmost(forest, chosen, excluded, around)


@dataclass(frozen=True, eq=False, slots=True)
class Around:
    """By device row: what neighbours add to its having failed, or its only feed (-inf: it has none); how many complain of either; and
    what it says itself of its feed."""

    device: Nats
    feed: Nats
    device_heard: Rows
    feed_heard: Rows
    told: Nats


def _around(topology: Topology, forest: Forest, signs: Signs, weights: Weights) -> Around:
    devices, ends = signs.lost.size, topology.link_ends
    device, device_heard = np.zeros(devices), np.zeros(devices, dtype=np.int64)
    feed, feed_heard, told = np.zeros(devices), np.zeros(devices, dtype=np.int64), np.zeros(devices)
    for side in (0, 1):
        near, far = ends[1 - side], ends[side]
        outside = (near >= 0) & (far >= 0) & ((forest.start[far] < forest.start[near]) | (forest.start[far] >= forest.end[near]))
        device += np.bincount(near[outside], weights.over_link[side, outside], devices)
        device_heard += np.bincount(near[outside & signs.heard[side]], minlength=devices)
        feeds = outside & (forest.above_link[near] == np.arange(near.size))
        feed[near[feeds]], feed_heard[near[feeds]] = weights.over_link[side, feeds], signs.heard[side, feeds]
        told[near[feeds]] = np.maximum(weights.over_link[1 - side, feeds], 0.0)
    voice = np.where(signs.speaks_of_itself, OWN_VOICE, np.where(topology.passive, 0.0, NO_VOICE))
    feed = np.where(forest.above_link >= 0, feed - PRICE, -np.inf)
    # What the records give no feed at all is told of by nobody when it is cut there: suspect its top rather than what is below it.
    loose = np.where((forest.above == ROOT) & (forest.start >= forest.fed), LOOSE, 0.0)
    return Around(device + voice + loose - PRICE, feed, device_heard, feed_heard, told)


def _spared(topology: Topology, forest: Forest, is_touched: Flags, sums: Nats) -> Nats:
    """By device row: what its quiet children weigh against it, each no more than a wrong record would."""
    quiet = np.flatnonzero(~is_touched & (forest.above != ROOT))
    weight = np.maximum(sums[quiet], -topology.habits.price_of_error)
    return np.bincount(forest.above[quiet], weight, sums.size).astype(np.float64)


def _chosen(
    topology: Topology, forest: Forest, weights: Weights, around: Around, rows: Rows, spared: Nats
) -> tuple[dict[int, tuple[float, bool]], Flags]:
    """From the bottom up: where one failure at or above a device is better than the best below it, with its gain and whether it is the
    feed that failed; and which devices must be fed some other way if what the records put above them failed."""
    dark, best = dict.fromkeys(rows.tolist(), 0.0), dict(zip(rows.tolist(), weights.lines_alone[rows].tolist(), strict=True))
    chosen, excluded = {}, np.zeros(spared.size, dtype=bool)
    columns = (forest.above, (weights.dark + spared), around.device, around.feed, around.told, topology.passive)
    for row, above, own, device, feed, told, passive in zip(rows.tolist(), *(column[rows].tolist() for column in columns), strict=True):
        behind, apart = own + dark[row], best[row]
        gain = behind + max(device, feed)
        # Where nothing tells two apart, plant is suspected high (the whole port) and gear low (the last that was heard of).
        if gain > 0 and (gain >= apart - 1e-9 if passive else gain > apart + 1e-9):
            chosen[row], apart = (gain, feed > device), gain
        if above == ROOT:
            continue
        elsewhere = apart - topology.habits.price_of_error + told
        excluded[row] = elsewhere > behind
        dark[above] += max(behind, elsewhere)
        best[above] += apart
    return chosen, excluded


def _topmost(forest: Forest, chosen: dict[int, tuple[float, bool]], excluded: Flags, around: Around) -> list[Root]:
    roots: list[Root] = []
    covered = np.zeros(excluded.size, dtype=bool)
    for row in sorted(chosen, key=lambda row: int(forest.start[row])):
        start, end = int(forest.start[row]), int(forest.end[row])
        if covered[start]:
            continue
        is_dark = np.ones(end - start, dtype=bool)
        for other in forest.at[start + 1 : end][excluded[forest.at[start + 1 : end]]].tolist():
            is_dark[forest.start[other] - start : forest.end[other] - start] = False
        covered[start:end] |= is_dark
        gain, is_feed = chosen[row]
        heard = around.feed_heard if is_feed else around.device_heard
        link = int(forest.above_link[row]) if is_feed else -1
        roots.append(Root(row, link, forest.at[start:end][is_dark], gain, int(heard[row])))
    return roots


def _running(column: Nats | Flags) -> Nats:
    sums = np.zeros(column.size + 1)
    np.cumsum(column, out=sums[1:])
    return sums


def silence_rate(signs: Signs, roots: list[Root], prior: float) -> float:
    """How often a device behind a large failure says nothing; between one in fifty and two in five."""
    speaking = [root.dark[signs.can_speak[root.dark]] for root in roots]
    large = np.concatenate([np.zeros(0, dtype=np.int64), *(dark for dark in speaking if dark.size >= LARGE)])
    quiet = int((~signs.is_lost[large]).sum())
    return float(np.clip((quiet + 10 * prior) / (large.size + 10), 0.02, 0.4))


@dataclass(frozen=True, eq=False, slots=True)
class Case:
    """What there is to judge by. `doubted` are the links of the records that cannot be there."""

    topology: Topology
    signs: Signs
    forest: Forest  # without the doubted links
    weights: Weights
    doubted: Flags


def alone(topology: Topology, root: Root) -> Group:
    return Group((element_of(topology, root),), (root,), root.dark, root.gain, root.heard)


def element_of(topology: Topology, root: Root) -> Element:
    if root.link >= 0:
        return Element("link", int(topology.network.link_id[root.link]))
    return Element("device", int(topology.network.device_id[root.head]))


def joined(elements: tuple[Element, ...], groups: list[Group], dark: Rows, gain: float) -> Group:
    roots = tuple(sorted((root for group in groups for root in group.roots), key=lambda root: (-root.dark.size, root.head)))
    everything = np.unique(np.concatenate([dark, *(group.dark for group in groups)]))
    return Group(elements, roots, everything, gain, sum(group.heard for group in groups))


def with_empty(groups: list[Group], parts: list[int], whole: Group) -> list[Group]:
    """The joint group stands where the first of its parts stood; the others become empty, so that places stay as they are."""
    nothing = Group((), (), np.zeros(0, dtype=np.int64), 0.0, 0)
    return [whole if place == parts[0] else nothing if place in parts else group for place, group in enumerate(groups)]


def full(groups: list[Group]) -> list[Group]:
    return [group for group in groups if group.roots]


def owners(devices: int, dark: Iterable[Root | Group]) -> Rows:
    owner = np.full(devices, -1, dtype=np.int64)
    for place, one in enumerate(dark):
        owner[one.dark] = place
    return owner
