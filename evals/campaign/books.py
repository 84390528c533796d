"""What the campaign's own people were told was done; the judge compares it with what is in Atlas and at the provider."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Books:
    """`alarms`: accepted, by device and object, and whether the last one raises it. `messages`: accepted, by the carrier's id."""

    alarms: dict[tuple[str, str], bool] = field(default_factory=dict)
    messages: set[str] = field(default_factory=set)
    approved: set[int] = field(default_factory=set)
    cuts: int = 0
    failed: Counter[str] = field(default_factory=Counter)

    def as_rows(self) -> dict[str, Any]:
        return {
            "alarms_accepted": len(self.alarms),
            "messages_accepted": len(self.messages),
            "requests_approved": len(self.approved),
            "cuts_played": self.cuts,
            "calls_that_failed": dict(self.failed),
        }
