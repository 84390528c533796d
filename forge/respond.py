"""Answers what Cortex found: opens, revises or resolves the incident, and leaves its playbook to be played."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final, assert_never
from uuid import uuid4

import structlog

from atlas.actions.records import ActionState
from atlas.identity import CorrelationId, DeviceId, IncidentId, SubscriberId
from atlas.itsm.reads import incident, open_incidents
from atlas.itsm.records import Incident, IncidentState, Root
from atlas.principal import executor
from atlas.statements import Connection
from cortex.findings import Finding, Hypothesis
from cortex.watch import Change, IncidentCleared, IncidentFolded, IncidentMoved, NewIncident
from forge.action import Action
from forge.actions.itsm import OpenIncident, ResolveIncident, ReviseIncident
from forge.carry_out import nudge_playbook
from forge.propose import Afterwards, Forge, Proposed, propose

log = structlog.get_logger()

CORTEX: Final = executor("cortex")
# A look may cross another's; what was refused for that is right a moment later.
TRIES: Final = 5
# Until the incident that took its lines over has been written, nobody is told that they are back.
FOLD_SETTLES: Final = timedelta(seconds=15)
# Incidents touch different rows; more than this only wait for one another in PostgreSQL.
AT_ONCE: Final = 4
# The first few say why; all of them are kept with the incident.
EVIDENCE_SHOWN: Final = 6


async def respond_to_all(forge: Forge, changes: Sequence[Change]) -> None:
    """Answers every change of one look: first what gives alarms up, then what takes them, several incidents side by side."""
    for kinds in ((IncidentFolded, IncidentCleared), (IncidentMoved,), (NewIncident,)):
        room = asyncio.Semaphore(AT_ONCE)

        async def one(change: Change, room: asyncio.Semaphore = room) -> None:
            async with room:
                await respond(forge, change)

        async with asyncio.TaskGroup() as group:
            for change in changes:
                if isinstance(change, kinds):
                    group.create_task(one(change))


async def respond(forge: Forge, change: Change) -> Proposed | None:
    """One change of the picture becomes one action on its incident; None where somebody else was first.

    The incident's playbook is left as a job, in the transaction that changed the incident.
    """
    match change:
        case NewIncident(finding):
            return await _opened(forge, finding)
        case IncidentMoved():
            return await _moved(forge, change)
        case IncidentFolded(incident_id, into):
            return await _resolved(forge, incident_id, f"it is part of incident {into}", forge.now() + FOLD_SETTLES)
        case IncidentCleared(incident_id):
            return await _resolved(forge, incident_id, "nothing of it stands any more", None)
        case _:
            assert_never(change)


async def _opened(forge: Forge, finding: Finding) -> Proposed:
    action = OpenIncident(
        cause=finding.cause.value,
        is_outage=finding.is_outage,
        root=_root(finding),
        confidence=finding.reach_confidence,
        hypotheses=_plain(finding.hypotheses),
        alarms=finding.alarms,
        devices=finding.blast.cut_off,
        lines=lines(finding),
        first_alarm_at=finding.first_raised_at,
    )

    async def then(conn: Connection, proposed: Proposed) -> None:
        await nudge_playbook(conn, IncidentId((proposed.outcome or {})["incident_id"]))

    return await _asked(forge, action, _reason(finding), _evidence(finding), CorrelationId(uuid4()), then)


async def _moved(forge: Forge, change: IncidentMoved) -> Proposed | None:
    async with forge.atlas.transaction(CORTEX) as conn:
        known = await incident(conn, change.incident_id)
        held = {one.incident_id: frozenset(one.devices) for one in await open_incidents(conn)}
    if known.state is not IncidentState.IN_PROGRESS:
        return None
    action = _revision(known, change, held.get(known.incident_id, frozenset()))
    return await _asked(
        forge, action, _reason(change.findings[0]), _evidence(change.findings[0]), _thread(known), _nudge(known.incident_id)
    )


def _revision(known: Incident, change: IncidentMoved, held: frozenset[DeviceId]) -> ReviseIncident:
    """While it grows, what is thought of it is thought anew; while it only shrinks, it is still the fault that it was.

    `held` are the devices not restored. Nothing returns to a fault that only shrinks: with fewer alarms left to go by, its root may seem to
    lie higher again, and people who were told that they are back would be taken back without a single new alarm.
    """
    best = change.findings[0]
    lost = {device for finding in change.findings for device in finding.blast.cut_off}
    known_root = Root(known.root_kind, known.root_id) if known.root_kind and known.root_id else None
    return ReviseIncident(
        incident=known.incident_id,
        version=known.version,
        cause=best.cause.value if change.grew else known.cause,
        is_outage=best.is_outage if change.grew else known.is_outage,
        root=_root(best) if change.grew else known_root,
        confidence=best.reach_confidence if change.grew else known.confidence,
        hypotheses=_plain(best.hypotheses) if change.grew else tuple(known.hypotheses),
        alarms=tuple(sorted({alarm for finding in change.findings for alarm in finding.alarms})),
        devices=tuple(sorted(lost if change.grew else lost & held)),
        lines=tuple(sorted({line for finding in change.findings for line in lines(finding)})),
    )


async def _resolved(forge: Forge, incident_id: IncidentId, why: str, not_before: datetime | None) -> Proposed | None:
    async with forge.atlas.transaction(CORTEX) as conn:
        known = await incident(conn, incident_id)
    if known.state is not IncidentState.IN_PROGRESS:
        return None
    return await _asked(forge, ResolveIncident(incident_id), why, (), _thread(known), _nudge(incident_id, not_before))


async def _asked(
    forge: Forge, action: Action, reason: str, evidence: tuple[Any, ...], correlation_id: CorrelationId, then: Afterwards
) -> Proposed:
    proposed = await propose(forge, CORTEX, action, reason=reason, evidence=evidence, correlation_id=correlation_id, tries=TRIES, then=then)
    if proposed.state is not ActionState.DONE:
        log.warning("response_not_done", action=action.name, action_id=proposed.action_id, state=proposed.state.value)
    return proposed


def _nudge(incident_id: IncidentId, not_before: datetime | None = None) -> Afterwards:
    async def then(conn: Connection, _: Proposed) -> None:
        await nudge_playbook(conn, incident_id, not_before)

    return then


def lines(finding: Finding) -> tuple[SubscriberId, ...]:
    """Subscribers lost on their own, by a fault of their own line; all others follow from the devices they hang from."""
    if not finding.blast.cut_off:
        return finding.blast.subscribers
    roots = finding.best.elements if finding.best else ()
    return tuple(SubscriberId(element.id) for element in roots if element.kind == "subscriber")


def _root(finding: Finding) -> Root | None:
    return Root(finding.best.element.kind, finding.best.element.id) if finding.best else None


def _plain(hypotheses: tuple[Hypothesis, ...]) -> tuple[Any, ...]:
    plain: list[Any] = json.loads(json.dumps([asdict(hypothesis) for hypothesis in hypotheses]))
    return tuple(plain)


def _reason(finding: Finding) -> str:
    blast = finding.blast
    return f"{finding.cause.value}: {len(blast.devices)} devices and {len(blast.subscribers)} subscribers behind one suspected cause"


def _evidence(finding: Finding) -> tuple[Any, ...]:
    """What weighs most, as counts; which alarms and devices it rests on is with the incident's hypotheses."""
    found = sorted(finding.best.evidence, key=lambda one: -abs(one.weight)) if finding.best else []
    return tuple(
        {"observation": one.observation, "for": one.for_it, "weight": round(one.weight, 2), "count": one.count, "of": one.of}
        for one in found[:EVIDENCE_SHOWN]
    )


def _thread(known: Incident) -> CorrelationId:
    return CorrelationId(known.correlation_id)
