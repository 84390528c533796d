"""The facts of one suspected cause, counted once, that every detector judges by."""

from dataclasses import dataclass
from typing import Final

from atlas.cmdb.records.plant import DeviceKind
from atlas.identity import AlarmId, DeviceId
from cortex.findings import CauseClass, Element, Evidence, Hypothesis

# No single observation, however often repeated, is worth more than this: repeats of it are not independent.
MOST: Final = 8.0


@dataclass(frozen=True)
class Suspicion:
    """`elements` is what most likely failed. `feed` and `fed` are its likeliest mistaken identities: for a device the only link to it,
    for a link the device it feeds. Counts of lines are of the customers behind it that are watched one by one."""

    elements: tuple[Element, ...]
    kind: DeviceKind | None  # of the device that failed, or that the failed link feeds
    feed: Element | None = None
    fed: Element | None = None
    alarmed: tuple[DeviceId, ...] = ()
    quiet: tuple[DeviceId, ...] = ()
    quiet_weight: float = 0.0
    complaints: tuple[AlarmId, ...] = ()
    complaining: int = 0
    watching: int = 0  # healthy neighbours that could complain
    last_words: tuple[AlarmId, ...] = ()
    far_end_words: tuple[AlarmId, ...] = ()  # of the device it feeds, heard by another way, about the only link to it
    card_words: tuple[AlarmId, ...] = ()
    power_words: tuple[AlarmId, ...] = ()
    power_devices: int = 0
    site_devices: int = 0
    lines_lost: int = 0
    lines_gasping: int = 0
    lines_behind: int = 0
    lines_on_port: int = 0
    adopted: tuple[DeviceId, ...] = ()
    parts: int = 0  # how many separate suspects it joins
    degraded: int = 0  # lines too weak
    has_another_way: bool = False
    is_card: bool = False
    is_all_unreachable: bool = False

    @property
    def element(self) -> Element:
        return self.elements[0]


def seen(
    observation: str,
    weight: float,
    *,
    alarms: tuple[AlarmId, ...] = (),
    devices: tuple[DeviceId, ...] = (),
    count: int = 0,
    of: int = 0,
) -> Evidence:
    """Evidence for where `weight` is positive, against where it is negative; kept as a positive weight, capped."""
    return Evidence(observation, weight > 0, min(abs(weight), MOST), alarms, devices, count, of)


def hypothesis(element: Element, cause: CauseClass, evidence: list[Evidence], others: tuple[Element, ...] = ()) -> Hypothesis:
    """Not yet ranked: its confidence is set beside the others'."""
    return Hypothesis(element, cause, 0.0, tuple(evidence), others)


def support(hypothesis: Hypothesis) -> float:
    """Nats in favour."""
    return sum(evidence.weight if evidence.for_it else -evidence.weight for evidence in hypothesis.evidence)


def what_is_behind(suspicion: Suspicion) -> list[Evidence]:
    """What any cause at this place must answer for: who behind it is dark, who is quiet, and who beside it complains."""
    evidence = []
    behind = len(suspicion.alarmed) + len(suspicion.quiet)
    if suspicion.alarmed:
        evidence.append(
            seen("behind_it_alarmed", 2.0 * len(suspicion.alarmed), devices=suspicion.alarmed, count=len(suspicion.alarmed), of=behind)
        )
    if suspicion.lines_lost:
        evidence.append(seen("lines_behind_it_lost", float(suspicion.lines_lost), count=suspicion.lines_lost, of=suspicion.lines_behind))
    if suspicion.lines_lost and suspicion.lines_behind > suspicion.lines_lost:
        quiet = suspicion.lines_behind - suspicion.lines_lost
        evidence.append(seen("quiet_lines", -0.4 * quiet, count=quiet, of=suspicion.lines_behind))
    if suspicion.quiet:
        weight = -min(suspicion.quiet_weight, 0.75 * MOST)
        evidence.append(seen("quiet_siblings", weight, devices=suspicion.quiet, count=len(suspicion.quiet), of=behind))
    if suspicion.adopted:
        evidence.append(seen("no_known_path", -1.0, devices=suspicion.adopted, count=len(suspicion.adopted)))
    return [*evidence, *_beside_it(suspicion)]


def _beside_it(suspicion: Suspicion) -> list[Evidence]:
    if suspicion.complaining:
        weight = 4.5 * suspicion.complaining
        of = max(suspicion.watching, suspicion.complaining)
        return [seen("healthy_neighbours_complain", weight, alarms=suspicion.complaints, count=suspicion.complaining, of=of)]
    if suspicion.watching:
        return [seen("neighbours_silent", -2.3, of=suspicion.watching)]
    return []
