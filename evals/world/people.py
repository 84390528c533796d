"""Who lives in the demo ISP: one row a line, one row a customer, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evals.world.plan import Offering, Persona, World
from evals.world.plant import Plant

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

TECHNOLOGY: Final = {"splitter": "fibre", "business_switch": "fibre", "sector": "fixed_wireless", "docsis_node": "docsis"}
CHANNELS: Final = ("sms", "whatsapp", "email", "voice")
CHANGES: Final = ("none", "international", "renewal", "one_off", "discount_ended")
# Six digits behind Ofcom's drama range: too long to be a telephone number, and room for a million people.
MOST_CUSTOMERS: Final = 1_000_000


@dataclass(frozen=True, eq=False)
class Lines:
    """One row a subscriber, in the order of the ends they hang from; the zone's first. Ids are the row plus one."""

    end: Numbers  # index into plant.ends
    place_at_end: Numbers  # from 0
    area_id: Numbers
    customer: Numbers  # row of Customers
    offering: Numbers  # index into world.offerings
    is_suspended: Flags
    is_in_zone: Flags


@dataclass(frozen=True, eq=False)
class Customers:
    """One row a customer. `line` is the row of their first line."""

    line: Numbers
    is_organisation: Flags
    given: Sequence[str]
    name: Sequence[str]
    language: Sequence[str]
    vulnerability: Sequence[str]
    has_emergency_line: Flags
    channel: Numbers  # index into CHANNELS
    opted_out: Numbers  # index into CHANNELS, -1: of nothing
    has_quiet_hours: Flags
    wants_marketing: Flags
    phone: Sequence[str]
    is_suspended: Flags
    is_overdue: Flags
    change: Numbers  # index into CHANGES
    change_gross: Numbers  # 0: by chance
    cycle_day: Numbers
    persona: dict[str, int]


def people(plant: Plant, rng: np.random.Generator) -> tuple[Lines, Customers]:
    world = plant.world
    end = np.repeat(np.arange(len(plant.ends)), [each.lines for each in plant.ends])
    first = np.concatenate([[0], np.cumsum([each.lines for each in plant.ends])])[:-1]
    area_id = np.array([each.device.area_id for each in plant.ends])[end]
    in_zone = np.array([each.is_in_zone for each in plant.ends])[end]
    persona_line = {persona.key: line for persona, line in zip(world.personas, _seats(plant, first.tolist()), strict=True)}
    is_named = np.zeros(end.size, dtype=bool)
    is_named[list(persona_line.values())] = True
    is_business = _businesses(plant, end, in_zone | is_named, rng)
    customer, line_of = _customers(is_business, in_zone | is_named, world.people_permille.second_line, rng)
    customers = _described(world, line_of, is_business, in_zone, {key: int(customer[line]) for key, line in persona_line.items()}, rng)
    lines = Lines(
        end=end,
        place_at_end=np.arange(end.size) - first[end],
        area_id=area_id,
        customer=customer,
        offering=_offerings(world, plant, end, is_business, persona_line, rng),
        is_suspended=customers.is_suspended[customer],
        is_in_zone=in_zone,
    )
    return lines, customers


def _seats(plant: Plant, first: list[int]) -> list[int]:
    """The line of each persona: the first that is free on an end of the wanted kind, in the wanted area."""
    taken: dict[int, int] = {}
    return [_seat(plant, persona, first, taken) for persona in plant.world.personas]


def _seat(plant: Plant, persona: Persona, first: list[int], taken: dict[int, int]) -> int:
    for number, end in enumerate(plant.ends):
        here = (
            end.is_in_zone if persona.where == "zone" else not end.is_in_zone and end.device.area_id == plant.world.area_id(persona.where)
        )
        if here and end.place == persona.place and taken.get(number, 0) < end.lines:
            taken[number] = taken.get(number, 0) + 1
            return first[number] + taken[number] - 1
    raise LookupError(f"no {persona.place} in {persona.where} for {persona.key}")


def _businesses(plant: Plant, end: Numbers, is_settled: Flags, rng: np.random.Generator) -> Flags:
    on_switch = np.array([each.place == "business_switch" for each in plant.ends])[end]
    by_chance = rng.random(end.size) * 1000 < plant.world.people_permille.organisations
    return on_switch | (by_chance & ~is_settled)


def _customers(is_business: Flags, is_settled: Flags, second_line: int, rng: np.random.Generator) -> tuple[Numbers, Numbers]:
    """Each line's customer and each customer's first line: one each, but some organisations have the next business line too."""
    business = np.flatnonzero(is_business & ~is_settled)
    joins = np.flatnonzero(rng.random(max(business.size - 1, 0)) * 1000 < second_line) + 1
    owner = np.arange(is_business.size)
    # The line before the joining one may have joined itself; then all three are one customer's.
    for place in joins.tolist():
        owner[business[place]] = owner[business[place - 1]]
    line_of, customer = np.unique(owner, return_inverse=True)
    return customer, line_of


