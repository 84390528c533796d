"""Suspected roots joined where one cause explains several: a conduit, a ring cut twice, a cabinet's power, a card."""

from collections import defaultdict
from dataclasses import dataclass, replace
from math import comb, log
from typing import Final

import numpy as np

from atlas.cmdb.records.plant import Flags
from cortex.adoption import adopt
from cortex.dominators import Adjacency, Forest, Rows, dominator_forest
from cortex.findings import Element
from cortex.rings import contacts, join_conduits, join_open_rings, join_rings
from cortex.signs import SAYS_CARD, Signs
from cortex.suspects import (
    NO_VOICE,
    NOT_HEARD,
    PRICE,
    Case,
    Group,
    Root,
    Weights,
    alone,
    full,
    joined,
    owners,
    silence_rate,
    suspect,
    weigh,
    with_empty,
)
from cortex.topology import Topology, heads_of

# Silence of neighbours says something only where neighbours are seen to complain: five of them, and three in ten.
COMPLAINING, COMPLAINING_SHARE = 5, 0.3
SITE_PRICE: Final = PRICE + 0.5
POWER_SPOKE: Final = 2.0
CARD_PRICE: Final = PRICE + 2.5
CARD_SPOKE: Final = 4.0
ODD_PRICE: Final = 10.0


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
    forest, doubted, silence = _believed(topology, signs, silence)
    weights = weigh(topology, forest, signs, silence=silence, doubted=doubted)
    roots = suspect(topology, forest, signs, weights)
    wrong = _doubted(topology, signs, weights, owners(signs.lost.size, roots)) | doubted
    if (wrong & ~doubted).any():
        doubted, forest = wrong, _forest_without(topology, wrong)
        weights = weigh(topology, forest, signs, silence=silence, doubted=doubted)
        roots = suspect(topology, forest, signs, weights)
    case, groups = _apart(Case(topology, signs, forest, weights, doubted), [alone(topology, root) for root in roots], silence)
    for join in (join_conduits, join_rings, join_open_rings, _join_sites, _join_cards):
        groups = join(case, groups)
    groups = adopt(case, groups)
    return Reading(case, tuple(groups), owners(signs.lost.size, groups))


def _apart(case: Case, groups: list[Group], silence: float) -> tuple[Case, list[Group]]:
    """The groups once more, without the links between parts that went dark at different times: what is dark for a reason of its own is
    nobody's way out."""
    topology, signs = case.topology, case.signs
    _, apart = contacts(case, groups, owners(signs.lost.size, groups))
    if not apart.size:
        return case, groups
    doubted = case.doubted.copy()
    doubted[apart] = True
    forest = _forest_without(topology, doubted)
    weights = weigh(topology, forest, signs, silence=silence, doubted=doubted)
    roots = suspect(topology, forest, signs, weights)
    return Case(topology, signs, forest, weights, doubted), [alone(topology, root) for root in roots]


def _believed(topology: Topology, signs: Signs, silence: float) -> tuple[Forest, Flags, float]:
    """The forest to judge by, the links left out of it, and how silent the lost are: the odd links are left out only where the alarms
    make much better sense without them."""
    choices = []
    for doubted in (np.zeros(topology.habits.odd.size, dtype=bool), topology.habits.odd)[: 2 if topology.habits.odd.any() else 1]:
        forest = _forest_without(topology, doubted) if doubted.any() else topology.forest
        weights = weigh(topology, forest, signs, silence=silence, doubted=doubted)
        roots = suspect(topology, forest, signs, weights)
        total = sum(root.gain for root in roots) - (ODD_PRICE if doubted.any() else 0.0)
        choices.append((total, forest, doubted, silence_rate(signs, roots, silence)))
    _, forest, doubted, silence = max(choices, key=lambda choice: choice[0])
    return forest, doubted, silence


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
    return doubted | (whole & topology.habits.odd & (owner[ends] >= 0).all(axis=0))


def _forest_without(topology: Topology, doubted: Flags) -> Forest:
    ends = np.where(doubted, -1, topology.link_ends)
    around = Adjacency.of(topology.network.device_id.size, ends[0], ends[1])
    # A part cut loose by a doubted link was most likely fed where that link is recorded.
    loose = np.zeros(topology.network.device_id.size, dtype=bool)
    loose[topology.link_ends[:, doubted & (topology.link_ends >= 0).all(axis=0)]] = True
    return dominator_forest(around, doubted.size, heads_of(topology.network, around, loose), topology.network.device_is_gateway)


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
            groups = with_empty(groups, parts, whole)
    return full(groups)


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
    gain = parts + float(np.minimum(case.weights.dark[others], 0.0).sum()) + POWER_SPOKE * power - SITE_PRICE
    if gain <= sum(group.gain for group in groups):
        return None
    return joined((Element("site", site),), groups, behind, gain)


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
            whole = replace(joined((element,), chosen, chosen[0].dark, gain), is_card=True)
            groups = with_empty(groups, parts, whole)
    return full(groups)


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
