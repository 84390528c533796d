"""The storms: thousands of alarms with many roots at once, what is true of them, and how well a correlation did.

Gear says what real gear would: a lost device cannot speak, others miss it (pollers, the BNG); its healthy neighbours see their
ports go down; a device that dies sends a last word; a cut fibre sends none.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

import numpy as np

from atlas.cmdb.records.plant import Lines, Network
from atlas.identity import AlarmId, DeviceId, LinkId
from atlas.nms.records import OpenAlarm, ProbableCause, Severity
from cortex.findings import Element, Finding
from cortex.topology import Topology
from evals.benchmarks.storm_plant import ACCESS, ROUTERS, Plant, misremembered, storm_plant

ALARMS: Final = 10_000
NOISE: Final = 0.05
STARTS: Final = datetime(2026, 3, 3, 3, 14, tzinfo=UTC)
ONSET_S, SPREAD_S, CAUSE_LATE_S = 10.0, 20.0, 15.0

NOISE_CAUSES: Final = (
    ProbableCause.TEMPERATURE,
    ProbableCause.CPU_LIMIT,
    ProbableCause.STORAGE_LIMIT,
    ProbableCause.THRESHOLD_CROSSED,
    ProbableCause.SECURITY,
    ProbableCause.CONFIGURATION,
)
LAST_WORDS: Final = (ProbableCause.DYING_GASP, ProbableCause.EQUIPMENT_MALFUNCTION, ProbableCause.SOFTWARE_ERROR)


@dataclass(frozen=True)
class Truth:
    """`roots` by group: the elements that failed together. `groups` is each alarm's group; single failures follow the roots, and
    noise is a group of its own each. `names` is what the records can call each root: a link they miss is named by the device it feeds;
    of a ring cut twice, the cut they have is name enough."""

    roots: tuple[frozenset[Element], ...]
    names: tuple[frozenset[Element], ...]
    groups: dict[AlarmId, int]


@dataclass(frozen=True)
class Storm:
    """`network` is what the records say, which in a hard storm is not how the plant is."""

    network: Network
    lines: Lines
    alarms: tuple[OpenAlarm, ...]
    truth: Truth
    now: datetime


@dataclass(frozen=True)
class Said:
    """One alarm before it has an id; `late` says that the sender was slow to notice."""

    group: int
    device: int
    link: int
    cause: ProbableCause
    managed_object: str
    raised_at: datetime


@dataclass
class Weather:
    """A storm being made."""

    plant: Plant
    network: Network
    known: Network
    topology: Topology
    chance: Random
    hard: bool
    dark: dict[int, int] = field(default_factory=dict)  # device id → group
    silent: set[int] = field(default_factory=set)
    onsets: dict[int, datetime] = field(default_factory=dict)

    def kind_of(self, device: int) -> object:
        return self.plant.kinds[device - 1]

    def at(self, group: int, late_s: float = 0.0) -> datetime:
        onset = self.onsets.setdefault(group, STARTS + timedelta(seconds=self.chance.uniform(0, ONSET_S)))
        return onset + timedelta(seconds=late_s + self.chance.uniform(0, SPREAD_S))


def storm(seed: int, hard: bool) -> Storm:
    """10,000 alarms on 5,000 devices: 20 roots, 5 % noise. The same seed gives the same storm."""
    chance = Random(seed)  # noqa: S311 - a storm to be repeated, not a secret
    plant = storm_plant(chance)
    network = plant.network()
    known = misremembered(network, chance, wrong=0.05, missing=0.05) if hard else network
    weather = Weather(plant, network, known, Topology.build(network, plant.lines()), chance, hard)
    roots = _strike(weather)
    if hard:
        weather.silent.update(device for device in weather.dark if chance.random() < 0.2)
    essential, spare = _said_of_roots(weather, roots)
    noise = _noise(weather, len(roots), round(ALARMS * NOISE))
    wanted = ALARMS - len(essential) - len(noise)
    said = essential + chance.sample(spare, min(wanted, len(spare))) + noise
    chance.shuffle(said)
    return _storm(weather, roots, said)


def _storm(weather: Weather, roots: list[frozenset[Element]], said: list[Said]) -> Storm:
    """Alarms take their ids in order of arrival, which is not the order of cause and effect."""
    alarms = tuple(_alarm(AlarmId(number), one, weather.known) for number, one in enumerate(said, 1))
    groups = {alarm.alarm_id: one.group for alarm, one in zip(alarms, said, strict=True)}
    names = tuple(_name(weather, root) for root in roots)
    now = max(alarm.raised_at for alarm in alarms) + timedelta(seconds=1)
    return Storm(weather.known, weather.plant.lines(), alarms, Truth(tuple(roots), names, groups), now)


def _alarm(number: AlarmId, said: Said, known: Network) -> OpenAlarm:
    """A port is matched to a link only where the records have that link at that device."""
    place = int(np.searchsorted(known.link_id, said.link)) if said.link else known.link_id.size
    matched = (
        place < known.link_id.size and known.link_id[place] == said.link and said.device in (known.link_from[place], known.link_to[place])
    )
    return OpenAlarm(
        alarm_id=number,
        device_id=DeviceId(said.device),
        link_id=LinkId(said.link) if matched else None,
        subscriber_id=None,
        probable_cause=said.cause,
        severity=Severity.WARNING if said.cause in NOISE_CAUSES else Severity.CRITICAL,
        raised_at=said.raised_at,
        times=1,
        managed_object=said.managed_object,
    )


# What fails


def _strike(weather: Weather) -> list[frozenset[Element]]:
    """Draws failures until there are 20 that touch no device twice."""
    sorts = ["site"] * 3 + ["ring"] * 5 + ["device"] * 6 + ["link"] * 6 if weather.hard else ["ring"] * 6 + ["device"] * 7 + ["link"] * 7
    roots: list[frozenset[Element]] = []
    for sort in sorts:
        while True:
            root = _draw(weather, sort)
            dark = _dark(weather, root)
            if _fits(weather, sort, dark):
                break
        weather.dark.update(dict.fromkeys(dark, len(roots)))
        roots.append(root)
    return roots


def _draw(weather: Weather, sort: str) -> frozenset[Element]:
    chance, network = weather.chance, weather.network
    if sort == "ring":
        _, links = chance.choice(weather.plant.rings)
        first = chance.randrange(len(links) - 2)
        second = min(first + chance.randint(2, 4), len(links) - 1)
        return frozenset({Element("link", links[first]), Element("link", links[second])})
    if sort == "site":
        return frozenset({Element("site", chance.randint(1, int(network.device_site.max())))})
    return frozenset({Element(sort, chance.randint(1, network.device_id.size if sort == "device" else network.link_id.size))})


def _dark(weather: Weather, root: frozenset[Element]) -> tuple[DeviceId, ...]:
    return weather.topology.device_ids(weather.topology.cut_off(sorted(root)))


def _fits(weather: Weather, sort: str, dark: Sequence[int]) -> bool:
    """Large enough to matter, apart from the others, and for a cabinet: several ways lead to it."""
    if len(dark) > 400 or len(dark) < (2 * CABINET_LEAST if sort == "site" else 15):
        return False
    if sort == "site" and weather.topology.common_dominator([DeviceId(device) for device in dark]) in dark:
        return False
    touched = set(dark) | {neighbour for device in dark for neighbour in _neighbours(weather, device)}
    return not touched & weather.dark.keys()


CABINET_LEAST: Final = 5
POLLS: Final = ("icmp", "snmp", "telemetry", "heartbeat", "configuration backup", "flow export")
WATCHERS: Final = (*POLLS, "icmp/second poller", "snmp/second poller")


def _neighbours(weather: Weather, device: int) -> list[int]:
    to, _ = weather.topology.around.around(device - 1)
    return [int(row) + 1 for row in to]


# What is said of it


def _said_of_roots(weather: Weather, roots: list[frozenset[Element]]) -> tuple[list[Said], list[Said]]:
    """What is surely said (one poller at least misses the device, neighbours, last words), and what else is, as far as it is needed."""
    essential, spare = [], []
    for device, group in weather.dark.items():
        if device in weather.silent:
            continue
        missed = _missed(weather, group, device)
        essential.append(missed[0])
        spare.extend(missed[1:])
    failed = {element.id for root in roots for element in root if element.kind == "link"}
    essential.extend(_complaints(weather, weather.dark, failed))
    for group, root in enumerate(roots):
        essential.extend(_last_words(weather, group, root))
    return essential, spare


def _missed(weather: Weather, group: int, device: int) -> list[Said]:
    """Everybody who polls the device or carries its customers' sessions, in no order."""
    watchers = [(ProbableCause.UNREACHABLE, name) for name in WATCHERS]
    if weather.kind_of(device) in ACCESS:
        watchers += [(ProbableCause.SESSIONS_LOST, name) for name in ("internet", "voice", "television")]
    weather.chance.shuffle(watchers)
    return [Said(group, device, 0, cause, name, weather.at(group)) for cause, name in watchers]


