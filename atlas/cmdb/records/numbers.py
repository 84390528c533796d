"""Numbers that are handed out (addresses, prefixes, VLANs), boxes of ours, and where the network does something else than is billed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from atlas.identity import CustomerId, DeviceId, SubscriberId
from atlas.money import Money


@dataclass(frozen=True)
class Number:
    """One number that a line holds: an address, a delegated prefix (`block`), or a VLAN (`place`, inside `s_tag`)."""

    allotment_id: int
    pool: str
    kind: str
    block: str | None
    place: int
    s_tag: int | None
    state: str
    until: datetime | None


@dataclass(frozen=True)
class PoolOption:
    """A pool from which a line could be served; the first of a kind is the nearest to it."""

    pool_id: int
    pool: str
    kind: str


@dataclass(frozen=True)
class PoolUse:
    """How full a pool is and what the order book says of it: `due_in` lines that will come, `due_out` numbers that come back.

    `returning` numbers leave quarantine in it; `due_out` are those whose quarantine ends in it too. `lost_lately` lines gave a number of it
    back within the same stretch before: its churn.
    """

    pool_id: int
    pool: str
    kind: str
    size: int
    in_use: int
    in_quarantine: int
    due_in: int
    due_out: int
    returning: int
    lost_lately: int
    quarantine: timedelta


@dataclass(frozen=True)
class PoolForecast:
    """`short_by` numbers at the end of the horizon; 0 where there are enough."""

    use: PoolUse
    free: int
    expected_free: int

    @property
    def short_by(self) -> int:
        return max(0, -self.expected_free)


@dataclass(frozen=True)
class PlannedPool:
    """What a new pool is to be. Places are worked out from the network, or given for a VLAN pool."""

    name: str
    kind: str
    serves: str = ""
    mode: str = "radius"
    vrf: str = "internet"
    network: str | None = None
    block_length: int | None = None
    gateway: str | None = None
    device: str | None = None
    area: str | None = None
    s_tag: int | None = None
    first_place: int | None = None
    last_place: int | None = None
    quarantine: timedelta = timedelta(days=7)


@dataclass(frozen=True)
class Asset:
    """One box of ours. `engineer` is whose van it lies in."""

    asset_id: int
    kind: str
    vendor: str
    model: str
    serial: str
    mac: str | None
    firmware: str
    state: str
    subscriber_id: SubscriberId | None
    customer_id: CustomerId | None
    engineer: str | None
    changed_at: datetime


@dataclass(frozen=True)
class AssetEvent:
    """One thing that happened to a box, or at a place to whichever box was there."""

    at: datetime
    serial: str
    state: str
    subscriber_id: SubscriberId | None
    engineer: str | None
    reason: str


@dataclass(frozen=True)
class PlaceEvent:
    """One thing that happened at a place, whoever lived there: `kind` is box, visit, line or address; `line` None: of no line."""

    at: datetime
    kind: str
    what: str
    line: SubscriberId | None


@dataclass(frozen=True)
class Drift:
    """A line of which the network does something else than is billed. `costs_us` a month: positive where we give away what nobody pays."""

    subscriber_id: SubscriberId
    customer_id: CustomerId
    plan: str
    billed_down_kbps: int
    billed_up_kbps: int
    actual_down_kbps: int
    actual_up_kbps: int
    since: datetime
    since_change: str | None
    costs_us: Money | None
    is_accepted: bool


@dataclass(frozen=True)
class Sighting:
    """Where a hardware address was seen, and when first and last; `swapped_at`: a box was exchanged at that line.

    `device`: the access node where it named the port, else the BNG; `subscriber_id`: whose line is there.
    """

    device_id: DeviceId
    managed_object: str
    first_seen_at: datetime
    last_seen_at: datetime
    swapped_at: datetime | None
    device: str = ""
    subscriber_id: SubscriberId | None = None


@dataclass(frozen=True)
class StationSeen:
    """One of several places at which a box is or was seen, by its hardware address; `device` is the name of the BNG or node there."""

    mac: str
    subscriber_id: SubscriberId
    device: str
    device_id: DeviceId
    managed_object: str
    first_seen_at: datetime
    last_seen_at: datetime
    swapped_at: datetime | None

    @property
    def sighting(self) -> Sighting:
        return Sighting(self.device_id, self.managed_object, self.first_seen_at, self.last_seen_at, self.swapped_at)


@dataclass(frozen=True)
class Astray:
    """One hardware address at several places: the line it was at first, and where it is seen."""

    subscriber_id: SubscriberId
    places: tuple[str, ...]


@dataclass(frozen=True)
class Box:
    """A box as it comes into stock, its serial and MAC written as they are kept."""

    kind: str
    vendor: str
    model: str
    serial: str
    mac: str | None = None
    firmware: str = ""


@dataclass(frozen=True)
class Port:
    """Where a line hangs: the splitter, sector or node, what speaks for it, and what that calls the line's own end; its number there."""

    device_id: DeviceId
    reported_by: DeviceId
    managed_object: str
    port: int | None = None
