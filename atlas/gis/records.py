"""Where things are: areas that people would name, and premises with their position (WGS 84, degrees)."""

from dataclasses import dataclass

from atlas.identity import AreaId, PremiseId


@dataclass(frozen=True)
class Position:
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Area:
    """A zone that people would name; outages are told by area."""

    id: AreaId
    name: str
    premises: int
    latitude: float
    longitude: float

    @property
    def position(self) -> Position:
        return Position(self.latitude, self.longitude)


@dataclass(frozen=True)
class Premise:
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

    @property
    def position(self) -> Position:
        return Position(self.latitude, self.longitude)


@dataclass(frozen=True)
class Candidate:
    """A premise that an address may mean. `is_exact`: its number, unit and postcode are all as written, and so is no other's."""

    premise: Premise
    confidence: float
    is_exact: bool


@dataclass(frozen=True)
class WrittenAddress:
    """An address as somebody wrote it, taken apart: words in lower case, postcode in its written form."""

    unit: str
    number: str
    postcode: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class LineArea:
    """The area in which one of the customer's lines is."""

    premise_id: PremiseId
    area: str
    street: str
    town: str