def _complaints(weather: Weather, dark: dict[int, int], failed: Iterable[int]) -> list[Said]:
    """Healthy devices at the other end of a link to what is lost; a cut link inside the dark is told by nobody."""
    said = []
    cut = set(failed)
    ends = zip(weather.network.link_id.tolist(), weather.network.link_from.tolist(), weather.network.link_to.tolist(), strict=True)
    for link, near, far in ends:
        for here, there in ((near, far), (far, near)):
            if here not in dark and here not in weather.dark and (there in dark or link in cut):
                said.extend(_complaint(weather, dark[there], here, there, link))
    return said


def _complaint(weather: Weather, group: int, here: int, there: int, link: int) -> list[Said]:
    routers = weather.kind_of(here) in ROUTERS and weather.kind_of(there) in ROUTERS
    odds = ((ProbableCause.LINK_DOWN, 0.95), (ProbableCause.LOSS_OF_SIGNAL, 0.9), (ProbableCause.ADJACENCY_LOST, 0.8 * routers))
    return [
        Said(group, here, link, cause, f"port {link}", weather.at(group, CAUSE_LATE_S))
        for cause, likely in odds
        if weather.chance.random() < likely
    ]


def _last_words(weather: Weather, group: int, root: frozenset[Element]) -> list[Said]:
    """A device that fails says so, late in the queue; six in ten of a cabinet's gear have the capacitor for a dying gasp."""
    said = []
    for device, gasps in _failing(weather, root):
        if device in weather.silent or not gasps:
            continue
        cause = gasps if isinstance(gasps, ProbableCause) else ProbableCause.DYING_GASP
        said.append(Said(group, device, 0, cause, "", weather.at(group, CAUSE_LATE_S)))
    return said


