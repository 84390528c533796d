"""A demo ISP's figures and shape, as `evals/worlds/*.yaml` says them."""

from pathlib import Path
from typing import Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

WORLDS: Final = Path(__file__).parents[1] / "worlds"

Place = Literal["splitter", "sector", "docsis_node", "business_switch"]
Change = Literal["none", "international", "renewal", "one_off", "discount_ended"]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Area(Part):
    code: str
    name: str
    latitude: float
    longitude: float


class Ring(Part):
    name: str
    areas: tuple[str, ...]


class Sizes(Part):
    lines_per: dict[Place, int]
    swing: dict[Place, int]
    ports_per_olt: int
    nodes_per_cmts: int
    sectors_per_tower: int
    heads_per_aggregation: int
    aggregations_per_ring: int
    lines_per_metro: int


class Branch(Part):
    area: str
    olts: int
    towers: int
    cmts: int
    business_switches: int


class Zone(Part):
    backhaul: str
    fed_from: str
    root_area: str
    branches: tuple[Branch, ...]
    ports_per_olt: int
    nodes_per_cmts: int
    lines: dict[Place, int]
    vulnerable: int
    emergency_lines: int
    opted_out: int
    quiet_hours: int
    open_tickets: int


class Spot(Part):
    area: str
    means: str


class Make(Part):
    vendor: str
    model: str
    firmware: str


class Sla(Part):
    name: str
    repair_hours: int
    around_the_clock: bool


class Offering(Part):
    code: str
    name: str
    technology: Literal["fibre", "fixed_wireless", "docsis"]
    segment: Literal["residential", "business"]
    price: int
    was: int
    down: int
    up: int
    months: int
    weight: int
    sla: str | None = None
    retired: bool = False


class Permille(Part):
    organisations: int
    vulnerable: int
    emergency_lines: int
    opted_out: int
    quiet_hours: int
    marketing: int
    suspended: int
    overdue: int
    second_line: int
    languages: dict[str, int]
    preferred: dict[str, int]
    bill_changes: dict[Change, int]


class Compensation(Part):
    flat: int
    minimum_outage: str
    monthly_share_per_day: float


class Persona(Part):
    """Somebody whom scenarios and the documentation name. `change_gross` includes tax."""

    key: str
    given: str
    family: str
    phone: str
    channel: str
    language: str
    where: str = Field(alias="in")
    place: Place
    offering: str
    cycle_day: int
    change: Change
    change_gross: int = 0
    vulnerability: str = ""
    emergency_line: bool = False
    opted_out: str = ""
    suspended: bool = False

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}".strip()


class Member(Part):
    key: str
    name: str
    roles: tuple[str, ...]
    language: str = "en"
    area: str = ""
    skills: tuple[str, ...] = ()


class Names(Part):
    given: tuple[str, ...]
    family: tuple[str, ...]


class Firms(Part):
    first: tuple[str, ...]
    second: tuple[str, ...]
    third: tuple[str, ...]


class World(Part):
    name: str
    operator: str
    tax_percent: int
    areas: tuple[Area, ...]
    rings: tuple[Ring, ...]
    aggregation: dict[str, Literal["ring", "tree", "duct"]]
    sizes: Sizes
    share_percent: dict[Place, int]
    zone: Zone
    places: dict[str, Spot]
    devices: dict[str, Make]
    slas: tuple[Sla, ...]
    offerings: tuple[Offering, ...]
    people_permille: Permille
    vulnerabilities: tuple[str, ...]
    compensation: dict[str, Compensation]
    personas: tuple[Persona, ...]
    staff: tuple[Member, ...]
    names: dict[str, Names]
    firms: Firms
    streets: tuple[str, ...]

    def area_id(self, code: str) -> int:
        """Areas are numbered in the file's order, from 1."""
        return next(number for number, area in enumerate(self.areas, start=1) if area.code == code)

    def persona(self, key: str) -> Persona:
        return next(persona for persona in self.personas if persona.key == key)


def world(name: str = "harbour") -> World:
    return World.model_validate(yaml.safe_load((WORLDS / f"{name}.yaml").read_text()))
