"""Suspected roots joined where one cause explains several: a conduit, a ring cut twice, a cabinet's power, a card."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb, log
from typing import Final

import numpy as np
from scipy.sparse import csr_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

from atlas.cmdb.records import Flags
from cortex.adoption import adopt
from cortex.dominators import Adjacency, Forest, Rows, dominator_forest
from cortex.findings import Element
from cortex.signs import SAYS_CARD, Signs
from cortex.suspects import NO_VOICE, NOT_HEARD, PRICE, Group, Root, Weights, silence_rate, suspect, weigh
from cortex.topology import Topology, heads_of

# Silence of neighbours says something only where neighbours are seen to complain: five of them, and three in ten.
COMPLAINING, COMPLAINING_SHARE = 5, 0.3
SITE_PRICE: Final = PRICE + 0.5
CARD_PRICE: Final = PRICE + 2.5
CARD_SPOKE: Final = 4.0
# Boundary links tried in pairs around a ring segment: more than this and the records there are no guide.
MOST_BOUNDARY: Final = 8


@dataclass(frozen=True, eq=False, slots=True)
class Case:
    """What there is to judge by. `doubted` are the links of the records that cannot be there."""

    topology: Topology
    signs: Signs
    weights: Weights
    doubted: Flags


@dataclass(frozen=True, eq=False, slots=True)
class Reading:
    """The groups in order, and by device row the place of the group that explains it, -1 none."""

    case: Case
    groups: tuple[Group, ...]
    owner: Rows


def read_groups(topology: Topology, signs: Signs, silence: float) -> Reading:
    """Groups in order of their topmost position; deterministic, and independent of the order of the alarms.

    `silence` is how often a lost device is thought to say nothing, before the alarms themselves show it.
    """
    forest, doubted = topology.forest, np.zeros(topology.network.link_id.size, dtype=bool)
    weights = weigh(topology, forest, signs, silence=silence, doubted=doubted)
    silence = silence_rate(signs, suspect(topology, forest, signs, weights), silence)
    weights = weigh(topology, forest, signs, silence=silence, doubted=doubted)
    roots = suspect(topology, forest, signs, weights)
    doubted = _doubted(topology, signs, weights, _owners(signs.lost.size, roots))
    if doubted.any():
        forest = _forest_without(topology, doubted)
        weights = weigh(topology, forest, signs, silence=silence, doubted=doubted)
        roots = suspect(topology, forest, signs, weights)
    case = Case(topology, signs, weights, doubted)
    groups = [_alone(topology, root) for root in roots]
    for join in (_join_conduits, _join_rings, _join_sites, _join_cards):
        groups = join(case, groups)
    groups = adopt(topology, signs, doubted, groups)
    return Reading(case, tuple(groups), _owners(signs.lost.size, groups))


def _owners(devices: int, dark: Iterable[Root | Group]) -> Rows:
    owner = np.full(devices, -1, dtype=np.int64)
    for place, one in enumerate(dark):
        owner[one.dark] = place
    return owner


def _doubted(topology: Topology, signs: Signs, weights: Weights, owner: Rows) -> Flags:
    """Links in the records that cannot be there: one side dark, the other healthy, able to speak, and saying nothing."""
    ends = topology.link_ends
    whole = (ends >= 0).all(axis=0)
    doubted = np.zeros(ends.shape[1], dtype=bool)
    complaining = 0
    for side in (0, 1):
        crosses = whole & (owner[ends[side]] < 0) & (owner[ends[1 - side]] >= 0)
        complaining += int((crosses & signs.heard[side]).sum())
        doubted |= crosses & (weights.over_link[side] == NOT_HEARD)
    if complaining < COMPLAINING or complaining < COMPLAINING_SHARE * (complaining + doubted.sum()):
        doubted[:] = False
    # An odd link between two dark parts would make each the other's way out: whoever laid it, it helps neither.
    return doubted | (whole & topology.odd & (owner[ends] >= 0).all(axis=0))


def _forest_without(topology: Topology, doubted: Flags) -> Forest:
    ends = np.where(doubted, -1, topology.link_ends)
    around = Adjacency.of(topology.network.device_id.size, ends[0], ends[1])
    return dominator_forest(around, doubted.size, heads_of(topology.network, around), topology.network.device_is_gateway)


def _alone(topology: Topology, root: Root) -> Group:
    return Group((element_of(topology, root),), (root,), root.dark, root.gain, root.heard)


def element_of(topology: Topology, root: Root) -> Element:
    if root.link >= 0:
        return Element("link", int(topology.network.link_id[root.link]))
    return Element("device", int(topology.network.device_id[root.head]))


def _joined(elements: tuple[Element, ...], groups: list[Group], dark: Rows, gain: float) -> Group:
    roots = tuple(sorted((root for group in groups for root in group.roots), key=lambda root: (-root.dark.size, root.head)))
    everything = np.unique(np.concatenate([dark, *(group.dark for group in groups)]))
    return Group(elements, roots, everything, gain, sum(group.heard for group in groups))


# Several links at once


def _newly_dark(case: Case, links: Rows) -> Rows:
    """Device rows that the doubted records being wrong does not explain, and these links failing too does."""
    nothing, wrong = np.zeros(0, dtype=np.int64), np.flatnonzero(case.doubted)
    before = case.topology.served_without(nothing, wrong)
    return np.flatnonzero(before & ~case.topology.served_without(nothing, np.union1d(wrong, links)))


def _gain_of_links(case: Case, dark: Rows, links: Rows, price: float) -> float:
    is_dark: Flags = np.zeros(case.signs.lost.size, dtype=np.bool_)
    is_dark[dark] = True
    said = 0.0
    for side in (0, 1):
        tellers = case.topology.link_ends[side, links]
        said += float(case.weights.over_link[side, links][~is_dark[tellers]].sum())
    return float(case.weights.dark[dark].sum()) + said - price


def _join_conduits(case: Case, groups: list[Group]) -> list[Group]:
    """One digger, several links: at least two of a conduit's links are told to be down, or suspected."""
    told: Flags = np.array(case.signs.heard.any(axis=0))
    told[[root.link for group in groups for root in group.roots if root.link >= 0]] = True
    of_link = case.topology.network.link_conduit
    conduits, counts = np.unique(of_link[told & (of_link != 0)], return_counts=True)
    for conduit in conduits[counts > 1].tolist():
        links = case.topology.conduits[conduit]
        dark = _newly_dark(case, links)
        parts = [place for place, group in enumerate(groups) if group.roots and np.isin(_heads(group), dark).all()]
        gain = _gain_of_links(case, dark, links, PRICE)
        if parts and gain >= sum(groups[place].gain for place in parts):
            whole = _joined((Element("conduit", conduit),), [groups[place] for place in parts], dark, gain)
            groups = _with_empty(groups, parts, whole)
    return _full(groups)


