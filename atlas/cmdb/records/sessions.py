"""AAA: who signs in at a BNG, and what becomes of it."""

from dataclasses import dataclass
from datetime import datetime

from atlas.identity import SubscriberId


@dataclass(frozen=True)
class Credential:
    """What a line signs in with at a BNG; the secret itself is read by nobody. `scheme`: cleartext, nt or hashed."""

    credential_id: int
    subscriber_id: SubscriberId
    username: str
    scheme: str
    simultaneous_use: int
    created_at: datetime
