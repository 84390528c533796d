"""Where things are: areas that people would name, and premises with their position (WGS 84, degrees)."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Generic, Protocol, TypeVar

from atlas.identity import AreaId, DeviceId, PremiseId


@dataclass(frozen=True)
class Position:
    latitude: float
    longitude: float


class Standing:
    """Whatever stands somewhere: in degrees of WGS 84, and as a position."""

    latitude: float
    longitude: float

    @property
    def position(self) -> Position:
        return Position(self.latitude, self.longitude)


@dataclass(frozen=True)
class Area(Standing):
    """A zone that people would name; outages are told by area."""

    id: AreaId
    name: str
    premises: int
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Premise(Standing):
    """One address that can have a line. `subscribers` are its live lines."""

    id: PremiseId
    unit: str
    number: str
    street: str
    town: str
    postcode: str
    area: str
    latitude: float
    longitude: float
    customers: int
    subscribers: int


class Addressed(Protocol):
    """Whatever has an address of ours."""

    @property
    def id(self) -> PremiseId: ...
    @property
    def unit(self) -> str: ...
    @property
    def number(self) -> str: ...
    @property
    def street(self) -> str: ...
    @property
    def town(self) -> str: ...
    @property
    def postcode(self) -> str: ...


Place = TypeVar("Place", bound=Addressed)


@dataclass(frozen=True)
class Candidate(Generic[Place]):
    """A premise that an address may mean. `is_exact`: its number, unit and postcode are all as written, and so is no other's."""

    premise: Place
    confidence: float
    is_exact: bool


@dataclass(frozen=True)
class WrittenAddress:
    """An address as somebody wrote it, taken apart: words in lower case, postcode in its written form.

    `until`: the other end of a range of numbers; `others`: further numbers. A box at a post office is no place at all.
    """

    unit: str
    number: str
    postcode: str
    words: tuple[str, ...]
    until: str = ""
    others: tuple[str, ...] = ()
    is_po_box: bool = False


@dataclass(frozen=True)
class KnownAddress:
    """A premise by its address alone: who lives there is nobody's business who asks."""

    id: PremiseId
    unit: str
    number: str
    street: str
    town: str
    postcode: str
    area: str
    building: str
    is_provisional: bool


@dataclass(frozen=True)
class Site(Standing):
    """Where a premise stands, and what must be asked before anything is laid in its building."""

    premise_id: PremiseId
    unit: str
    number: str
    street: str
    town: str
    postcode: str
    area_id: AreaId
    area: str
    latitude: float
    longitude: float
    kind: str
    is_provisional: bool
    building: str
    consent: str

    @property
    def address(self) -> str:
        return f"{self.unit + ', ' if self.unit else ''}{self.number} {self.street}, {self.town} {self.postcode}"


@dataclass(frozen=True)
class PlantPoint(Standing):
    """A device that lines hang from, as it is now: what it is, what is left of it, and what it has been like lately.

    `lines` are live ones, `reserved` unexpired reservations, `reserved_here` those of the premise asked about. `drop_m`: the drop laid from
    here to that premise, None where none is. `installs_failed`: of the last three installations here within ninety days.
    """

    device_id: DeviceId
    name: str
    kind: str
    technology: str
    area: str
    ports: int
    lines: int
    reserved: int
    reserved_here: int
    latitude: float
    longitude: float
    down_kbps: int
    up_kbps: int
    reach_m: int
    azimuth_deg: int | None
    beamwidth_deg: int | None
    split: int | None
    budget_db: float
    ready_on: date | None
    operational_state: str
    drop_m: int | None
    feeder_m: int | None
    is_fed: bool
    incidents: int
    median_power_dbm: float | None
    installs_failed: int
    installs_failed_on_light: int

    @property
    def free_ports(self) -> int:
        """Free to the premise asked about: what is reserved for it counts as free to it."""
        return max(0, self.ports - self.lines - self.reserved + self.reserved_here)


@dataclass(frozen=True)
class DrawnCoverage:
    """A polygon of coverage as the operator drew it (GeoJSON, WGS 84, longitude first), by its name."""

    name: str
    technology: str
    down_kbps: int
    up_kbps: int
    ready_on: date | None
    geometry: dict[str, Any]


@dataclass(frozen=True)
class Drawn(DrawnCoverage):
    """The same polygon as we keep it, by its number."""

    id: int