def _heads(group: Group) -> list[int]:
    return [root.head for root in group.roots]


def _join_rings(case: Case, groups: list[Group]) -> list[Group]:
    """Dark parts that hang together in a ring, and the two cuts that would explain them all."""
    owner = _owners(case.signs.lost.size, groups)
    for parts in _clusters(case, owner, len(groups)):
        around = _boundary(case, owner, parts)
        left = parts
        while len(left) > 1 and (best := _best_cut(case, groups, left, around)) is not None:
            covered, whole = best
            groups = _with_empty(groups, covered, whole)
            left = [place for place in left if place not in covered]
    return _full(groups)


def _clusters(case: Case, owner: Rows, count: int) -> list[list[int]]:
    """Places of groups that touch one another over links of the records."""
    ends = case.topology.link_ends
    near, far = owner[ends[0]], owner[ends[1]]
    touching = (ends >= 0).all(axis=0) & ~case.doubted & (near >= 0) & (far >= 0) & (near != far)
    joined = csr_array((np.ones(int(touching.sum())), (near[touching], far[touching])), shape=(count, count))
    _, cluster = connected_components(joined, directed=False)
    clusters = defaultdict(list)
    for place, label in enumerate(cluster.tolist()):
        clusters[label].append(place)
    return [parts for parts in clusters.values() if len(parts) > 1]


def _best_cut(case: Case, groups: list[Group], parts: list[int], around: list[int]) -> tuple[list[int], Group] | None:
    """The pair of links around the cluster whose loss explains most of it, if better than each part failing by itself."""
    best: tuple[list[int], Group] | None = None
    most = 0.0
    heads = np.array([groups[place].roots[0].head for place in parts])
    for pair in combinations(around, 2):
        links = np.array(pair, dtype=np.int64)
        dark = _newly_dark(case, links)
        covered = [place for place, inside in zip(parts, np.isin(heads, dark).tolist(), strict=True) if inside]
        gain = _gain_of_links(case, dark, links, 2 * PRICE)
        better = gain - sum(groups[place].gain for place in covered)
        if covered and better > most:
            most = better
            elements = tuple(sorted(Element("link", int(case.topology.network.link_id[link])) for link in pair))
            whole = _joined(elements, [groups[place] for place in covered], dark, gain)
            best = covered, replace(whole, heard=int(case.signs.heard[:, links].sum()))
    return best


