"""Did the plant fail, or the watcher's sight of it?"""

from typing import Final

import numpy as np

from atlas.nms.records import ProbableCause
from cortex.findings import Element
from cortex.leftovers import Leftover
from cortex.signs import CODE, SAYS_LINK, SAYS_LOST, SAYS_SELF, Signs
from cortex.suspicion import Suspicion

# A failure that leaves eight in ten of all devices unreachable would cost sessions and light somewhere; so few devices prove nothing.
SHARE, FEWEST = 0.8, 8
UNREACHABLE: Final = CODE[ProbableCause.UNREACHABLE]


def lost_sight(signs: Signs) -> Leftover | None:
    """Nearly everything unreachable, and not one other sign of loss from sessions, ports, power or customers' lines."""
    told = (SAYS_LOST | SAYS_LINK | SAYS_SELF)[signs.cause]
    watched = signs.can_speak | signs.is_lost
    lost = int(signs.is_lost.sum())
    if lost < FEWEST or lost < SHARE * watched.sum() or (signs.cause[told] != UNREACHABLE).any() or (signs.line[told] >= 0).any():
        return None
    topology = signs.topology
    ids = topology.network.device_id
    unreachable = tuple(ids[signs.is_lost].tolist())
    suspicion = Suspicion(
        elements=(Element("device", topology.common_dominator(unreachable) or unreachable[0]),),
        kind=None,
        alarmed=unreachable,
        quiet=tuple(ids[watched & ~signs.is_lost].tolist()),
        is_all_unreachable=True,
    )
    return Leftover(suspicion, np.flatnonzero(told), topology.cut_of(np.zeros(0, dtype=np.int64)))