@dataclass(frozen=True)
class ServingOption:
    """One technology at one premise: the device it would hang from, and why not, where it cannot; `reasons` empty means it can.

    `drop_m` is laid or, where not `has_drop`, the straight line. `loss_db` is None where no light is shared.
    """

    technology: str
    device_id: DeviceId
    device: str
    down_kbps: int
    up_kbps: int
    free_ports: int
    has_drop: bool
    drop_m: int
    loss_db: float | None
    budget_db: float | None
    expected_dbm: float | None
    earliest_on: date
    confidence: float
    reasons: tuple[str, ...]
    doubts: tuple[str, ...]

    @property
    def is_possible(self) -> bool:
        return not self.reasons


@dataclass(frozen=True)
class Planned:
    """Where a technology comes next, and when; `away_km`: how far from the place that was asked about, 0 where that lies in it."""

    name: str
    technology: str
    ready_on: date
    away_km: int


@dataclass(frozen=True)
class Qualification:
    """Whether a premise can be served, today, from plant. `answer`: yes, survey (somebody must look first) or no.

    `options` are possible ones, the fastest first; `refused` say why the other technologies are not. `preconditions` hold an order.
    `planned`: where a technology that cannot be had here comes next, soonest first.
    """

    premise_id: PremiseId
    address: str
    area_id: AreaId
    answer: str
    options: tuple[ServingOption, ...]
    refused: tuple[ServingOption, ...]
    reasons: tuple[str, ...]
    preconditions: tuple[str, ...]
    alternatives: tuple[str, ...]
    planned: tuple[Planned, ...]
    confidence: float

    @property
    def is_serviceable(self) -> bool:
        return self.answer != "no"

    @property
    def technologies(self) -> tuple[str, ...]:
        return tuple(option.technology for option in self.options)

    @property
    def best(self) -> ServingOption | None:
        return self.options[0] if self.options else None

    @property
    def earliest_on(self) -> date | None:
        return min((option.earliest_on for option in self.options), default=None)


@dataclass(frozen=True)
class Building:
    """A building of several units, and whether its landlord lets us lay anything in it."""

    id: int
    name: str
    area: str
    consent: str


@dataclass(frozen=True)
class Reservation:
    """A port held for `key` until it expires, by the database's clock."""

    id: int
    device_id: DeviceId
    device: str
    port: int
    premise_id: PremiseId
    key: str
    expires_at: datetime


@dataclass(frozen=True)
class PortsLeft:
    """A device that lines hang from, its row held: what it has and what is taken."""

    device: str
    ports: int
    lines: int
    reserved: int


@dataclass(frozen=True)
class Hop:
    """One device on the way from a premise to the OLT, tower or CMTS; `length_m` of what leads there, None: not known."""

    device_id: DeviceId
    device: str
    kind: str
    port: str
    length_m: int | None


@dataclass(frozen=True)
class HangsThere:
    """A premise behind a device, by the device it hangs from; `subscribers` are its live lines, none where only a drop is laid."""

    premise_id: PremiseId
    unit: str
    number: str
    street: str
    town: str
    postcode: str
    device: str
    subscribers: int


@dataclass(frozen=True)
class PlacedPremise(Standing):
    """A premise as it stands in a register: by names instead of our numbers. `external_id`: the national register's key."""

    number: str
    unit: str
    street: str
    town: str
    postcode: str
    area: str
    building: str
    kind: str
    external_id: str
    is_provisional: bool
    latitude: float
    longitude: float

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it one premise, however it is spaced and capitalised."""
        return tuple(" ".join(part.casefold().split()) for part in (self.postcode, self.street, self.number, self.unit))


@dataclass(frozen=True)
class KnownPremise(PlacedPremise):
    """A premise of ours beside a register's: `customers` live there; `is_corrected`: somebody found it elsewhere than was written."""

    id: PremiseId
    customers: int
    is_corrected: bool

    @property
    def placed(self) -> PlacedPremise:
        return PlacedPremise(**{field.name: getattr(self, field.name) for field in fields(PlacedPremise)})


@dataclass(frozen=True)
class PlacedPlant:
    """A device that lines hang from, as a map shows it."""

    name: str
    kind: str
    technology: str
    area: str
    ports: int
    down_kbps: int
    up_kbps: int
    reach_m: int
    azimuth_deg: int | None
    beamwidth_deg: int | None
    split: int | None
    budget_db: float
    ready_on: date | None
    latitude: float
    longitude: float


@dataclass(frozen=True)
class LineArea:
    """The area in which one of the customer's lines is."""

    premise_id: PremiseId
    area: str
    street: str
    town: str
