"""Where an id stands in a column."""

from typing import Final

import numpy as np

from atlas.cmdb.records.plant import Ids
from cortex.dominators import Rows

NOWHERE: Final = -1


class Rank:
    """Finds the row of an id in a column, for one id or for a column of them; -1 where there is none."""

    __slots__ = ("_by_id", "_sorted")

    def __init__(self, ids: Ids) -> None:
        self._by_id = np.argsort(ids, kind="stable")
        self._sorted = ids[self._by_id]

    def rows(self, ids: Ids) -> Rows:
        if not self._sorted.size:
            return np.full(ids.shape, NOWHERE, dtype=np.int64)
        place = np.minimum(np.searchsorted(self._sorted, ids), self._sorted.size - 1)
        return np.where(self._sorted[place] == ids, self._by_id[place], NOWHERE)

    def row(self, key: int) -> int:
        place = int(self._sorted.searchsorted(key))
        return int(self._by_id[place]) if place < self._sorted.size and self._sorted[place] == key else NOWHERE
