"""AAA: who signs in at a BNG, and what becomes of it."""

from dataclasses import dataclass
from datetime import datetime

from atlas.identity import DeviceId, SubscriberId


@dataclass(frozen=True)
class Credential:
    """What a line signs in with at a BNG; the secret itself is read by nobody. `scheme`: cleartext, nt or hashed."""

    credential_id: int
    subscriber_id: SubscriberId
    username: str
    scheme: str
    simultaneous_use: int
    created_at: datetime


@dataclass(frozen=True)
class Nas:
    """A BNG that asks us and takes our CoA. `sealed_secret`: what we share with it, under the installation's own secret."""

    device_id: DeviceId
    name: str
    address: str
    coa_port: int
    interim_s: int
    sealed_secret: bytes

    @property
    def seal_purpose(self) -> str:
        """The seal of one BNG opens nothing of another's."""
        return nas_seal(self.device_id)


def nas_seal(device_id: DeviceId) -> str:
    return f"nas:{device_id}"
