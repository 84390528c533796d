"""When a part went dark, as near as the alarms can tell: the first of many symptoms comes soon after the cause."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cortex.dominators import Rows
from cortex.signs import SAYS_LOST, Signs

# The first of n symptoms spread over a time comes a n-th of it after the start, and hardly ever more than four times that.
SELDOM_LATER: Final = 4.0
NEVER_LATER: Final = 3.0
# Symptoms spread as far before their middle as after it; what came so many times further before is of another day.
STALE: Final = 6.0
LEAST_SPREAD_S: Final = 1.0
# Symptoms of one failure that seem to come over more than this are told by clocks that are minutes apart.
CLOCKS_AGREE_S: Final = 180.0


@dataclass(frozen=True, slots=True)
class Onset:
    """`first_s` is the first symptom; the cause came before it, by hardly ever more than `slack_s`.

    `blur_s` is how far the tellers' clocks are apart, where that shows.
    """

    first_s: float
    slack_s: float
    blur_s: float = 0.0

    def is_that_of(self, other: "Onset") -> bool:
        return abs(self.first_s - other.first_s) <= max(self.slack_s, other.slack_s)

    def is_not_that_of(self, other: "Onset") -> bool:
        """Surely another moment; in between nothing can be said."""
        slack = NEVER_LATER * max(self.slack_s, other.slack_s)
        return abs(self.first_s - other.first_s) > max(slack, self.blur_s, other.blur_s)


def onset(signs: Signs, dark: Rows) -> Onset:
    """Of what is dark; with no symptom at all, any time. What stood long before the rest is left out: it has a cause of its own."""
    is_dark = np.zeros(signs.lost.size, dtype=bool)
    is_dark[dark] = True
    told = np.sort(signs.raised[is_dark[signs.device] & SAYS_LOST[signs.cause]])
    if not told.size:
        return Onset(0.0, float("inf"))
    middle = float(np.median(told))
    after = max(float(told[int(0.9 * (told.size - 1))]) - middle, LEAST_SPREAD_S)
    first = float(told[told >= middle - STALE * after][0])
    spread = float(told[-1]) - first
    return Onset(first, SELDOM_LATER * 2 * (middle - first) / told.size, spread if spread > CLOCKS_AGREE_S else 0.0)
