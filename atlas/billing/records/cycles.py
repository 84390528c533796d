"""Days billed together."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Period:
    """Days billed together: `first` is in it, `end` is not."""

    first: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.first).days
