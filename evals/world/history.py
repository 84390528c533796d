"""What happened before today: orders, conversations with care, tickets, and incidents that are closed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from atlas.itsm.rules import OFFICE_HOURS, due_at
from evals.world.copying import Column
from evals.world.people import Customers, Lines
from evals.world.plant import Device, Plant
from evals.world.tables import Table

COMPLAINTS: Final = (
    "Connection slow in the evening", "Router loses its wireless", "Question about the last bill", "Wants a visit to move the socket",
    "Television stutters", "Asked for a static address", "Upload slower than sold", "Cannot sign in to the account page",
)  # fmt: skip


@dataclass(frozen=True)
class Past:
    """One incident that is over. Days before now, and how many minutes it lasted."""

    root: Device
    cause: str
    days_ago: int
    minutes: int
    problem: str


def history_tables(
    plant: Plant, lines: Lines, customers: Customers, action_id: int, now: datetime, rng: np.random.Generator
) -> Iterator[Table]:
    yield from _orders(lines, action_id, now, rng)
    yield "crm.interaction", _interactions(customers, action_id, now, rng)
    past = _past(plant)
    yield from _incidents(plant, lines, past, action_id, now)
    yield "itsm.ticket", _tickets(plant, lines, past, action_id, now, rng)


def _orders(lines: Lines, action_id: int, now: datetime, rng: np.random.Generator) -> Iterator[Table]:
    """One line in a hundred ordered something lately; one order in ten of those is still under way."""
    rows = np.flatnonzero((rng.random(lines.end.size) < 0.01) & ~lines.is_suspended)
    open_too = [number % 10 == 0 for number in range(rows.size)]
    # What is under way is wanted in a few days from now: it was ordered lately.
    ago = [days % 7 + 3 if is_open else days for days, is_open in zip(rng.integers(3, 60, rows.size).tolist(), open_too, strict=True)]
    kinds = ["modify" if is_open else "add" for is_open in open_too]
    ordered = [now - timedelta(days=days) for days in ago]
    ids = range(1, rows.size + 1)
    yield (
        "oms.product_order",
        {
            "id": ids,
            "customer_id": lines.customer[rows] + 1,
            "subscriber_id": rows + 1,
            "kind": kinds,
            "state": ["inProgress" if is_open else "completed" for is_open in open_too],
            "offering_version_id": lines.offering[rows] * 2 + 2,
            "wanted_on": [(at + timedelta(days=10)).date() for at in ordered],
            "ordered_at": ordered,
            "state_changed_at": [at + timedelta(days=1) for at in ordered],
            "action_id": [action_id] * rows.size,
        },
    )
    events = [(number, at, "acknowledged", "ordered by the customer") for number, at in zip(ids, ordered, strict=True)] + [
        (number, at + timedelta(days=1), "inProgress" if is_open else "completed", "line prepared" if is_open else "line works")
        for number, at, is_open in zip(ids, ordered, open_too, strict=True)
    ]
    yield (
        "oms.order_event",
        {
            "order_id": [event[0] for event in events],
            "at": [event[1] for event in events],
            "state": [event[2] for event in events],
            "reason": [event[3] for event in events],
            "action_id": [action_id] * len(events),
        },
    )


def _interactions(customers: Customers, action_id: int, now: datetime, rng: np.random.Generator) -> dict[str, Column]:
    rows = np.flatnonzero(rng.random(customers.line.size) < 0.05)
    summaries = rng.integers(0, len(COMPLAINTS), rows.size).tolist()
    return {
        "customer_id": rows + 1,
        "at": [now - timedelta(days=days) for days in rng.integers(2, 120, rows.size).tolist()],
        "kind": ["call"] * rows.size,
        "channel": ["voice"] * rows.size,
        "summary": [f"{COMPLAINTS[number]}; answered" for number in summaries],
        "action_id": [action_id] * rows.size,
    }


def _past(plant: Plant) -> list[Past]:
    def first(kind: str, code: str) -> Device:
        area_id = plant.world.area_id(code)
        later = [device for device in plant.devices if device.id >= plant.zone_until and device.kind == kind]
        return next((device for device in later if device.area_id == area_id), later[0])

    return [
        Past(first("olt", "STM"), "power", 71, 184, "powerProblem"),
        Past(first("splitter", "ADX"), "distribution", 38, 312, "lossOfSignal"),
        Past(first("tower", "KFY"), "device", 19, 96, "equipmentMalfunction"),
        Past(first("docsis_node", "NGT"), "device", 6, 141, "equipmentMalfunction"),
    ]


def _behind(plant: Plant, root: Device) -> tuple[list[int], list[int]]:
    """Devices of the root's own tree and the ends among them, found by the order of laying: what hangs below was laid next."""
    feeds: dict[int, list[int]] = {}
    for link in plant.links:
        feeds.setdefault(link.from_device_id, []).append(link.to_device_id)
    found, todo = [], [root.id]
    while todo:
        found.append(todo.pop())
        todo.extend(feeds.get(found[-1], []))
    inside = set(found)
    return sorted(found), [number for number, end in enumerate(plant.ends) if end.device.id in inside]


