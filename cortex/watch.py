"""Looks at the network and says what changed: the only entrance to Cortex. Reads Atlas, changes nothing."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from atlas.connection import Atlas
from atlas.identity import AlarmId, IncidentId
from atlas.itsm.records import StandingIncident
from cortex.bursts import LATEST_IN_A_STORM_S, MANY_CHANGES, burst_paused, is_overtaken
from cortex.correlate import correlate
from cortex.findings import CauseClass, Finding
from cortex.maintenance import in_window, with_planned
from cortex.pictures import Picture, WarmTopology, take_picture


@dataclass(frozen=True)
class NewIncident:
    """Alarms with a common cause that no incident holds yet."""

    finding: Finding


@dataclass(frozen=True)
class IncidentMoved:
    """What is known of an incident changed.

    `grew`: alarms joined, so its cause may be better known, or planned work began or ended; else it only shrank, as things came back.
    Several findings where an incident comes back in pieces; the first is the one with most of its alarms.
    """

    incident_id: IncidentId
    findings: tuple[Finding, ...]
    grew: bool


@dataclass(frozen=True)
class IncidentFolded:
    """It turned out to be part of another."""

    incident_id: IncidentId
    into: IncidentId


@dataclass(frozen=True)
class IncidentCleared:
    """Nothing of it stands any more that keeps anybody from service."""

    incident_id: IncidentId


Change = NewIncident | IncidentMoved | IncidentFolded | IncidentCleared


async def look_at_burst(atlas: Atlas, warm: WarmTopology) -> list[Change]:
    """Looks when a burst of alarms pauses; and again, for a while, where a storm went on while we thought: of its first few hundred alarms
    each is a fault of its own, and all of those would be opened only to be folded again.
    """
    clock = asyncio.get_running_loop().time
    latest = clock() + LATEST_IN_A_STORM_S
    while True:
        await burst_paused(atlas)
        picture = await take_picture(atlas, warm)
        found = await asyncio.to_thread(changes_in, picture)
        if len(found) < MANY_CHANGES or clock() > latest or not await is_overtaken(atlas, len(picture.alarms)):
            return found


async def look(atlas: Atlas, warm: WarmTopology) -> list[Change]:
    """Takes a picture and says what changed since the incidents were last written. The thinking runs beside the event loop."""
    picture = await take_picture(atlas, warm)
    return await asyncio.to_thread(changes_in, picture)


def changes_in(picture: Picture) -> list[Change]:
    """Pure: the findings of a picture, matched with the incidents that stand."""
    since = in_window(picture.windows)
    findings = correlate(picture.topology, picture.alarms, now=picture.at, silent=frozenset(since), answering=picture.answering)
    return changes(with_planned(picture.topology, findings, since), picture.incidents)


def changes(findings: Sequence[Finding], standing: Sequence[StandingIncident]) -> list[Change]:
    """Folds first, then what moved, then what is new, so that an alarm leaves one incident before it joins another."""
    holder = {alarm: incident.incident_id for incident in standing for alarm in incident.alarms}
    matched = _matched(findings, holder)
    by_id = {incident.incident_id: incident for incident in standing}
    folded = _folded(findings, matched, holder)
    gone = {change.incident_id for change in folded}
    moved, split = _moved(matched, by_id)
    cleared = [IncidentCleared(known) for known in by_id if known not in matched and known not in gone]
    fresh = [*split, *(finding for finding in findings if not _votes(finding, holder))]
    return [*folded, *moved, *cleared, *(NewIncident(finding) for finding in fresh)]


def _votes(finding: Finding, holder: dict[AlarmId, IncidentId]) -> Counter[IncidentId]:
    return Counter(holder[alarm] for alarm in finding.alarms if alarm in holder)


def _matched(findings: Iterable[Finding], holder: dict[AlarmId, IncidentId]) -> dict[IncidentId, list[Finding]]:
    """Each finding goes to the incident that holds most of its alarms; the oldest on a tie."""
    matched: dict[IncidentId, list[Finding]] = defaultdict(list)
    for finding in findings:
        votes = _votes(finding, holder)
        if votes:
            matched[min(votes, key=lambda incident: (-votes[incident], incident))].append(finding)
    for incident, group in matched.items():
        group.sort(key=lambda finding, incident=incident: -_votes(finding, holder)[incident])  # type: ignore[misc]
    return matched


def _folded(
    findings: Iterable[Finding],
    matched: dict[IncidentId, list[Finding]],
    holder: dict[AlarmId, IncidentId],
) -> list[IncidentFolded]:
    """An incident that is nobody's first choice, while its alarms went into another's finding, is part of that one."""
    winner = {id(finding): incident for incident, group in matched.items() for finding in group}
    folded = {}
    for finding in findings:
        for loser in _votes(finding, holder):
            if loser not in matched:
                folded[loser] = IncidentFolded(loser, winner[id(finding)])
    return list(folded.values())


def _moved(
    matched: dict[IncidentId, list[Finding]], by_id: dict[IncidentId, StandingIncident]
) -> tuple[list[IncidentMoved], list[Finding]]:
    """While an incident grows, a second finding in it is a second cause and becomes its own; while it only shrinks, it is what is left."""
    moved, split = [], []
    for incident_id, group in matched.items():
        known = by_id[incident_id]
        held = frozenset(known.alarms)
        grew = any(alarm not in held for finding in group for alarm in finding.alarms) or _is_planned_otherwise(known, group[0])
        if grew:
            split.extend(group[1:])
            group = group[:1]
        if grew or _differs(known, group):
            moved.append(IncidentMoved(incident_id, tuple(group), grew))
    return moved, split


def _is_planned_otherwise(known: StandingIncident, finding: Finding) -> bool:
    """A window began or ended: what was planned work is an outage now, or the other way about."""
    return (known.cause == CauseClass.PLANNED) is not (finding.cause is CauseClass.PLANNED)


def _differs(known: StandingIncident, group: Sequence[Finding]) -> bool:
    alarms = {alarm for finding in group for alarm in finding.alarms}
    return alarms != set(known.alarms)
