"""What no common cause explains: one customer's line, one device, a ring cut on one side, a peer outside, power at risk, weak light."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from atlas.cmdb.records.plant import KINDS, DeviceKind, Flags
from atlas.identity import AlarmId
from atlas.nms.records import ProbableCause
from cortex.dominators import Rows
from cortex.findings import Element
from cortex.groups import Reading
from cortex.membership import complaints
from cortex.signs import CODE, NO_LINE, SAYS_CARD, SAYS_DEGRADED, SAYS_GASP, SAYS_LINK, SAYS_LOST, SAYS_POWER, Signs
from cortex.suspicion import Suspicion
from cortex.topology import CutOff, Topology

NONE = np.zeros(0, dtype=np.int64)
NOBODY = CutOff(NONE, NONE, NONE)
# One weak line is that customer's; three of one splitter are the plant's.
WEAK_LINES = 3


@dataclass(frozen=True, eq=False, slots=True)
class Leftover:
    """A suspicion, the places of its alarms, and who is behind it."""

    suspicion: Suspicion
    alarms: Rows
    cut: CutOff
    is_outage: bool = True


def leftovers(reading: Reading, places: Rows) -> list[Leftover]:
    """`places` says which group each alarm is in; here is what is made of the rest."""
    free = places < 0
    return [
        *_devices(reading, free),
        *_drops(reading, free),
        *_links(reading, free),
        *_upstream(reading, free),
        *_own_words(reading, free),
        *_power_at_risk(reading, free),
        *_weak_lines(reading, free),
    ]


def _kind(topology: Topology, row: int) -> DeviceKind:
    return KINDS[int(topology.network.device_kind[row])]


def _device(topology: Topology, row: int) -> Element:
    return Element("device", int(topology.network.device_id[row]))


def _alarm_ids(signs: Signs, alarms: Rows) -> tuple[AlarmId, ...]:
    return tuple(signs.alarms[place].alarm_id for place in alarms.tolist())


def _by(keys: Rows, alarms: Rows) -> Iterator[tuple[int, Rows]]:
    """Places of alarms by key, in order of key."""
    for key in np.unique(keys).tolist():
        yield key, alarms[keys == key]


def _devices(reading: Reading, free: Flags) -> Iterator[Leftover]:
    """Lost, though its neighbours are well and silent: by itself, as far as anybody can tell."""
    signs, topology = reading.case.signs, reading.case.topology
    lost = np.flatnonzero(free & SAYS_LOST[signs.cause] & (signs.line == NO_LINE))
    for row, alarms in _by(signs.device[lost], lost):
        start, end = int(topology.forest.start[row]), int(topology.forest.end[row])
        behind = topology.forest.at[start:end]
        quiet = behind[signs.can_speak[behind] & ~signs.is_lost[behind]]
        dark = np.setdiff1d(behind, quiet) if quiet.size == 0 else np.array([row])
        element = _device(topology, row)
        suspicion = Suspicion((element,), _kind(topology, row), alarmed=(element.id,), watching=1)  # type: ignore[arg-type]
        yield Leftover(suspicion, alarms, topology.cut_of(dark))


def _drops(reading: Reading, free: Flags) -> Iterator[Leftover]:
    """A customer's own line, its neighbours well."""
    signs, topology = reading.case.signs, reading.case.topology
    hit = np.flatnonzero(free & (SAYS_LOST | SAYS_LINK)[signs.cause] & (signs.line >= 0))
    for line, alarms in _by(signs.line[hit], hit):
        on = int(topology.line_device[line])
        gasped = bool(SAYS_GASP[signs.cause[alarms]].any())
        suspicion = Suspicion(
            (Element("subscriber", int(topology.lines.subscriber_id[line])),),
            _kind(topology, on) if on >= 0 else None,
            lines_lost=1,
            lines_gasping=int(gasped),
            lines_behind=int(topology.lines_on[on]) if on >= 0 else 1,
        )
        yield Leftover(suspicion, alarms, CutOff(NONE, NONE, np.array([line])), is_outage=False)


def _links(reading: Reading, free: Flags) -> Iterator[Leftover]:
    """A link told to be down behind which nobody is dark: redundancy lost, or plant behind it that nobody watches."""
    signs, topology = reading.case.signs, reading.case.topology
    told = np.flatnonzero(free & complaints(signs) & (signs.link >= 0))
    conduit = topology.network.link_conduit[signs.link[told]]
    shared = {key for key, alarms in _by(conduit, told) if key and np.unique(signs.link[alarms]).size > 1}
    # Conduits and links are numbered apart: links below zero here.
    keys = np.where(np.isin(conduit, sorted(shared)), conduit, -1 - signs.link[told]) if shared else -1 - signs.link[told]
    for key, alarms in _by(keys, told):
        element = Element("conduit", key) if key > 0 else Element("link", int(topology.network.link_id[-1 - key]))
        found = _link(reading, element, alarms)
        if found is not None:
            yield found