def _incidents(plant: Plant, lines: Lines, past: list[Past], action_id: int, now: datetime) -> Iterator[Table]:
    ids = range(1, len(past) + 1)
    began = [now - timedelta(days=each.days_ago) for each in past]
    ended = [at + timedelta(minutes=each.minutes) for at, each in zip(began, past, strict=True)]
    yield (
        "itsm.incident",
        {
            "id": ids,
            "state": ["closed"] * len(past),
            "cause": [each.cause for each in past],
            "is_outage": [True] * len(past),
            "root_device_id": [each.root.id for each in past],
            "confidence": [0.93] * len(past),
            "hypotheses": ["[]"] * len(past),
            "first_alarm_at": began,
            "opened_at": began,
            "resolved_at": ended,
            "closed_at": [at + timedelta(minutes=15) for at in ended],
            "correlation_id": [str(uuid5(NAMESPACE_URL, f"bedrock:past:{number}")) for number in ids],
            "action_id": [action_id] * len(past),
        },
    )
    members = [(number, each, *_behind(plant, each.root), at, end) for number, each, at, end in zip(ids, past, began, ended, strict=True)]
    devices = [(number, device, at, end) for number, _, inside, _, at, end in members for device in inside]
    rows = [(number, row, at, end) for number, _, _, ends, at, end in members for row in np.flatnonzero(np.isin(lines.end, ends)).tolist()]
    yield "itsm.incident_device", _membership("device_id", devices, action_id)
    yield "itsm.incident_subscriber", _membership("subscriber_id", [(number, row + 1, at, end) for number, row, at, end in rows], action_id)
    yield from _alarms(past, began, ended, action_id)
    events = [
        (number, at, kind) for number, at, end in zip(ids, began, ended, strict=True) for kind, at in (("opened", at), ("resolved", end))
    ]
    yield (
        "itsm.incident_event",
        {
            "incident_id": [event[0] for event in events],
            "at": [event[1] for event in events],
            "kind": [event[2] for event in events],
            "action_id": [action_id] * len(events),
        },
    )


def _membership(column: str, rows: list[tuple[int, int, datetime, datetime]], action_id: int) -> dict[str, Column]:
    return {
        "incident_id": [row[0] for row in rows],
        column: [row[1] for row in rows],
        "lost_at": [row[2] for row in rows],
        "restored_at": [row[3] for row in rows],
        "action_id": [action_id] * len(rows),
    }


def _alarms(past: list[Past], began: list[datetime], ended: list[datetime], action_id: int) -> Iterator[Table]:
    ids = range(1, len(past) + 1)
    yield (
        "nms.alarm",
        {
            "id": ids,
            "device_id": [each.root.id for each in past],
            "probable_cause": [each.problem for each in past],
            "alarm_type": ["equipmentAlarm" if each.cause != "distribution" else "communicationsAlarm" for each in past],
            "severity": ["critical"] * len(past),
            "text": [f"{each.root.name} {each.problem}" for each in past],
            "door": ["snmp"] * len(past),
            "raised_at": began,
            "cleared_at": ended,
            "first_received_at": began,
            "last_received_at": ended,
            "times": [2] * len(past),
        },
    )
    yield (
        "itsm.incident_alarm",
        {
            "incident_id": ids,
            "alarm_id": ids,
            "joined_at": began,
            "left_at": ended,
            "action_id": [action_id] * len(past),
        },
    )


def _due(plant: Plant, lines: Lines, each: Past, began: datetime) -> datetime | None:
    """When the first promise of repair to a line behind it ran out; None where none was made."""
    _, ends = _behind(plant, each.root)
    slas = {sla.name: sla for sla in plant.world.slas}
    sold = {plant.world.offerings[number].sla for number in np.unique(lines.offering[np.isin(lines.end, ends)]).tolist()}
    promised = [slas[name] for name in sold if name]
    return min(
        (due_at(began, timedelta(hours=one.repair_hours), None if one.around_the_clock else OFFICE_HOURS) for one in promised), default=None
    )


def _tickets(plant: Plant, lines: Lines, past: list[Past], action_id: int, now: datetime, rng: np.random.Generator) -> dict[str, Column]:
    """The closed ticket of each past incident; then customers' own: one line in four hundred, and the zone's, still open."""
    zone = rng.permutation(np.flatnonzero(lines.is_in_zone))[: plant.world.zone.open_tickets]
    others = np.flatnonzero((rng.random(lines.end.size) < 0.0025) & ~lines.is_in_zone)
    of_customers = [*zone.tolist(), *others.tolist()]
    is_open = [True] * zone.size + [number % 4 == 0 for number in range(others.size)]
    closed, days = len(past), rng.integers(1, 30, len(of_customers)).tolist()
    opened = [now - timedelta(days=each.days_ago) for each in past] + [now - timedelta(days=ago) for ago in days]
    ended = [at + timedelta(minutes=each.minutes) for at, each in zip(opened, past, strict=False)] + [
        None if still else at + timedelta(hours=20) for at, still in zip(opened[closed:], is_open, strict=True)
    ]
    titles = [COMPLAINTS[number] for number in rng.integers(0, len(COMPLAINTS), len(of_customers)).tolist()]
    return {
        "id": range(1, closed + len(of_customers) + 1),
        "kind": ["incident"] * closed + ["request"] * len(of_customers),
        "state": ["closed"] * closed + ["inProgress" if still else "closed" for still in is_open],
        "incident_id": [*range(1, closed + 1), *[None] * len(of_customers)],
        "customer_id": [*[None] * closed, *(int(lines.customer[row]) + 1 for row in of_customers)],
        "impact": [2] * closed + [4] * len(of_customers),
        "urgency": [2] * closed + [3] * len(of_customers),
        "title": [f"{each.root.name}: {each.cause}" for each in past] + titles,
        "opened_at": opened,
        "due_at": [_due(plant, lines, each, at) for each, at in zip(past, opened, strict=False)] + [None] * len(of_customers),
        "resolved_at": ended,
        "closed_at": ended,
        "action_id": [action_id] * (closed + len(of_customers)),
    }
