"""Suspected roots that only several links lost together explain: one conduit dug through, or a ring cut on both sides of a segment."""

from collections import defaultdict
from dataclasses import replace
from itertools import combinations
from typing import Final

import numpy as np
from scipy.sparse import csr_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

from atlas.cmdb.records.plant import Flags
from cortex.adoption import misplaced_complaints
from cortex.dominators import Rows
from cortex.findings import Element
from cortex.onset import onset
from cortex.suspects import PRICE, Case, Group, full, joined, owners, with_empty

# Boundary links tried in pairs around a ring segment: more than this and the records there are no guide.
MOST_BOUNDARY: Final = 8
# One record in twenty is wrong, where records are known to be.
WRONG_RECORD: Final = 3.0
# Two ends of one broken ring are no further apart than a ring is long.
RING_LENGTH: Final = 12
NONE: Final = np.zeros(0, dtype=np.int64)


def _newly_dark(case: Case, links: Rows, wrong: Rows = NONE) -> Rows:
    """Device rows that have a way while the doubted and `wrong` links are not there, and have none once `links` fail too."""
    gone = np.union1d(np.flatnonzero(case.doubted), wrong)
    before = case.topology.served_without(NONE, gone)
    return np.flatnonzero(before & ~case.topology.served_without(NONE, np.union1d(gone, links)))


def _gain_of_links(case: Case, dark: Rows, owner: Rows, price: float) -> float:
    """What is dark, and what its healthy neighbours say of it. Those the records put there too, though they are well, are fed some other
    way, which costs no more than a wrong record."""
    topology, weights = case.topology, case.weights
    gone = dark[owner[dark] >= 0]
    well = dark[owner[dark] < 0]
    is_gone: Flags = np.zeros(owner.size, dtype=np.bool_)
    is_gone[gone] = True
    said = 0.0
    for side in (0, 1):
        tellers, there = topology.link_ends[side], topology.link_ends[1 - side]
        told = (tellers >= 0) & (there >= 0) & is_gone[there] & (owner[tellers] < 0)
        said += float(np.maximum(weights.over_link[side, told], 0.0).sum())
    spared = max(float(weights.dark[well].sum()), -topology.habits.price_of_error) if well.size else 0.0
    return float(weights.dark[gone].sum()) + said + min(spared, 0.0) - price


def join_conduits(case: Case, groups: list[Group]) -> list[Group]:
    """One digger, several links: at least two of a conduit's links are told to be down, or suspected."""
    told: Flags = np.array(case.signs.heard.any(axis=0))
    told[[root.link for group in groups for root in group.roots if root.link >= 0]] = True
    of_link = case.topology.network.link_conduit
    conduits, counts = np.unique(of_link[told & (of_link != 0)], return_counts=True)
    owner = owners(case.signs.lost.size, groups)
    for conduit in conduits[counts > 1].tolist():
        dark = _newly_dark(case, case.topology.conduits[conduit])
        parts = [place for place, group in enumerate(groups) if group.roots and np.isin(_heads(group), dark).all()]
        gain = _gain_of_links(case, dark, owner, PRICE)
        if parts and gain >= sum(groups[place].gain for place in parts):
            whole = joined((Element("conduit", conduit),), [groups[place] for place in parts], dark[owner[dark] >= 0], gain)
            groups = with_empty(groups, parts, whole)
    return full(groups)


def _heads(group: Group) -> list[int]:
    return [root.head for root in group.roots]


# A ring cut twice


def join_rings(case: Case, groups: list[Group]) -> list[Group]:
    """Dark parts that hang together in a ring, and the two cuts that would explain them all."""
    owner = owners(case.signs.lost.size, groups)
    touching, _ = contacts(case, groups, owner)
    for parts in _clusters(case, owner, touching, len(groups)):
        around, between = _boundary(case, owner, parts), _between(case, owner, touching, parts)
        left = parts
        while len(left) > 1 and (best := _best_cut(case, groups, owner, left, around, between)) is not None:
            covered, whole = best
            groups = with_empty(groups, covered, whole)
            left = [place for place in left if place not in covered]
    return full(groups)


def contacts(case: Case, groups: list[Group], owner: Rows) -> tuple[Rows, Rows]:
    """Links of the records from one group to another that may have gone dark with it; and to one that surely did not."""
    ends = case.topology.link_ends
    near, far = owner[ends]
    links = np.flatnonzero((ends >= 0).all(axis=0) & ~case.doubted & (near >= 0) & (far >= 0) & (near != far))
    onsets = {place: onset(case.signs, groups[place].dark) for place in np.unique(owner[ends[:, links]]).tolist()}
    together = np.array([not onsets[one].is_not_that_of(onsets[other]) for one, other in owner[ends[:, links]].T.tolist()], dtype=bool)
    return links[together], links[~together]


