"""Dark parts that no known path joins to anything: which cause they belong to, where the records are wrong or incomplete."""

from dataclasses import replace
from typing import Final

import numpy as np

from atlas.cmdb.records.plant import Flags
from cortex.dominators import Rows
from cortex.findings import Element
from cortex.onset import onset
from cortex.signs import Signs
from cortex.suspects import Case, Group, owners
from cortex.topology import Topology

# How much of an area must be dark of one cause before a part of it that no known path joins is put down to that cause too.
SHARE_OF_AREA: Final = 0.05
# Senders' clocks differ by up to five minutes either way.
SAME_TIME_S: Final = 600.0
# One cause on a port may be a flap; a port whose fibre was cut says so in two ways.
WAYS_OF_SAYING: Final = 2
# A part so large is not dark by itself; smaller ones beside it belong to it.
LARGE: Final = 10
UNDECIDED: Final = -2


def adopt(case: Case, groups: list[Group]) -> list[Group]:
    """A part whose recorded neighbours are well and silent is fed by something else than the records say."""
    topology, signs, doubted = case.topology, case.signs, case.doubted
    floating = [place for place, group in enumerate(groups) if _is_adrift(case, group)]
    if not floating:
        return groups
    floating.sort(key=lambda place: (-groups[place].dark.size, groups[place].roots[0].head))
    anchored = [place for place in range(len(groups)) if place not in set(floating)]
    groups = list(groups)
    misplaced = misplaced_complaints(topology, signs, groups)
    owner = owners(signs.lost.size, groups)
    owner[np.isin(owner, floating)] = UNDECIDED
    for place in floating:
        told = _told_elsewhere(topology, misplaced, groups[place])
        if told is not None:
            groups[place] = _named_by_its_feed(topology, doubted, groups[place], misplaced.pop(told))
            anchored.append(place)
            owner[groups[place].dark] = place
            continue
        home = _home(case, owner, groups, anchored, groups[place])
        if home is not None:
            foster, part = groups[home], groups[place]
            owner[part.dark] = home
            groups[home] = replace(foster, dark=np.union1d(foster.dark, part.dark), adopted=(*foster.adopted, *part.roots))
            groups[place] = replace(part, roots=())
        elif groups[place].dark.size >= LARGE:
            anchored.append(place)
            owner[groups[place].dark] = place
    return [group for group in groups if group.roots]


def _is_adrift(case: Case, group: Group) -> bool:
    """Nobody complains of it, it said no last word, and what the records call its feed is doubted or missing."""
    root = group.roots[0]
    if group.heard or len(group.roots) > 1 or case.signs.speaks_of_itself[root.head] or root.link >= 0:
        return False
    _, links = case.topology.around.around(root.head)
    unfed = case.forest.start[root.head] >= case.forest.fed
    return bool(case.doubted[links].any() or unfed)


def misplaced_complaints(topology: Topology, signs: Signs, groups: list[Group]) -> list[tuple[int, int]]:
    """Complaints of healthy devices that nothing dark explains, as (device row, link row or -1 for a port with no known link)."""
    dark = np.zeros(signs.lost.size, dtype=bool)
    for group in groups:
        dark[group.dark] = True
    ends = topology.link_ends
    found: list[tuple[int, int]] = []
    ways = _ways_of_saying(signs)
    for side in (0, 1):
        links = np.flatnonzero(signs.heard[side] & ~dark[ends[side]] & ~dark[ends[1 - side]])
        found += zip(ends[side, links].tolist(), links.tolist(), strict=True)
    found += [(row, -1) for row in np.flatnonzero((signs.astray > 0) & ~dark).tolist()]
    return sorted(place for place in found if ways.get(place, 0) >= WAYS_OF_SAYING)


def _ways_of_saying(signs: Signs) -> dict[tuple[int, int], int]:
    ways: dict[tuple[int, int], set[int]] = {}
    for row, link, cause in zip(signs.device.tolist(), signs.link.tolist(), signs.cause.tolist(), strict=True):
        ways.setdefault((row, link), set()).add(cause)
    return {place: len(causes) for place, causes in ways.items()}


def _told_elsewhere(topology: Topology, misplaced: list[tuple[int, int]], group: Group) -> int | None:
    """The first complaint from the part's own area by a device of a kind that feeds such as it."""
    head, area = group.roots[0].head, topology.network.device_area
    for place, (row, _) in enumerate(misplaced):
        if area[row] == area[head] and topology.habits.is_usual(row, head):
            return place
    return None


def _named_by_its_feed(topology: Topology, doubted: Flags, group: Group, told: tuple[int, int]) -> Group:
    """The complaint names a link that the records lead elsewhere; or a port they miss, whose record may be the wrong one of such a kind."""
    link = told[1] if told[1] >= 0 else _recorded_feed(topology, doubted, group, told[0])
    element = Element("link", int(topology.network.link_id[link])) if link >= 0 else group.elements[0]
    return replace(group, elements=(element,), heard=1, told=told)


def _recorded_feed(topology: Topology, doubted: Flags, group: Group, teller: int) -> int:
    """The only doubted link that joins the part's top to a device of the teller's kind; -1 where there is none such."""
    to, links = topology.around.around(group.roots[0].head)
    wrong = links[doubted[links] & (topology.habits.kind[to] == topology.habits.kind[teller])]
    return int(wrong[0]) if wrong.size == 1 else -1


def _home(case: Case, owner: Rows, groups: list[Group], anchored: list[int], part: Group) -> int | None:
    """The group that darkens most of the part's area, at the same time; for ringed gear, the only one of a ring that began just then."""
    topology, head = case.topology, part.roots[0].head
    beside = topology.in_area[int(topology.network.device_area[head])]
    places = owner[np.setdiff1d(beside, part.dark)]
    places = places[places != UNDECIDED]
    counts = np.bincount(places[places >= 0], minlength=len(groups))
    then = onset(case.signs, part.dark)
    enough = [place for place in anchored if counts[place] >= max(SHARE_OF_AREA * places.size, 1)]
    for place in sorted(enough, key=lambda place: (-counts[place], place)):
        began = onset(case.signs, groups[place].dark)
        if abs(then.first_s - began.first_s) <= SAME_TIME_S and not then.is_not_that_of(began):
            return place
    ringed = topology.habits.ringed[topology.habits.kind]
    if not ringed[head] or part.dark.size < LARGE:
        return None
    rings = [place for place in anchored if ringed[groups[place].roots[0].head] and then.is_that_of(onset(case.signs, groups[place].dark))]
    return rings[0] if len(rings) == 1 else None