def _offerings(
    world: World, plant: Plant, end: Numbers, is_business: Flags, persona_line: dict[str, int], rng: np.random.Generator
) -> Numbers:
    technology = np.array([TECHNOLOGY[each.place] for each in plant.ends])[end]
    chosen = np.zeros(end.size, dtype=np.int64)
    for wanted in ("fibre", "fixed_wireless", "docsis"):
        for business in (False, True):
            rows = np.flatnonzero((technology == wanted) & (is_business == business))
            chosen[rows] = _chosen(world.offerings, wanted, business, rows.size, rng)
    codes = [offering.code for offering in world.offerings]
    for persona in world.personas:
        chosen[persona_line[persona.key]] = codes.index(persona.offering)
    return chosen


def _chosen(offerings: Sequence[Offering], technology: str, business: bool, how_many: int, rng: np.random.Generator) -> Numbers:
    segment = "business" if business else "residential"
    weights = np.array([each.weight * (each.technology == technology and each.segment == segment) for each in offerings], dtype=float)
    return rng.choice(len(offerings), how_many, p=weights / weights.sum())


def _described(
    world: World, line_of: Numbers, is_business: Flags, zone_line: Flags, persona: dict[str, int], rng: np.random.Generator
) -> Customers:
    rates, count = world.people_permille, line_of.size
    in_zone, organisation = zone_line[line_of], is_business[line_of]
    named = np.zeros(count, dtype=bool)
    named[list(persona.values())] = True
    free = ~in_zone & ~named

    def some(rate: int, quota: int, among: Flags) -> Flags:
        return _some(rng, among & free, rate, among & in_zone & ~named, quota)

    vulnerable = some(rates.vulnerable, world.zone.vulnerable, ~organisation)
    suspended = some(rates.suspended, 0, ~organisation & ~vulnerable)
    language = _by_share(rates.languages, count, rng)
    given, name = _names(world, language, organisation, rng)
    channel = _by_share({str(CHANNELS.index(channel)): share for channel, share in rates.preferred.items()}, count, rng)
    channels = np.array([int(number) for number in channel])
    vulnerability = [world.vulnerabilities[number] for number in rng.integers(0, len(world.vulnerabilities), count).tolist()]
    emergency = some(rates.emergency_lines, world.zone.emergency_lines, ~suspended)
    customers = Customers(
        line=line_of,
        is_organisation=organisation,
        given=given,
        name=name,
        language=language,
        vulnerability=[reason if flag else "" for reason, flag in zip(vulnerability, vulnerable.tolist(), strict=True)],
        has_emergency_line=emergency,
        channel=channels,
        opted_out=np.where(some(rates.opted_out, world.zone.opted_out, ~vulnerable & ~organisation), channels, -1),
        has_quiet_hours=some(rates.quiet_hours, world.zone.quiet_hours, np.ones(count, dtype=bool)),
        wants_marketing=some(rates.marketing, 0, np.ones(count, dtype=bool)),
        phone=[f"+447700900{number:06d}" for number in range(count)],
        is_suspended=suspended,
        is_overdue=some(rates.overdue, 4, ~suspended),
        change=np.array([CHANGES.index(change) for change in _by_share(dict(rates.bill_changes), count, rng)]),
        change_gross=np.zeros(count, dtype=np.int64),
        cycle_day=rng.integers(1, 32, count),
        persona=persona,
    )
    for key, row in persona.items():
        _settle(customers, row, world.persona(key))
    return customers


def _settle(customers: Customers, row: int, persona: Persona) -> None:
    """Makes one row of the columns the persona's."""
    texts: dict[str, Any] = {
        "given": persona.given, "name": persona.name, "language": persona.language, "vulnerability": persona.vulnerability,
        "phone": persona.phone, "has_emergency_line": persona.emergency_line, "channel": CHANNELS.index(persona.channel),
        "opted_out": CHANNELS.index(persona.opted_out) if persona.opted_out else -1, "has_quiet_hours": False, "is_overdue": False,
        "is_suspended": persona.suspended, "change": CHANGES.index(persona.change), "change_gross": persona.change_gross,
        "cycle_day": persona.cycle_day,
    }  # fmt: skip
    for column, value in texts.items():
        getattr(customers, column)[row] = value


def _some(rng: np.random.Generator, crowd: Flags, permille: int, zone: Flags, quota: int) -> Flags:
    """So many thousandths of the crowd, and exactly `quota` of the zone."""
    flags = crowd & (rng.random(crowd.size) * 1000 < permille)
    members = np.flatnonzero(zone)
    flags[rng.permutation(members)[:quota]] = True
    return flags


def _by_share(shares: dict[Any, int], count: int, rng: np.random.Generator) -> list[str]:
    keys = [str(key) for key in shares]
    weights = np.array(list(shares.values()), dtype=float)
    return [keys[number] for number in rng.choice(len(keys), count, p=weights / weights.sum()).tolist()]


def _names(world: World, language: Sequence[str], organisation: Flags, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    first, second, third = (rng.integers(0, 1 << 30, len(language)).tolist() for _ in range(3))
    given, names = [], []
    for spoken, firm, one, two, three in zip(language, organisation.tolist(), first, second, third, strict=True):
        if firm:
            parts = world.firms
            given.append("")
            names.append(
                f"{parts.first[one % len(parts.first)]} {parts.second[two % len(parts.second)]} {parts.third[three % len(parts.third)]}"
            )
        else:
            people = world.names[spoken]
            given.append(people.given[one % len(people.given)])
            names.append(f"{given[-1]} {people.family[two % len(people.family)]}")
    return given, names