def _clusters(case: Case, owner: Rows, touching: Rows, count: int) -> list[list[int]]:
    """Places of groups that touch one another."""
    near, far = owner[case.topology.link_ends[:, touching]]
    _, cluster = connected_components(csr_array((np.ones(near.size), (near, far)), shape=(count, count)), directed=False)
    clusters = defaultdict(list)
    for place, label in enumerate(cluster.tolist()):
        clusters[label].append(place)
    return [parts for parts in clusters.values() if len(parts) > 1]


def _boundary(case: Case, owner: Rows, parts: list[int]) -> list[int]:
    """Links from the cluster to what is not dark: those complained of, if there are two."""
    ends = case.topology.link_ends
    inside = np.isin(owner[ends], parts) & (ends >= 0)
    outside = (owner[ends] < 0) & (ends >= 0)
    links = np.flatnonzero((inside[0] & outside[1] | inside[1] & outside[0]) & ~case.doubted).tolist()
    told = [link for link in links if case.signs.heard[:, link].any()]
    return (told if len(told) > 1 else told + [link for link in links if link not in told])[:MOST_BOUNDARY]


def _between(case: Case, owner: Rows, touching: Rows, parts: list[int]) -> list[int]:
    """Links from one part of the cluster to another."""
    links: list[int] = touching[np.isin(owner[case.topology.link_ends[0, touching]], parts)].tolist()
    return links[:MOST_BOUNDARY]


def _best_cut(
    case: Case, groups: list[Group], owner: Rows, parts: list[int], around: list[int], between: list[int]
) -> tuple[list[int], Group] | None:
    """The pair of links around the cluster whose loss explains most of it; if none does, then with one record that may be wrong."""
    trusting = [cut for pair in combinations(around, 2) if (cut := _cut(case, groups, owner, parts, pair, NONE)) is not None]
    if trusting or not case.doubted.any():
        return _best(trusting)
    doubting = [
        cut
        for pair in combinations(around, 2)
        for link in (*between, *around)
        if link not in pair and (cut := _cut(case, groups, owner, parts, pair, np.array([link]))) is not None
    ]
    return _best(doubting)


def _best(cuts: list[tuple[float, list[int], Group]]) -> tuple[list[int], Group] | None:
    return max(cuts, key=lambda cut: cut[0])[1:] if cuts else None


def _cut(
    case: Case, groups: list[Group], owner: Rows, parts: list[int], pair: tuple[int, int], wrong: Rows
) -> tuple[float, list[int], Group] | None:
    """How much better the pair explains what it takes both of them to darken than each part failing by itself; None if no better."""
    links = np.array(pair, dtype=np.int64)
    dark = _newly_dark(case, links, wrong)
    if not dark.size:
        return None
    for link in pair:
        dark = np.setdiff1d(dark, _newly_dark(case, np.array([link]), wrong))
    heads = np.array([groups[place].roots[0].head for place in parts])
    covered = [place for place, inside in zip(parts, np.isin(heads, dark).tolist(), strict=True) if inside]
    gain = _gain_of_links(case, dark, owner, 2 * PRICE + WRONG_RECORD * wrong.size)
    better = gain - sum(groups[place].gain for place in covered)
    if not covered or better <= 0:
        return None
    whole = joined(_links(case, pair), [groups[place] for place in covered], dark[owner[dark] >= 0], gain)
    return better, covered, replace(whole, heard=int(case.signs.heard[:, links].sum()))


def _links(case: Case, rows: tuple[int, ...]) -> tuple[Element, ...]:
    return tuple(sorted(Element("link", int(case.topology.network.link_id[row])) for row in rows))


# A ring that the records have open


def join_open_rings(case: Case, groups: list[Group]) -> list[Group]:
    """Gear that looks fed by one link because the records miss the ring's other side, which must then be cut too.

    Asked only where records were found to be wrong: else a spur is a spur.
    """
    if not case.doubted.any():
        return groups
    owner = owners(case.signs.lost.size, groups)
    groups = [_named_by_both_cuts(case, group, owner) for group in groups]
    tails = [place for place, group in enumerate(groups) if _is_tail(case, group)]
    stray = _stray_ends(case, groups)
    for place, other in _pairs_by_onset(case, groups, tails):
        pair = (groups[place].roots[0].link, groups[other].roots[0].link)
        both = [groups[place], groups[other]]
        whole = joined(_links(case, pair), both, both[0].dark, both[0].gain + both[1].gain)
        groups = with_empty(groups, [place, other], whole)
    left = [place for place in tails if len(groups[place].elements) == 1 and groups[place].roots]
    for place in left:
        ends = _wrong_side(case, groups[place]) or _stray_links(case, groups[place], stray if len(left) == 1 else [])
        if len(ends) == 1:
            groups[place] = replace(groups[place], elements=_links(case, (groups[place].roots[0].link, ends[0])))
    return full(groups)


