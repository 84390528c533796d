"""Planned work: what a device in its maintenance window, and nothing else, keeps dark is no outage while the window lasts. Pure.

No alarm is dropped and no device left out: the findings are made as ever, and one whose root is what is being worked on is called planned.
Whatever else fails meanwhile has a root of its own and still alerts. When the window is over, the same alarms are thought about without it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from atlas.identity import DeviceId
from atlas.nms.records import MaintenanceWindow
from cortex.findings import CauseClass, Element, Evidence, Finding
from cortex.topology import Topology

# Clocks of devices and people's hands: work that was to begin at two begins at a minute to.
EARLY: Final = timedelta(minutes=2)


def in_window(windows: Iterable[MaintenanceWindow]) -> dict[DeviceId, datetime]:
    """Since when each device is worked on; the earliest, where windows overlap."""
    since: dict[DeviceId, datetime] = {}
    for window in windows:
        since[window.device_id] = min(window.starts_at, since.get(window.device_id, window.starts_at))
    return since


def with_planned(topology: Topology, findings: Sequence[Finding], since: dict[DeviceId, datetime]) -> list[Finding]:
    """The same findings; those that the work explains whole are planned, and nobody's outage."""
    return [_planned(finding, explained) if (explained := _explained_by(topology, finding, since)) else finding for finding in findings]


def _explained_by(topology: Topology, finding: Finding, since: dict[DeviceId, datetime]) -> tuple[DeviceId, ...]:
    """The devices worked on that explain it; none where a part of its root is not worked on, it was there before, or it reaches further."""
    if not since or finding.best is None:
        return ()
    touched = [_worked_on(topology, element, since) for element in finding.best.elements]
    if not all(touched):
        return ()
    devices = sorted(frozenset[DeviceId]().union(*touched))
    if finding.first_raised_at < min(since[device] for device in devices) - EARLY:
        return ()
    reach = topology.network.device_id[topology.rows_of(topology.cut_off([Element("device", device) for device in devices]))]
    return tuple(devices) if np.isin(finding.blast.cut_off, reach).all() else ()


def _worked_on(topology: Topology, element: Element, since: dict[DeviceId, datetime]) -> frozenset[DeviceId]:
    """Of the devices in their window, those that this element is, or that it is joined to."""
    links = topology.link_rows([element])
    rows = np.concatenate([topology.device_rows([element]), topology.link_ends[:, links].ravel()])
    return frozenset(DeviceId(int(one)) for one in topology.network.device_id[rows[rows >= 0]]) & since.keys()


def _planned(finding: Finding, devices: tuple[DeviceId, ...]) -> Finding:
    assert finding.best is not None, "only what has a root is explained"
    why = Evidence("in_maintenance", True, 0.0, devices=devices, count=len(devices), of=len(devices))
    best = replace(finding.best, cause=CauseClass.PLANNED, evidence=(why, *finding.best.evidence))
    return replace(finding, hypotheses=(best, *finding.hypotheses[1:]), is_outage=False)
