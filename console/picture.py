"""Pure: lays out the blast radius as a tree that reads from left (where the internet is) to right (where people are)."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from atlas.identity import DeviceId

COLUMN: Final = 165
ROW: Final = 34
MARGIN: Final = 24
# More siblings of one kind than this are drawn as one, with their number: a picture is read at a glance or not at all.
MOST_SIBLINGS: Final = 2


@dataclass(frozen=True)
class Station:
    """A device in the picture. `state` is root, lost, back or well; `lines` the subscribers that hang from it."""

    device_id: DeviceId
    name: str
    kind: str
    state: str
    lines: int


@dataclass(frozen=True)
class Wire:
    """A link in the picture. `state` is cut, lost or well."""

    one: DeviceId
    other: DeviceId
    state: str


@dataclass(frozen=True)
class Dot:
    x: int
    y: int
    label: str
    note: str
    state: str
    count: int


@dataclass(frozen=True)
class Curve:
    path: str
    state: str


@dataclass(frozen=True)
class Drawing:
    width: int
    height: int
    dots: tuple[Dot, ...]
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class _Group:
    members: tuple[Station, ...]

    @property
    def first(self) -> Station:
        return self.members[0]


def drawing(stations: Sequence[Station], wires: Sequence[Wire]) -> Drawing:
    """Healthy stations first, then what hangs behind them, breadth first; equal siblings folded. Empty where there is nothing to draw."""
    groups, parents = _folded(stations, _tree(stations, wires))
    depth, row = _places(groups, parents)
    where = {
        group.first.device_id: (MARGIN + depth[group.first.device_id] * COLUMN, MARGIN + round(row[group.first.device_id] * ROW))
        for group in groups
    }
    wire_state = {frozenset((wire.one, wire.other)): wire.state for wire in wires}
    curves = tuple(
        _curve(where[parent], where[child], wire_state.get(frozenset((parent, child)), "lost")) for child, parent in parents.items()
    )
    dots = tuple(_dot(group, *where[group.first.device_id]) for group in groups)
    width = max((dot.x for dot in dots), default=0) + COLUMN
    height = max((dot.y for dot in dots), default=0) + MARGIN
    return Drawing(width, height, dots, curves)


def _tree(stations: Sequence[Station], wires: Iterable[Wire]) -> dict[DeviceId, DeviceId]:
    """Each station's parent on the way to where the picture starts; the starts have none."""
    neighbours: dict[DeviceId, list[DeviceId]] = defaultdict(list)
    known = {station.device_id for station in stations}
    for wire in wires:
        if wire.one in known and wire.other in known:
            neighbours[wire.one].append(wire.other)
            neighbours[wire.other].append(wire.one)
    starts = [station.device_id for station in stations if station.state == "well"] or [s.device_id for s in stations[:1]]
    parents: dict[DeviceId, DeviceId] = {}
    seen, queue = set(starts), deque(starts)
    while queue:
        here = queue.popleft()
        for there in neighbours[here]:
            if there not in seen:
                seen.add(there)
                parents[there] = here
                queue.append(there)
    return parents


def _folded(stations: Sequence[Station], parents: dict[DeviceId, DeviceId]) -> tuple[list[_Group], dict[DeviceId, DeviceId]]:
    has_children = set(parents.values())
    alike: dict[tuple[object, ...], list[Station]] = defaultdict(list)
    for station in stations:
        parent = parents.get(station.device_id)
        leaf = station.device_id not in has_children and parent is not None
        alike[(parent, station.kind, station.state) if leaf else (station.device_id,)].append(station)
    groups: list[_Group] = []
    for members in alike.values():
        groups += [_Group(tuple(members))] if len(members) > MOST_SIBLINGS else [_Group((member,)) for member in members]
    shown = {group.first.device_id for group in groups}
    return groups, {child: parent for child, parent in parents.items() if child in shown}


def _places(groups: Sequence[_Group], parents: dict[DeviceId, DeviceId]) -> tuple[dict[DeviceId, int], dict[DeviceId, float]]:
    """Column by distance; row so that a parent stands in the middle of its children."""
    children: dict[DeviceId, list[DeviceId]] = defaultdict(list)
    for child, parent in parents.items():
        children[parent].append(child)
    depth: dict[DeviceId, int] = {}
    row: dict[DeviceId, float] = {}
    free = 0.0

    def place(here: DeviceId, column: int) -> None:
        nonlocal free
        depth[here] = column
        for child in children[here]:
            place(child, column + 1)
        if children[here]:
            row[here] = (row[children[here][0]] + row[children[here][-1]]) / 2
        else:
            row[here] = free
            free += 1

    for group in groups:
        if group.first.device_id not in parents:
            place(group.first.device_id, 0)
    return depth, row


def _curve(start: tuple[int, int], end: tuple[int, int], state: str) -> Curve:
    middle = (start[0] + end[0]) // 2
    return Curve(f"M{start[0]} {start[1]} C{middle} {start[1]} {middle} {end[1]} {end[0]} {end[1]}", state)


def _dot(group: _Group, x: int, y: int) -> Dot:
    lines = sum(member.lines for member in group.members)
    kind = group.first.kind.replace("_", " ")
    label = group.first.name if len(group.members) == 1 else f"{len(group.members)} × {kind}"
    return Dot(x, y, label, f"{lines} lines" if lines else kind, group.first.state, len(group.members))
