"""Open alarms as columns: what each one says about the plant, and what every device and link has had said about it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from atlas.cmdb.records.plant import Flags
from atlas.identity import DeviceId
from atlas.nms.records import OpenAlarm, ProbableCause, Severity
from cortex.dominators import Rows
from cortex.topology import Topology

CAUSES: Final = tuple(ProbableCause)
NO_LINE: Final = -1
UNKNOWN_LINE: Final = -2  # a customer's own, but we do not know whose: it says nothing of the device it hangs from
CODE: Final = {cause: code for code, cause in enumerate(CAUSES)}


def _causes(*causes: ProbableCause) -> Flags:
    return np.array([cause in causes for cause in CAUSES])


# Somebody could not reach the device, or it said so with its last breath.
SAYS_LOST: Final = _causes(ProbableCause.UNREACHABLE, ProbableCause.SESSIONS_LOST, ProbableCause.DYING_GASP)
# A port lost its peer: the one who says it is alive.
SAYS_LINK: Final = _causes(ProbableCause.LOSS_OF_SIGNAL, ProbableCause.LOSS_OF_FRAME, ProbableCause.LINK_DOWN, ProbableCause.ADJACENCY_LOST)
# The device speaks of itself or of its power.
SAYS_SELF: Final = _causes(
    ProbableCause.DYING_GASP,
    ProbableCause.POWER_PROBLEM,
    ProbableCause.ON_BATTERY,
    ProbableCause.EQUIPMENT_MALFUNCTION,
    ProbableCause.LINE_CARD_PROBLEM,
    ProbableCause.SOFTWARE_ERROR,
    ProbableCause.RESTARTED,
)
SAYS_POWER: Final = _causes(ProbableCause.DYING_GASP, ProbableCause.POWER_PROBLEM, ProbableCause.ON_BATTERY)
SAYS_GASP: Final = _causes(ProbableCause.DYING_GASP)
SAYS_CARD: Final = _causes(ProbableCause.LINE_CARD_PROBLEM)
SAYS_DEGRADED: Final = _causes(ProbableCause.DEGRADED_SIGNAL)
SAYS_SESSIONS: Final = _causes(ProbableCause.SESSIONS_LOST)


@dataclass(frozen=True, eq=False)
class Signs:
    """Alarms in order of their id, each once; a column a fact, -1 where there is none. Alarms of unknown devices are left out."""

    topology: Topology
    alarms: tuple[OpenAlarm, ...]
    device: Rows
    link: Rows
    line: Rows
    cause: NDArray[np.int64]
    raised: NDArray[np.float64]
    # By device row
    lost: Rows
    complains: Flags
    astray: Rows  # complaints about a port with no known link
    speaks_of_itself: Flags
    has_power_trouble: Flags
    lines_lost: Rows
    can_speak: Flags
    answers: Flags  # known to be served, whatever the records put above it
    # By side and link row: does the device at that side, not lost itself, say the link is down?
    heard: Flags

    @property
    def is_lost(self) -> Flags:
        return self.lost > 0


def read_signs(
    topology: Topology, alarms: Iterable[OpenAlarm], silent: frozenset[DeviceId], answering: frozenset[DeviceId] = frozenset()
) -> Signs:
    """`silent` names devices whose silence means nothing: unmonitored just now, or in maintenance. `answering` names those that were
    lost and are back."""
    once = {alarm.alarm_id: alarm for alarm in alarms if alarm.severity is not Severity.CLEARED}
    ordered = [once[key] for key in sorted(once)]
    device = topology.device_rank.rows(np.array([alarm.device_id for alarm in ordered], dtype=np.int64))
    known = np.flatnonzero(device >= 0)
    kept = tuple(ordered[i] for i in known.tolist())
    device = device[known]
    line = _rows(topology.subscriber_rank.rows, [alarm.subscriber_id for alarm in kept])
    line[(line < 0) & np.array([alarm.subscriber_id is not None for alarm in kept], dtype=bool)] = UNKNOWN_LINE
    link = _rows(topology.link_rank.rows, [alarm.link_id for alarm in kept])
    cause = np.array([CODE[alarm.probable_cause] for alarm in kept], dtype=np.int64)
    raised = np.array([alarm.raised_at.timestamp() for alarm in kept], dtype=np.float64)
    return _tallied(topology, kept, device, link, line, cause, raised, _can_speak(topology, silent), _flags(topology, answering))


def _rows(rows_of: Callable[[Rows], Rows], ids: Sequence[int | None]) -> Rows:
    if not any(key is not None for key in ids):
        return np.full(len(ids), -1, dtype=np.int64)
    return rows_of(np.array([-1 if key is None else key for key in ids], dtype=np.int64))


def _can_speak(topology: Topology, silent: frozenset[DeviceId]) -> Flags:
    can = topology.network.device_is_monitored & ~topology.passive
    return can & ~_flags(topology, silent)


def _flags(topology: Topology, devices: frozenset[DeviceId]) -> Flags:
    rows = topology.device_rank.rows(np.array(sorted(devices), dtype=np.int64))
    flags = np.zeros(topology.network.device_id.size, dtype=bool)
    flags[rows[rows >= 0]] = True
    return flags


def _tallied(
    topology: Topology,
    kept: tuple[OpenAlarm, ...],
    device: Rows,
    link: Rows,
    line: Rows,
    cause: Rows,
    raised: NDArray[np.float64],
    can_speak: Flags,
    answers: Flags,
) -> Signs:
    devices, links = topology.network.device_id.size, topology.network.link_id.size
    of_device = line == NO_LINE

    def tally(says: Flags) -> Rows:
        return np.bincount(device[says[cause] & of_device], minlength=devices)

    # Light lost at passive plant is told by the device above: what hangs there is gone, nobody there is speaking.
    dark_plant = SAYS_LINK[cause] & of_device & topology.passive[device]
    complaint = SAYS_LINK[cause] & of_device & ~dark_plant
    missing = (SAYS_LOST[cause] & of_device) | dark_plant
    heard = np.zeros((2, links), dtype=bool)
    # A device that is lost itself sees every port of its own go down: that says nothing of who is at the other end.
    alive = np.bincount(device[missing], minlength=devices) == 0
    for side in (0, 1):
        told = complaint & (link >= 0) & alive[device]
        told[told] = topology.link_ends[side, link[told]] == device[told]
        heard[side, link[told]] = True
    hit = (SAYS_LINK | SAYS_LOST)[cause] & (line >= 0)
    return Signs(
        topology,
        kept,
        device,
        link,
        line,
        cause,
        raised,
        lost=np.bincount(device[missing], minlength=devices),
        complains=np.bincount(device[complaint], minlength=devices) > 0,
        astray=np.bincount(device[complaint & (link < 0)], minlength=devices),
        speaks_of_itself=tally(SAYS_SELF) > 0,
        has_power_trouble=tally(SAYS_POWER) > 0,
        lines_lost=_distinct_lines(topology, line[hit]),
        can_speak=can_speak,
        answers=answers & (np.bincount(device[missing], minlength=devices) == 0),
        heard=heard,
    )


def _distinct_lines(topology: Topology, lines: Rows) -> Rows:
    """By device row: how many different lines on it are said to be lost."""
    on = topology.line_device[np.unique(lines)]
    return np.bincount(on[on >= 0], minlength=topology.network.device_id.size)
