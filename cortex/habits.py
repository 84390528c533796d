"""What is usual in a plant, and so how far its records can be believed where they are unusual."""

from dataclasses import dataclass
from math import log
from typing import Final

import numpy as np

from atlas.cmdb.records.plant import KINDS, Flags, Network
from cortex.dominators import Forest, Rows

# A pair of kinds of which fewer links than this cross areas is meant not to cross.
SELDOM: Final = 0.2
FEWEST_ERRORS, MOST_ERRORS = 0.002, 0.1


@dataclass(frozen=True, eq=False, slots=True)
class Habits:
    """`odd` links cross areas where links of such a pair of kinds hardly ever do: the records most likely to be wrong. `ringed` says by
    kind whether most of its devices have more than one way out. `laid` counts links by pair of kinds."""

    odd: Flags
    ringed: Flags
    laid: Rows
    kind: Rows  # by device row

    @classmethod
    def of(cls, network: Network, link_ends: Rows, forest: Forest) -> "Habits":
        whole = np.array((link_ends >= 0).all(axis=0))
        kinds = np.sort(network.device_kind[link_ends], axis=0).astype(np.int64)
        pair = kinds[0] * len(KINDS) + kinds[1]
        crosses = whole & (network.device_area[link_ends[0]] != network.device_area[link_ends[1]])
        laid = np.bincount(pair[whole], minlength=len(KINDS) ** 2)
        crossing = np.bincount(pair[crosses], minlength=len(KINDS) ** 2)
        single = np.bincount(network.device_kind[forest.above_link >= 0], minlength=len(KINDS))
        ringed = single < 0.5 * np.bincount(network.device_kind, minlength=len(KINDS))
        return cls(crosses & (crossing[pair] < SELDOM * laid[pair]), ringed, laid, network.device_kind.astype(np.int64))

    @property
    def price_of_error(self) -> float:
        """Nats against one record being wrong or missing; odd links show how common that is, and each stands for one that is missing."""
        rate = 2.0 * float(self.odd.mean()) if self.odd.size else 0.0
        return -log(min(max(rate, FEWEST_ERRORS), MOST_ERRORS))

    def is_ringed(self, row: int) -> bool:
        return bool(self.ringed[self.kind[row]])

    def is_usual(self, row: int, other: int) -> bool:
        """Are devices of these two kinds ever linked?"""
        low, high = sorted((int(self.kind[row]), int(self.kind[other])))
        return bool(self.laid[low * len(KINDS) + high])
