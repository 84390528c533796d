"""Open alarms grouped by suspected common cause, each with its ranked hypotheses and everybody behind it. Pure, and the same however
the alarms are ordered or repeated."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from math import exp
from typing import Final

import numpy as np

from atlas.identity import AlarmId, DeviceId
from atlas.nms.records import OpenAlarm
from cortex.blast_radius import blast_of
from cortex.detectors import DETECTORS
from cortex.dominators import Rows
from cortex.findings import CauseClass, Finding, Hypothesis
from cortex.groups import Reading, read_groups
from cortex.leftovers import Leftover, leftovers
from cortex.membership import members
from cortex.questioning import suspicion_of
from cortex.sight import lost_sight
from cortex.signs import Signs, read_signs
from cortex.suspicion import Suspicion, support
from cortex.topology import CutOff, Topology

# A suspicion this weak is as likely to be something nobody thought of.
UNKNOWN_NATS: Final = 1.0
NOT_OUTAGES: Final = frozenset({CauseClass.DEGRADATION, CauseClass.MONITORING, CauseClass.DROP})
# Devices report within this time of a failure; until it has passed, their silence says less.
SETTLE_S: Final = 30.0
SETTLED_SILENCE, EARLY_SILENCE = 0.1, 0.3


def correlate(
    topology: Topology,
    alarms: Iterable[OpenAlarm],
    *,
    now: datetime,
    silent: frozenset[DeviceId] = frozenset(),
    answering: frozenset[DeviceId] = frozenset(),
) -> list[Finding]:
    """One finding per suspected common cause, those with most subscribers first; an alarm is in one finding at most.

    `silent` names devices whose silence means nothing just now; `answering` those that were lost and are back, so that nobody is told
    they are cut off while the rest still is. Alarms that say nothing of service are in no finding.
    """
    signs = read_signs(topology, alarms, silent, answering)
    if not signs.alarms:
        return []
    blind = lost_sight(signs)
    if blind is not None:
        return [_finding(signs, blind)]
    young = now.timestamp() - float(np.median(signs.raised)) < SETTLE_S
    reading = read_groups(topology, signs, EARLY_SILENCE if young else SETTLED_SILENCE)
    places = members(reading)
    findings = [_finding(signs, one) for one in [*_grouped(reading, places), *leftovers(reading, places)]]
    return sorted((finding for finding in findings if finding.alarms), key=_foremost)


def _foremost(finding: Finding) -> tuple[int, int, tuple[AlarmId, ...]]:
    return -len(finding.blast.subscribers), -len(finding.blast.devices), finding.alarms


def _grouped(reading: Reading, places: Rows) -> list[Leftover]:
    order = np.argsort(places, kind="stable")
    bounds = np.searchsorted(places[order], np.arange(len(reading.groups) + 1))
    topology = reading.case.topology
    found = []
    for place, group in enumerate(reading.groups):
        alarms = order[bounds[place] : bounds[place + 1]]
        dark = group.dark
        if group.elements[0].kind in ("site", "conduit"):
            dark = np.union1d(dark, topology.rows_of(topology.cut_off(group.elements)))
        still = dark[~reading.case.signs.answers[dark]]
        found.append(Leftover(suspicion_of(reading, group, alarms), alarms, topology.cut_of(still)))
    return found


def _finding(signs: Signs, one: Leftover) -> Finding:
    hypotheses = ranked(one.suspicion)
    cause = hypotheses[0].cause if hypotheses else CauseClass.UNKNOWN
    kept = one.cut if cause not in (CauseClass.DEGRADATION, CauseClass.MONITORING) else _NOBODY
    raised = [signs.alarms[i].raised_at for i in one.alarms.tolist()]
    return Finding(
        hypotheses=hypotheses,
        alarms=tuple(signs.alarms[i].alarm_id for i in one.alarms.tolist()),
        blast=blast_of(signs.topology, kept),
        first_raised_at=min(raised),
        last_raised_at=max(raised),
        is_outage=one.is_outage and cause not in NOT_OUTAGES,
    )


_NOBODY: Final = CutOff(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))


def ranked(suspicion: Suspicion) -> tuple[Hypothesis, ...]:
    """Every detector's answer, best first; what their confidences leave of 1 is "unknown"."""
    answers = [answer for detector in DETECTORS if (answer := detector(suspicion)) is not None]
    nats = [support(answer) for answer in answers]
    top = max([UNKNOWN_NATS, *nats])
    whole = exp(UNKNOWN_NATS - top) + sum(exp(weight - top) for weight in nats)
    sure = [replace(answer, confidence=min(exp(weight - top) / whole, 0.99)) for answer, weight in zip(answers, nats, strict=True)]
    return tuple(sorted(sure, key=lambda answer: (-answer.confidence, answer.element, answer.cause)))
