"""Which single devices and links best explain what was said and what was not: exact, by weighing every subtree of the dominators.

Weights are nats: the logarithm of how much likelier an observation is if the thing failed than if it did not.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from atlas.cmdb.records import Flags
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
# A customer's line can be dark because somebody pulled a plug; a quiet one on a port that reports is mostly well.
LINE_LOST: Final = 3.0
LINE_QUIET: Final = -1.2
DROP: Final = 2.0
# A healthy neighbour sees the link to a failed thing go down nine times out of ten, and else one time in a hundred or less.
HEARD: Final = 4.5
NOT_HEARD: Final = -2.3
# Of all the elements there are, that this one fails just now; a silent device is a little less likely than a cut to its feed.
PRICE: Final = 4.5
OWN_VOICE: Final = 3.0
NO_VOICE: Final = -0.7


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
    device_gain, link_gain, heard_around = _gains(topology, forest, signs, weights, sums)
    touched = _running((signs.is_lost | (signs.lines_lost > 0))[forest.at])
    rows = np.flatnonzero(touched[forest.end] > touched[forest.start])
    rows = rows[np.argsort(-forest.start[rows])]
    better = _better(forest, rows, weights, device_gain, link_gain, topology.passive)
    return _topmost(forest, rows[::-1], better, device_gain, link_gain, heard_around)


def _gains(
    topology: Topology, forest: Forest, signs: Signs, weights: Weights, sums: Nats
) -> tuple[Nats, Nats, tuple[Rows, Rows]]:
    """By device row: what its failing gains, what its feed's failing gains (-inf: it has no only feed), and who around it complains."""
    devices, ends = signs.lost.size, topology.link_ends
    around, complaining = np.zeros(devices), np.zeros(devices, dtype=np.int64)
    fed_by, fed_heard = np.zeros(devices), np.zeros(devices, dtype=np.int64)
    for side in (0, 1):
        near, far = ends[1 - side], ends[side]
        outside = (near >= 0) & (far >= 0) & ((forest.start[far] < forest.start[near]) | (forest.start[far] >= forest.end[near]))
        around += np.bincount(near[outside], weights.over_link[side, outside], devices)
        complaining += np.bincount(near[outside & signs.heard[side]], minlength=devices)
        feeds = outside & (forest.above_link[near] == np.arange(near.size))
        fed_by[near[feeds]] = weights.over_link[side, feeds]
        fed_heard[near[feeds]] = signs.heard[side, feeds]
    voice = np.where(signs.speaks_of_itself, OWN_VOICE, np.where(topology.passive, 0.0, NO_VOICE))
    link_gain = np.where(forest.above_link >= 0, sums + fed_by - PRICE, -np.inf)
    return sums + around + voice - PRICE, link_gain, (complaining, fed_heard)


def _better(forest: Forest, rows: Rows, weights: Weights, device_gain: Nats, link_gain: Nats, passive: Flags) -> list[bool]:
    """By place in `rows` (lowest first): is one failure at or above this device better than the best below it?"""
    best = {}
    below = dict(zip(rows.tolist(), weights.lines_alone[rows].tolist(), strict=True))
    chosen = []
    plain = zip(
        rows.tolist(), forest.above[rows].tolist(), np.maximum(device_gain, link_gain)[rows].tolist(), passive[rows].tolist(), strict=True
    )
    for row, above, gain, is_passive in plain:
        rest = below[row]
        # Where nothing tells two apart, plant is suspected high (the whole port) and gear low (the last that was heard of).
        is_better = gain > 0 and (gain >= rest - 1e-9 if is_passive else gain > rest + 1e-9)
        chosen.append(is_better)
        best[row] = gain if is_better else rest
        if above != ROOT:
            below[above] = below.get(above, 0.0) + best[row]
    return chosen


def _topmost(
    forest: Forest, rows: Rows, better: list[bool], device_gain: Nats, link_gain: Nats, heard: tuple[Rows, Rows]
) -> list[Root]:
    roots: list[Root] = []
    passed = 0
    for row, is_better in zip(rows.tolist(), reversed(better), strict=True):
        start, end = int(forest.start[row]), int(forest.end[row])
        if start < passed or not is_better:
            continue
        passed = end
        is_link = link_gain[row] > device_gain[row]
        gain = float(link_gain[row] if is_link else device_gain[row])
        link = int(forest.above_link[row]) if is_link else -1
        roots.append(Root(row, link, forest.at[start:end], gain, int(heard[1 if is_link else 0][row])))
    return roots


def _running(column: Nats | Flags) -> Nats:
    sums = np.zeros(column.size + 1)
    np.cumsum(column, out=sums[1:])
    return sums


def silence_rate(signs: Signs, roots: list[Root], prior: float) -> float:
    """How often a device behind a suspected failure says nothing; between one in fifty and two in five."""
    if not roots:
        return prior
    dark = np.concatenate([root.dark for root in roots])
    dark = dark[signs.can_speak[dark]]
    quiet = int((~signs.is_lost[dark]).sum())
    return float(np.clip((quiet + 10 * prior) / (dark.size + 10), 0.02, 0.4))
