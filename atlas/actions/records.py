"""Every action ever proposed, who ruled on it, and what it leaves to do outside."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from atlas.identity import ActionId, CorrelationId, CustomerId, IncidentId, StaffId
from atlas.money import Money


class ActionState(StrEnum):
    PROPOSED = "proposed"
    REFUSED = "refused"
    ALLOWED = "allowed"
    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    EXECUTING = "executing"
    DONE = "done"
    FAILED = "failed"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Asked:
    """Whether a proposal is a new row, or the operation was proposed before."""

    action_id: ActionId
    is_new: bool


@dataclass(frozen=True)
class ActionRecord:
    """One proposed action as it stands. `arguments` and `facts` are JSON texts: only Forge reads them as types."""

    id: ActionId
    name: str
    arguments: str
    facts: str
    digest: bytes
    operation_key: str
    proposer: str
    proposed_for: CustomerId | None
    proposed_at: datetime
    reason: str
    evidence: list[Any]
    correlation_id: CorrelationId
    incident_id: IncidentId | None
    state: ActionState
    rule: str | None
    verdict_reason: str | None
    matrix_digest: str | None
    approver_roles: tuple[str, ...]
    approvals_needed: int
    judged_at: datetime | None
    approve_by: datetime | None
    execute_by: datetime | None
    ruled_at: datetime | None
    finished_at: datetime | None
    outcome: dict[str, Any] | None
    failure: str | None
    supersedes_id: ActionId | None


@dataclass(frozen=True)
class RulingRecord:
    """One person's ruling, with the roles that they hold now."""

    action_id: ActionId
    staff_id: StaffId
    name: str
    is_approval: bool
    note: str
    digest_seen: bytes
    ruled_at: datetime
    roles: tuple[str, ...]


@dataclass(frozen=True)
class WentAlone:
    """What went out alone within a stretch of time, before the action being judged."""

    money: Money
    customers: int
    devices: int
    actions: int


@dataclass(frozen=True)
class Gate:
    """What the database holds at the gate: the digest of the matrix whose limits it has, and why an action is switched off, if it is."""

    matrix_digest: str | None
    stopped_because: str | None


@dataclass(frozen=True)
class Errand:
    """Work for the world outside that is not a message. `attempts` counts this one."""

    id: int
    action_id: ActionId
    incident_id: IncidentId | None
    port: str
    operation: str
    arguments: dict[str, Any]
    key: str
    attempts: int


@dataclass(frozen=True)
class AuditEntry:
    """One link of an audit chain."""

    stream: str
    seq: int
    at: datetime
    actor: str
    event: str
    action_id: ActionId | None
    correlation_id: CorrelationId | None
    detail: dict[str, Any]


@dataclass(frozen=True)
class BrokenLink:
    """A place where an audit chain does not hold, and why: its text was changed, or an entry before it is gone."""

    stream: str
    seq: int
    why: str


@dataclass(frozen=True)
class RuledOn:
    """One ruling as it is looked back at."""

    action_id: ActionId
    name: str
    proposer: str
    rule: str
    ruled_by: str
    ruled_at: datetime
    note: str
    state: ActionState
