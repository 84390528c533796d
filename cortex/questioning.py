"""From a group to the facts that the detectors judge by."""

import numpy as np

from atlas.cmdb.records.plant import KINDS, DeviceKind, Flags
from atlas.identity import AlarmId, DeviceId
from cortex.dominators import Rows
from cortex.findings import Element
from cortex.groups import Reading
from cortex.membership import complaints
from cortex.signs import SAYS_CARD, SAYS_GASP, SAYS_LINK, SAYS_POWER, SAYS_SELF, Signs
from cortex.suspects import Group
from cortex.suspicion import Suspicion
from cortex.topology import Topology


def suspicion_of(reading: Reading, group: Group, alarms: Rows) -> Suspicion:
    """`alarms` are the places of the group's alarms."""
    topology, signs = reading.case.topology, reading.case.signs
    head, network = group.roots[0].head, reading.case.topology.network
    spoke, lost = signs.can_speak[group.dark], signs.is_lost[group.dark]
    quiet = group.dark[spoke & ~lost & ~signs.complains[group.dark]]
    outside = complaints(signs)[alarms] & ~np.isin(signs.device[alarms], group.dark)
    own = np.isin(signs.device[alarms], _failed_rows(group)) & SAYS_SELF[signs.cause[alarms]] & (signs.line[alarms] < 0)
    single = len(group.elements) == 1
    is_gear = not topology.passive[head]
    feed = int(topology.forest.above_link[head])
    members = topology.sites.get(group.elements[0].id, group.dark[:0]) if group.elements[0].kind == "site" else group.dark[:0]
    return Suspicion(
        elements=group.elements,
        kind=KINDS[int(network.device_kind[head])] if group.elements[0].kind in ("device", "link") else None,
        feed=_link(topology, feed) if single and feed >= 0 and is_gear and group.elements[0].kind == "device" else None,
        fed=_device(topology, head) if single and is_gear and group.elements[0].kind == "link" else None,
        alarmed=_ids(topology, group.dark[lost & ~topology.passive[group.dark]]),
        quiet=_ids(topology, quiet),
        quiet_weight=float(-np.minimum(reading.case.weights.dark[quiet], 0.0).sum()),
        complaints=_alarm_ids(signs, alarms[outside]),
        complaining=int(np.unique(signs.device[alarms[outside]]).size),
        watching=_watching(reading, group),
        last_words=_alarm_ids(signs, alarms[own]),
        far_end_words=_alarm_ids(signs, alarms[_told_by_the_far_end(signs, head, feed)[alarms]]),
        card_words=_alarm_ids(signs, alarms[SAYS_CARD[signs.cause[alarms]]]),
        power_words=_alarm_ids(signs, alarms[SAYS_POWER[signs.cause[alarms]] & np.isin(signs.device[alarms], members)]),
        power_devices=int(signs.has_power_trouble[members].sum()),
        site_devices=members.size,
        lines_lost=int(signs.lines_lost[group.dark].sum()),
        lines_gasping=_gasping(signs, alarms),
        lines_behind=int(topology.lines_on[group.dark].sum()),
        lines_on_port=_lines_on_port(topology, head),
        adopted=_ids(topology, np.array([root.head for root in group.adopted], dtype=np.int64)),
        parts=len(group.roots),
        is_card=group.is_card,
    )


def _told_by_the_far_end(signs: Signs, head: int, feed: int) -> Flags:
    """Which alarms are the fed device's own about the only link to it: whoever can say so, out of band, has not failed."""
    told: Flags = SAYS_LINK[signs.cause] & (signs.device == head) & (signs.link == feed) & (feed >= 0)
    return told


def _failed_rows(group: Group) -> Rows:
    """The devices whose own words speak for or against this cause: those that failed, or that a failed link feeds."""
    return np.array([root.head for root in group.roots], dtype=np.int64)


def _ids(topology: Topology, rows: Rows) -> tuple[DeviceId, ...]:
    return tuple(np.sort(topology.network.device_id[rows]).tolist())


def _alarm_ids(signs: Signs, alarms: Rows) -> tuple[AlarmId, ...]:
    return tuple(signs.alarms[place].alarm_id for place in alarms.tolist())


def _link(topology: Topology, row: int) -> Element:
    return Element("link", int(topology.network.link_id[row]))


def _device(topology: Topology, row: int) -> Element:
    return Element("device", int(topology.network.device_id[row]))


def _watching(reading: Reading, group: Group) -> int:
    """How many healthy neighbours see a link to what is dark, and say or could say so."""
    topology = reading.case.topology
    watching = set()
    for root in group.roots:
        to, links = topology.around.around(root.head)
        for teller, link in zip(to.tolist(), links.tolist(), strict=True):
            side = 0 if topology.link_ends[0, link] == teller else 1
            if reading.owner[teller] != reading.owner[root.head] and reading.case.weights.over_link[side, link]:
                watching.add(teller)
    return len(watching)


def _gasping(signs: Signs, alarms: Rows) -> int:
    lines = signs.line[alarms]
    return int(np.unique(lines[(lines >= 0) & SAYS_GASP[signs.cause[alarms]]]).size)


def _lines_on_port(topology: Topology, head: int) -> int:
    """How many lines hang from the PON port above, or from the splitter itself where no port is known."""
    row, top = head, head
    while row >= 0 and topology.passive[row]:
        top = row
        if KINDS[int(topology.network.device_kind[row])] is DeviceKind.PON_PORT:
            break
        row = int(topology.forest.above[row])
    run = topology.forest.at[topology.forest.start[top] : topology.forest.end[top]]
    return int(topology.lines_on[run].sum())