def _boundary(case: Case, owner: Rows, parts: list[int]) -> list[int]:
    """Links from the cluster to what is not dark: those complained of, if there are two."""
    ends = case.topology.link_ends
    inside = np.isin(owner[ends], parts) & (ends >= 0)
    outside = (owner[ends] < 0) & (ends >= 0)
    links = np.flatnonzero((inside[0] & outside[1] | inside[1] & outside[0]) & ~case.doubted)
    told = [link for link in links.tolist() if case.signs.heard[:, link].any()]
    return (told if len(told) > 1 else told + [link for link in links.tolist() if link not in told])[:MOST_BOUNDARY]


# Shared power, shared card


def _join_sites(case: Case, groups: list[Group]) -> list[Group]:
    """Several suspects whose gear stands in one cabinet or building, and nothing there that still speaks."""
    by_site: dict[int, list[int]] = defaultdict(list)
    for place, group in enumerate(groups):
        if len(group.roots) == 1 and _is_vouched(case, group) and (site := int(case.topology.network.device_site[group.roots[0].head])):
            by_site[site].append(place)
    for site in sorted(by_site):
        parts = by_site[site]
        whole = _site_group(case, site, [groups[place] for place in parts])
        if whole is not None:
            groups = _with_empty(groups, parts, whole)
    return _full(groups)


def _is_vouched(case: Case, group: Group) -> bool:
    """Somebody healthy complains of it, or it spoke itself: it is not merely a part that the records put in the wrong place."""
    return bool(group.heard or case.signs.speaks_of_itself[group.roots[0].head] or not case.doubted.any())


def _site_group(case: Case, site: int, groups: list[Group]) -> Group | None:
    members = case.topology.sites[site]
    behind = np.concatenate([group.dark for group in groups])
    others = members[~np.isin(members, behind)]
    power = int(case.signs.has_power_trouble[members].sum())
    if len(groups) < 2 and (power < 2 or others.size):
        return None
    # What a device's own last word adds to its being the root, it adds to the cabinet's being it too.
    parts = sum(group.gain + PRICE - _muteness(case.signs, group.roots[0]) for group in groups)
    gain = parts + float(np.minimum(case.weights.dark[others], 0.0).sum()) - SITE_PRICE
    if gain <= sum(group.gain for group in groups) and power < 2:
        return None
    return _joined((Element("site", site),), groups, behind, gain)


def _muteness(signs: Signs, root: Root) -> float:
    return NO_VOICE if root.link < 0 and not signs.speaks_of_itself[root.head] else 0.0


def _join_cards(case: Case, groups: list[Group]) -> list[Group]:
    """Several ports of one living device dark at once."""
    spoke = np.bincount(case.signs.device[SAYS_CARD[case.signs.cause]], minlength=case.signs.lost.size) > 0
    for parent, parts in sorted(_by_parent(case, groups).items()):
        price = _card_price(case, parent, len(parts), bool(spoke[parent]))
        if price < PRICE * len(parts) and (len(parts) > 2 or spoke[parent]):
            chosen = [groups[place] for place in parts]
            gain = sum(group.gain for group in chosen) + PRICE * len(parts) - price
            element = Element("device", int(case.topology.network.device_id[parent]))
            whole = replace(_joined((element,), chosen, chosen[0].dark, gain), is_card=True)
            groups = _with_empty(groups, parts, whole)
    return _full(groups)


def _by_parent(case: Case, groups: list[Group]) -> dict[int, list[int]]:
    """Places of single suspects by the device row that alone feeds them, over one link each."""
    forest = case.topology.forest
    by_parent: dict[int, list[int]] = defaultdict(list)
    for place, group in enumerate(groups):
        head = group.roots[0].head
        spoke = case.signs.speaks_of_itself[head] and not case.topology.passive[head]
        if len(group.roots) == 1 and group.elements[0].kind != "site" and forest.above_link[head] >= 0 and not spoke:
            by_parent[int(forest.above[head])].append(place)
    return by_parent


def _card_price(case: Case, parent: int, dark_ports: int, spoke: bool) -> float:
    if spoke:
        return CARD_PRICE - CARD_SPOKE
    forest = case.topology.forest
    ports = int(((forest.above == parent) & (forest.above_link >= 0)).sum())
    # That just these ports and not the device's others are on the card must be paid for too.
    return CARD_PRICE + log(comb(ports, dark_ports))


def _with_empty(groups: list[Group], parts: list[int], whole: Group) -> list[Group]:
    """The joint group stands where the first of its parts stood; the others become empty, so that places stay as they are."""
    nothing = Group((), (), np.zeros(0, dtype=np.int64), 0.0, 0)
    return [whole if place == parts[0] else nothing if place in parts else group for place, group in enumerate(groups)]


def _full(groups: list[Group]) -> list[Group]:
    return [group for group in groups if group.roots]