def _link(reading: Reading, element: Element, alarms: Rows) -> Leftover | None:
    signs, topology = reading.case.signs, reading.case.topology
    cut = topology.cut_off([element])
    behind = topology.rows_of(cut)
    quiet = behind[signs.can_speak[behind] & ~signs.is_lost[behind]]
    # Down, yet all behind it are well: one such word is a flap, two are the first sign of something.
    if quiet.size and np.unique(signs.cause[alarms]).size < 2:
        return None
    suspicion = Suspicion(
        (element,),
        None,
        quiet=tuple(np.sort(topology.network.device_id[quiet]).tolist()),
        quiet_weight=1.0 * quiet.size,
        complaints=_alarm_ids(signs, alarms),
        complaining=int(np.unique(signs.device[alarms]).size),
        has_another_way=behind.size == 0,
    )
    return Leftover(suspicion, alarms, cut, is_outage=bool(behind.size and not quiet.size))


def _upstream(reading: Reading, free: Flags) -> Iterator[Leftover]:
    """A gateway's port that leads out of our plant."""
    signs, topology = reading.case.signs, reading.case.topology
    gateways = topology.network.device_is_gateway
    told = np.flatnonzero(free & complaints(signs) & (signs.link < 0) & gateways[signs.device])
    complaining = np.unique(signs.device[told])
    is_last = complaining.size == int(gateways.sum())
    for row, alarms in _by(signs.device[told], told):
        suspicion = Suspicion(
            (_device(topology, row),), DeviceKind.GATEWAY, complaints=_alarm_ids(signs, alarms), has_another_way=not is_last
        )
        cut = topology.cut_off([_device(topology, other) for other in complaining.tolist()]) if is_last else NOBODY
        yield Leftover(suspicion, alarms, cut, is_outage=is_last)


OWN_FAULTS = (CODE[ProbableCause.EQUIPMENT_MALFUNCTION], CODE[ProbableCause.LINE_CARD_PROBLEM])


def _own_words(reading: Reading, free: Flags) -> Iterator[Leftover]:
    """A living device that says it, or a card of it, is broken."""
    signs, topology = reading.case.signs, reading.case.topology
    told = np.flatnonzero(free & np.isin(signs.cause, OWN_FAULTS) & (signs.line == NO_LINE))
    for row, alarms in _by(signs.device[told], told):
        card = _alarm_ids(signs, alarms[SAYS_CARD[signs.cause[alarms]]])
        words = _alarm_ids(signs, alarms)
        suspicion = Suspicion((_device(topology, row),), _kind(topology, row), last_words=words, card_words=card, is_card=bool(card))
        yield Leftover(suspicion, alarms, NOBODY, is_outage=False)


def _power_at_risk(reading: Reading, free: Flags) -> Iterator[Leftover]:
    """Living gear that says its power is failing, by cabinet."""
    signs, topology = reading.case.signs, reading.case.topology
    told = np.flatnonzero(free & SAYS_POWER[signs.cause] & ~SAYS_LOST[signs.cause] & (signs.line == NO_LINE))
    by_place: dict[Element, list[int]] = defaultdict(list)
    for place in told.tolist():
        row = int(signs.device[place])
        site = int(topology.network.device_site[row])
        by_place[Element("site", site) if site else _device(topology, row)].append(place)
    for element, found in sorted(by_place.items()):
        alarms = np.array(found)
        devices = int(np.unique(signs.device[alarms]).size)
        standing = topology.sites[element.id].size if element.kind == "site" else 1
        words = _alarm_ids(signs, alarms)
        suspicion = Suspicion((element,), None, last_words=words, power_words=words, power_devices=devices, site_devices=standing)
        yield Leftover(suspicion, alarms, NOBODY, is_outage=False)


def _weak_lines(reading: Reading, free: Flags) -> Iterator[Leftover]:
    signs, topology = reading.case.signs, reading.case.topology
    told = np.flatnonzero(free & SAYS_DEGRADED[signs.cause] & (signs.line >= 0))
    for row, alarms in _by(topology.line_device[signs.line[told]], told):
        weak = int(np.unique(signs.line[alarms]).size)
        if row >= 0 and weak >= WEAK_LINES:
            suspicion = Suspicion((_device(topology, row),), _kind(topology, row), complaints=_alarm_ids(signs, alarms), degraded=weak)
            yield Leftover(suspicion, alarms, NOBODY, is_outage=False)
