"""AAA: who signs in at a BNG, and what becomes of it."""

from dataclasses import dataclass
from datetime import date, datetime

from atlas.identity import CustomerId, DeviceId, SubscriberId


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


@dataclass(frozen=True)
class OpenSession:
    """A session that a BNG of ours holds, as far as it said. `session_id`: letter for letter as it wrote it."""

    accounting_id: int
    subscriber_id: SubscriberId
    nas_device_id: DeviceId
    bng: str
    session_id: str
    username: str
    framed_address: str | None
    calling_station: str
    started_at: datetime
    heard_at: datetime
    up_bytes: int
    down_bytes: int


@dataclass(frozen=True)
class SpeedNotKept:
    """A BNG acknowledged another speed and reports the old one still. Speeds as in Mikrotik-Rate-Limit, from the customer first."""

    errand_id: int
    subscriber_id: SubscriberId
    bng: str
    ordered: str
    reported: str
    heard_at: datetime


@dataclass(frozen=True)
class DayOfUse:
    """What a line used on one day of its customer's calendar, all its sessions together."""

    day: date
    up_bytes: int
    down_bytes: int


@dataclass(frozen=True)
class SessionSeen:
    """One session of a line, over or not, as its BNG told it. No `session`: it came with an import, and no BNG takes an order about it.

    Traffic in whole megabytes, from the customer (up) and to them (down). `bng_said`: what the BNG answered to the last order about it,
    ACK or NAK; empty where it was given none, or has not answered.
    """

    session: int | None
    customer_id: CustomerId
    subscriber_id: SubscriberId
    bng: str
    username: str
    framed_address: str | None
    calling_station: str
    rate: str
    started_at: datetime
    heard_at: datetime | None
    ended_at: datetime | None
    end_cause: str | None
    up_mb: int
    down_mb: int
    last_order: str
    bng_said: str
    why: str
