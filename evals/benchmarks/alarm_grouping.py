"""`alarms`: real alarms whose types and devices have only numbers: how far they are compressed, and do related ones stay together?

Nothing is known of what a type means, so each standing alarm says only that its device is in trouble. Two alarms that stand at once
are related where the experts' list has one type causing the other, and their devices are the same or linked. The published data lies
beside the repository; where it is missing there is nothing to measure.
"""

import asyncio
import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np

from atlas.cmdb.records.plant import KINDS, DeviceKind, Lines, Network
from atlas.identity import AlarmId, DeviceId
from atlas.nms.records import OpenAlarm, ProbableCause, Severity
from cortex.correlate import correlate
from cortex.topology import Topology
from evals.bench import Conditions, Row

PUBLISHED: Final = Path(__file__).parents[3] / "shared" / "data" / "alarms"
NETWORKS: Final = ("csl2023-sample-59types-45devices", "wireless-18types-55devices")
WINDOWS: Final = 300
EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Recorded:
    """One alarm of the published files; times in seconds."""

    kind: int
    device: int
    start: int
    end: int


@dataclass(frozen=True)
class Recording:
    alarms: tuple[Recorded, ...]
    causes: frozenset[tuple[int, int]]
    links: frozenset[tuple[int, int]]


@dataclass(frozen=True)
class Grouped:
    """Of one moment: alarms that stand, findings (an alarm in none is one by itself), and pairs by what they are and what became of
    them."""

    alarms: int
    findings: int
    related: int
    related_together: int
    unrelated: int
    unrelated_together: int


async def run(_conditions: Conditions) -> Sequence[Row]:
    found = [name for name in NETWORKS if (PUBLISHED / name).is_dir()]
    return [row for name in found for row in await asyncio.to_thread(measured, name)]


def measured(name: str) -> list[Row]:
    recording = read(PUBLISHED / name)
    moments = [grouped for grouped in at_moments(recording) if grouped.alarms > 1]
    compression = [grouped.alarms / grouped.findings for grouped in moments]
    related, unrelated = sum(one.related for one in moments), sum(one.unrelated for one in moments)
    together = 100 * sum(one.related_together for one in moments) / max(related, 1)
    joined = 100 * sum(one.unrelated_together for one in moments) / max(unrelated, 1)
    return [
        Row("alarms", f"{name}: alarms in one finding", "alarms", float(np.median(compression)), None, None, "", "reported"),
        Row("alarms", f"{name}: related pairs kept together", "%", together, None, None, "", "reported"),
        Row("alarms", f"{name}: unrelated pairs joined", "%", joined, None, None, "", "reported"),
    ]


def read(folder: Path) -> Recording:
    alarms = tuple(Recorded(*map(int, row)) for row in _rows(folder / "alarms.csv"))
    causes = frozenset((int(cause), int(effect)) for cause, effect in _rows(folder / "true_causes.csv"))
    links = frozenset((int(a), int(b)) for a, b in _rows(folder / "links.csv")) if (folder / "links.csv").exists() else frozenset()
    return Recording(alarms, causes, links)


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(newline="") as file:
        lines = csv.reader(file)
        next(lines)
        yield from lines


def plant_of(recording: Recording) -> Topology:
    """The links as published; where none are, each device by itself below the best connected, which is taken for the gateway."""
    devices = sorted({alarm.device for alarm in recording.alarms} | {end for link in recording.links for end in link})
    degree: dict[int, int] = defaultdict(int)
    for link in recording.links:
        for end in link:
            degree[end] += 1
    head = max(devices, key=lambda device: (degree[device], -device))
    links = sorted(recording.links) or [(head, device) for device in devices if device != head]
    ids = np.array(devices, dtype=np.int64) + 1
    ends = np.array(links, dtype=np.int64) + 1
    nothing = np.zeros(ids.size, dtype=np.int64)
    gateway, other = KINDS.index(DeviceKind.GATEWAY), KINDS.index(DeviceKind.AGGREGATION)
    kinds = np.where(ids == head + 1, gateway, other).astype(np.uint8)
    monitored = np.ones(ids.size, dtype=bool)
    numbers, own = np.arange(1, len(links) + 1), np.zeros(len(links), dtype=np.int64)
    network = Network(1, ids, kinds, nothing + 1, nothing, kinds == gateway, monitored, numbers, ends[:, 0], ends[:, 1], own)
    none, no = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    return Topology.build(network, Lines(none, none, none, none, none, no, no))


def at_moments(recording: Recording) -> Iterator[Grouped]:
    """At evenly spaced moments of the recording."""
    topology = plant_of(recording)
    first, last = min(alarm.start for alarm in recording.alarms), max(alarm.end for alarm in recording.alarms)
    for moment in np.linspace(first, last, WINDOWS + 2)[1:-1].tolist():
        yield grouped_at(recording, topology, [alarm for alarm in recording.alarms if alarm.start <= moment < alarm.end], moment)


def grouped_at(recording: Recording, topology: Topology, standing: list[Recorded], moment: float) -> Grouped:
    told = [_open(AlarmId(number), alarm) for number, alarm in enumerate(standing)]
    findings = correlate(topology, told, now=EPOCH + timedelta(seconds=moment))
    finding_of = {alarm: place for place, finding in enumerate(findings) for alarm in finding.alarms}
    pairs = [(_related(recording, standing[a], standing[b]), _together(finding_of, a, b)) for a, b in combinations(range(len(standing)), 2)]
    related, joined = [t for r, t in pairs if r], [t for r, t in pairs if not r]
    alone = len(standing) - len(finding_of)
    return Grouped(len(standing), len(findings) + alone, len(related), sum(related), len(joined), sum(joined))


def _open(number: AlarmId, alarm: Recorded) -> OpenAlarm:
    raised = EPOCH + timedelta(seconds=alarm.start)
    lost = ProbableCause.SESSIONS_LOST
    return OpenAlarm(number, DeviceId(alarm.device + 1), None, None, lost, Severity.MAJOR, raised, 1, f"type {alarm.kind}")


def _related(recording: Recording, one: Recorded, other: Recorded) -> bool:
    causal = (one.kind, other.kind) in recording.causes or (other.kind, one.kind) in recording.causes
    linked = (one.device, other.device) in recording.links or (other.device, one.device) in recording.links
    return causal and (one.device == other.device or linked)


def _together(finding_of: dict[AlarmId, int], one: int, other: int) -> bool:
    return finding_of.get(AlarmId(one), -1) == finding_of.get(AlarmId(other), -2)
