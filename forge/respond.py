"""Answers what Cortex found: opens, revises or resolves the incident, and leaves its playbook to be played."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, assert_never
from uuid import uuid4

import msgspec
import structlog

from atlas.actions.records import ActionState
from atlas.identity import CorrelationId, IncidentId, SubscriberId
from atlas.itsm.reads import held_incidents
from atlas.itsm.records import HeldIncident, Root
from atlas.principal import executor
from atlas.statements import Connection
from cortex.findings import Finding, Hypothesis
from cortex.watch import Change, IncidentCleared, IncidentFolded, IncidentMoved, NewIncident
from forge.action import Action
from forge.actions.itsm.incidents import OpenIncident, ResolveIncident, ReviseIncident
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
Held = Mapping[IncidentId, HeldIncident]
# The first few say why; all of them are kept with the incident.
EVIDENCE_SHOWN: Final = 6


async def respond_to_all(forge: Forge, changes: Sequence[Change]) -> None:
    """Answers every change of one look: first what gives alarms up, then what takes them, several incidents side by side."""
    for kinds in ((IncidentFolded, IncidentCleared), (IncidentMoved,), (NewIncident,)):
        alike = [change for change in changes if isinstance(change, kinds)]
        held = await _held(forge, alike)
        room = asyncio.Semaphore(AT_ONCE)

        async def one(change: Change, held: Held = held, room: asyncio.Semaphore = room) -> None:
            async with room:
                await _answered(forge, change, held)

        async with asyncio.TaskGroup() as group:
            for change in alike:
                group.create_task(one(change))


async def respond(forge: Forge, change: Change) -> Proposed | None:
    """One change of the picture becomes one action on its incident; None where somebody else was first.

    The incident's playbook is left as a job, in the transaction that changed the incident.
    """
    return await _answered(forge, change, await _held(forge, [change]))


async def _held(forge: Forge, changes: Sequence[Change]) -> Held:
    """Those of the changes' incidents that are in progress, as they stand, in one read."""
    known = [change.incident_id for change in changes if not isinstance(change, NewIncident)]
    if not known:
        return {}
    async with forge.atlas.transaction(CORTEX) as conn:
        return {one.incident_id: one for one in await held_incidents(conn, known)}


async def _answered(forge: Forge, change: Change, held: Held) -> Proposed | None:
    if isinstance(change, NewIncident):
        return await _opened(forge, change.finding)
    known = held.get(change.incident_id)
    if known is None:
        return None
    match change:
        case IncidentMoved():
            return await _moved(forge, change, known)
        case IncidentFolded(_, into):
            return await _resolved(forge, known, f"it is part of incident {into}", forge.now() + FOLD_SETTLES)
        case IncidentCleared():
            return await _resolved(forge, known, "nothing of it stands any more", None)
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


async def _moved(forge: Forge, change: IncidentMoved, known: HeldIncident) -> Proposed | None:
    best = change.findings[0]
    return await _asked(
        forge, _revision(known, change), _reason(best), _evidence(best), CorrelationId(known.correlation_id), _nudge(known.incident_id)
    )


def _revision(known: HeldIncident, change: IncidentMoved) -> ReviseIncident:
    """While it grows, what is thought of it is thought anew; while it only shrinks, it is still the fault that it was.

    Nothing returns to a fault that only shrinks: with fewer alarms left to go by, its root may seem to lie higher again, and people who
    were told that they are back would be taken back without a single new alarm.
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
        devices=tuple(sorted(lost if change.grew else lost & known.devices)),
        lines=tuple(sorted({line for finding in change.findings for line in lines(finding)})),
    )


async def _resolved(forge: Forge, known: HeldIncident, why: str, not_before: datetime | None) -> Proposed | None:
    nudge = _nudge(known.incident_id, not_before)
    return await _asked(forge, ResolveIncident(known.incident_id), why, (), CorrelationId(known.correlation_id), nudge)


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
    plain: list[Any] = msgspec.json.decode(msgspec.json.encode(hypotheses))
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