def _stray_links(case: Case, group: Group, stray: list[tuple[int, int]]) -> list[int]:
    """Links within a ring's length that are complained of, and recorded elsewhere."""
    steps = _steps_from(case, _teller(case, group))
    ringed = case.topology.habits.ringed[case.topology.habits.kind]
    return [link for row, link in stray if row in steps and link >= 0 and ringed[case.topology.link_ends[:, link]].all()]


def _named_by_both_cuts(case: Case, group: Group, owner: Rows) -> Group:
    """Healthy neighbours on both sides of what is dark complain: both their links are cut, unless one failed device is behind both."""
    root = group.roots[0]
    if len(group.roots) > 1 or case.signs.speaks_of_itself[root.head]:
        return group
    told = _told_around(case, group, owner)
    if len(told) != 2:
        return group
    if all(root.head in case.topology.link_ends[:, link] for link in told):
        return replace(group, elements=(Element("device", int(case.topology.network.device_id[root.head])),), heard=2)
    return replace(group, elements=_links(case, (told[0], told[1])), heard=2)


def _told_around(case: Case, group: Group, owner: Rows) -> list[int]:
    """Links into the group's dark that a healthy device at the other end says are down."""
    ends = case.topology.link_ends
    inside = np.zeros(owner.size, dtype=bool)
    inside[group.dark] = True
    told = np.zeros(ends.shape[1], dtype=bool)
    for side in (0, 1):
        told |= case.signs.heard[side] & (owner[ends[side]] < 0) & inside[ends[1 - side]]
    links: list[int] = np.flatnonzero(told & (ends >= 0).all(axis=0) & ~case.doubted).tolist()
    return links


def _is_tail(case: Case, group: Group) -> bool:
    root = group.roots[0]
    is_one_link = len(group.roots) == 1 and root.link >= 0 and len(group.elements) == 1
    return is_one_link and case.topology.habits.is_ringed(root.head)


def _wrong_side(case: Case, group: Group) -> list[int]:
    """Doubted links from ringed gear in the group to ringed gear that is well."""
    topology = case.topology
    ends, ringed = topology.link_ends, topology.habits.ringed[topology.habits.kind]
    inside = np.isin(ends, group.dark)
    crossing = case.doubted & (inside[0] != inside[1]) & ringed[ends].all(axis=0)
    found: list[int] = np.flatnonzero(crossing).tolist()
    return found


def _stray_ends(case: Case, groups: list[Group]) -> list[tuple[int, int]]:
    """Ringed gear that complains of a ring's link which the records have elsewhere or not at all: device row, link row or -1."""
    ringed = case.topology.habits.ringed[case.topology.habits.kind]
    return [(row, link) for row, link in misplaced_complaints(case.topology, case.signs, groups) if ringed[row]]


def _pairs_by_onset(case: Case, groups: list[Group], tails: list[int]) -> list[tuple[int, int]]:
    """Tails that went dark at the same moment, and no other with them: the second of two cuts darkens both halves of a ring at once."""
    near: dict[int, list[int]] = {}
    onsets = {place: onset(case.signs, groups[place].dark) for place in tails}
    for place in tails:
        steps = _steps_from(case, _teller(case, groups[place]))
        near[place] = [
            other for other in tails if other != place and _teller(case, groups[other]) in steps and onsets[place].is_that_of(onsets[other])
        ]
    return [(place, found[0]) for place, found in near.items() if len(found) == 1 and near[found[0]] == [place] and place < found[0]]


def _teller(case: Case, group: Group) -> int:
    """The device at the healthy end of the group's link."""
    near, far = case.topology.link_ends[:, group.roots[0].link].tolist()
    return int(far if near == group.roots[0].head else near)


def _steps_from(case: Case, row: int) -> dict[int, int]:
    ringed = case.topology.habits.ringed[case.topology.habits.kind]
    steps, edge = {row: 0}, [row]
    while edge and steps[edge[0]] < RING_LENGTH:
        further = [there for here in edge for there in case.topology.around.around(here)[0].tolist() if ringed[there]]
        fresh = sorted({there for there in further if there not in steps})
        steps.update(dict.fromkeys(fresh, steps[edge[0]] + 1))
        edge = fresh
    return steps