def _failing(weather: Weather, root: frozenset[Element]) -> list[tuple[int, ProbableCause | bool]]:
    (element, *_) = sorted(root)
    if element.kind == "device":
        return [(element.id, weather.chance.choice(LAST_WORDS))]
    if element.kind == "site":
        inside = np.flatnonzero(weather.network.device_site == element.id) + 1
        return [(device, weather.chance.random() < 0.6) for device in inside.tolist()]
    return []


# What has nothing to do with it


def _noise(weather: Weather, first_group: int, count: int) -> list[Said]:
    """In a hard storm half of it is real: single devices at the edge that fail alone."""
    said: list[Said] = []
    group = first_group
    while weather.hard and len(said) < count // 2:
        said.extend(_single_failure(weather, group)[: count // 2 - len(said)])
        group += 1
    while len(said) < count:
        said.append(_stray(weather, group))
        group += 1
    return said


def _healthy(weather: Weather) -> int:
    while (device := weather.chance.randint(1, len(weather.plant.kinds))) in weather.dark:
        pass
    return device


def _single_failure(weather: Weather, group: int) -> list[Said]:
    while True:
        device = _healthy(weather)
        if weather.kind_of(device) in ACCESS and len(_neighbours(weather, device)) == 1:
            break
    said = _missed(weather, group, device)[: weather.chance.randint(1, 2)]
    said += _complaints(weather, {device: group}, ())[:2]
    weather.dark[device] = group
    return said


def _stray(weather: Weather, group: int) -> Said:
    """A warning that means nothing for service; one in five is a port that flapped."""
    device = _healthy(weather)
    if weather.chance.random() < 0.2:
        to, via = weather.topology.around.around(device - 1)
        steady = [link + 1 for there, link in zip(to.tolist(), via.tolist(), strict=True) if there + 1 not in weather.dark]
        if steady:
            link = weather.chance.choice(steady)
            return Said(group, device, link, ProbableCause.LINK_DOWN, f"port {link}", weather.at(group))
    return Said(group, device, 0, weather.chance.choice(NOISE_CAUSES), "", weather.at(group))


# How well it was understood


def _name(weather: Weather, root: frozenset[Element]) -> frozenset[Element]:
    """What the records can call a root."""
    recorded = {Element("link", link) for link in weather.known.link_id.tolist()}
    known = frozenset(element for element in root if element.kind != "link" or element in recorded)
    return known or frozenset(Element("device", _fed_by(weather, element.id)) for element in root)


def _fed_by(weather: Weather, link: int) -> int:
    ends = weather.topology.link_ends[:, link - 1]
    return int(max(ends, key=lambda row: weather.topology.position[row])) + 1


@dataclass(frozen=True)
class Score:
    """`found` is how many roots a finding names first and exactly, `among_three` within its first three hypotheses."""

    roots: int
    found: int
    among_three: int
    precision: float
    recall: float
    f1: float


def score(truth: Truth, findings: Sequence[Finding]) -> Score:
    first = {_named(finding, 0) for finding in findings}
    third = {_named(finding, place) for finding in findings for place in range(3)}
    precision, recall, f1 = pairwise(truth, findings)
    return Score(len(truth.roots), sum(n in first for n in truth.names), sum(n in third for n in truth.names), precision, recall, f1)


def _named(finding: Finding, place: int) -> frozenset[Element]:
    if place >= len(finding.hypotheses):
        return frozenset()
    hypothesis = finding.hypotheses[place]
    return frozenset({hypothesis.element, *hypothesis.with_elements})


def pairwise(truth: Truth, findings: Sequence[Finding]) -> tuple[float, float, float]:
    """Precision, recall and F1 over pairs of alarms: a pair is right when both alarms have one true cause (a root or a genuine single
    failure) and one finding. Noise, and an alarm in no finding, is alone. Every alarm counts."""
    finding_of = {alarm: place for place, finding in enumerate(findings) for alarm in finding.alarms}
    together = Counter((group, finding_of[alarm]) for alarm, group in truth.groups.items() if alarm in finding_of)
    right = _pairs(together.values())
    said = _pairs(Counter(finding_of[alarm] for alarm in truth.groups if alarm in finding_of).values())
    true = _pairs(Counter(truth.groups.values()).values())
    return right / max(said, 1), right / max(true, 1), 2 * right / max(said + true, 1)


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)
