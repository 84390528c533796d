"""When charging may begin, change and end."""

from datetime import datetime, timedelta

from atlas.errors import AtlasError, InvalidField
from atlas.identity import SubscriberId


class ChargedAlready(AtlasError):
    """The line has another running charge for its plan: a change is what is meant, or nothing."""

    def __init__(self, subscriber_id: SubscriberId) -> None:
        super().__init__(f"line {subscriber_id} is charged already: change its charge, or stop it first")
        self.subscriber_id = subscriber_id


class NotCharged(AtlasError):
    """Nothing is charged to this line that could be changed or stopped."""

    def __init__(self, subscriber_id: SubscriberId) -> None:
        super().__init__(f"nothing is charged to line {subscriber_id}")
        self.subscriber_id = subscriber_id


# A clock of the network's may run a little ahead of the database's.
AHEAD = timedelta(minutes=5)


def checked_evidence(evidence: str, at: datetime, now: datetime) -> str:
    """What shows that a service worked. Raises InvalidField where there is none, or it lies in the future."""
    if not evidence.strip():
        raise InvalidField("evidence", "a charge starts from something that was seen, as accounting_start:8f3a")
    if at > now + AHEAD:
        raise InvalidField("at", f"{at:%Y-%m-%d %H:%M} has not come yet")
    return evidence.strip()
