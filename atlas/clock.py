"""What time it is: the database's clock, as each process reckons it. A machine whose own clock leaps tells nobody a wrong hour."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

# An answer that was on its way for a while says an hour that is over; more than this behind, and it is the clock that was set back.
MOST_ON_ITS_WAY_S: Final = 5.0


@dataclass
class Clock:
    """Hears the time now and then, and counts on by what no change of the local time moves; before the first word it is the local time."""

    heard_s: float = field(default_factory=time.time)
    at_s: float = field(default_factory=time.monotonic)
    is_set: bool = False

    def now_s(self) -> float:
        """Seconds since 1970."""
        return self.heard_s + time.monotonic() - self.at_s

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_s(), UTC)

    def hear(self, now_s: float) -> None:
        """Never goes back for an answer that was merely late."""
        if self.is_set and 0 <= self.now_s() - now_s <= MOST_ON_ITS_WAY_S:
            return
        self.heard_s, self.at_s, self.is_set = now_s, time.monotonic(), True
