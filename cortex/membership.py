"""Which group each alarm belongs to."""

import numpy as np

from atlas.cmdb.records.plant import Flags
from cortex.dominators import Rows
from cortex.groups import Reading
from cortex.signs import NO_LINE, SAYS_LINK, SAYS_LOST, SAYS_SELF, Signs


def members(reading: Reading) -> Rows:
    """By place of the alarm, the place of its group; -1 where no group explains it."""
    signs, owner = reading.case.signs, reading.owner
    places = np.where((SAYS_LOST | SAYS_LINK | SAYS_SELF)[signs.cause], owner[signs.device], -1)
    of_line = signs.line >= 0
    on = signs.topology.line_device[signs.line[of_line]]
    places[of_line] = np.where((SAYS_LOST | SAYS_LINK)[signs.cause[of_line]], owner[on], -1)
    places[signs.line < NO_LINE] = -1
    _place_complaints(reading, places)
    _place_cards(reading, places)
    return places


def complaints(signs: Signs) -> Flags:
    """Which alarms tell of a port's lost peer; light lost at passive plant is told of what hangs there, not of a peer."""
    told: Flags = SAYS_LINK[signs.cause] & (signs.line == NO_LINE) & ~signs.topology.passive[signs.device]
    return told


def _place_complaints(reading: Reading, places: Rows) -> None:
    """First to the link that failed, then to what is dark at its far end, then to what the teller itself is part of."""
    signs, owner = reading.case.signs, reading.owner
    told = np.flatnonzero(complaints(signs) & (signs.link >= 0))
    ends = signs.topology.link_ends[:, signs.link[told]]
    far = np.where(ends[0] == signs.device[told], ends[1], ends[0])
    of_far = np.where(far >= 0, owner[far], -1)
    of_link = _links_of_groups(reading)[signs.link[told]]
    places[told] = np.where(of_link >= 0, of_link, np.where(of_far >= 0, of_far, places[told]))
    for place in np.flatnonzero(complaints(signs) & (signs.link < 0) & (places < 0)).tolist():
        places[place] = _of_an_unknown_port(reading, int(signs.device[place]))


def _links_of_groups(reading: Reading) -> Rows:
    topology = reading.case.topology
    of_link = np.full(topology.network.link_id.size, -1, dtype=np.int64)
    for place, group in enumerate(reading.groups):
        of_link[topology.link_rows(group.elements)] = place
    return of_link


def _of_an_unknown_port(reading: Reading, device: int) -> int:
    """The group that was recognised by this very complaint; else the only one beside the device."""
    for place, group in enumerate(reading.groups):
        if group.told == (device, -1):
            return place
    to, _ = reading.case.topology.around.around(device)
    beside = {int(place) for place in reading.owner[to] if place >= 0}
    return beside.pop() if len(beside) == 1 else -1


def _place_cards(reading: Reading, places: Rows) -> None:
    """What a living device says of its own card goes with the ports that are dark."""
    signs = reading.case.signs
    for place, group in enumerate(reading.groups):
        if group.is_card:
            parent = reading.case.topology.device_rank.row(group.elements[0].id)
            places[(signs.device == parent) & (signs.line == NO_LINE) & (SAYS_SELF | SAYS_LINK)[signs.cause] & (places < 0)] = place
