"""Every action ever proposed, who ruled on it, and what it leaves to do outside."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from atlas.identity import ActionId, CorrelationId, CustomerId, IncidentId, StaffId


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
    """One person's ruling, with the roles that whoever's authority it was holds now; `on_behalf_of` is theirs where it was lent."""

    action_id: ActionId
    staff_id: StaffId
    on_behalf_of: StaffId
    name: str
    is_approval: bool
    note: str
    digest_seen: bytes
    ruled_at: datetime
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Judgement:
    """What the gate made of a proposed action, by the matrix in force; all None where it was judged before.

    `spent`: a tally for each allowance that covers it, by its rule; money in minor units.
    """

    state: ActionState | None
    answer: str | None
    rule: str | None
    reason: str | None
    approvers: tuple[str, ...] | None
    how_many: int | None
    approve_within: timedelta | None
    execute_within: timedelta | None
    tell: tuple[str, ...] | None
    spent: dict[str, dict[str, int]] | None


@dataclass(frozen=True)
class JudgedAsked(Judgement):
    """A proposal that was recorded, judged and, where it may be done alone, taken by this very transaction."""

    action_id: ActionId
    is_new: bool


@dataclass(frozen=True)
class JudgedAgain:
    """The same of an action that waited; nothing is written down. `has_moved`: a row that it rests on was changed since."""

    answer: str
    rule: str
    reason: str
    approvers: tuple[str, ...]
    how_many: int
    approve_within: timedelta
    execute_within: timedelta
    tell: tuple[str, ...]
    spent: dict[str, dict[str, int]]
    has_moved: bool


@dataclass(frozen=True)
class InForce:
    """The matrix that the gate holds, and the file it came from."""

    digest: str
    source: str


@dataclass(frozen=True)
class Standing:
    """How whoever asks stands to an action. `own_roles`: held, or taken by breaking the glass; `household`: theirs as a customer;
    `stands_with`: those who stood in for them, or they for those, since it was asked; `gaining`: whoever works here and gains by it.
    """

    signed_in_ago: timedelta | None
    own_roles: tuple[str, ...]
    household: CustomerId | None
    stands_with: tuple[StaffId, ...]
    gaining: tuple[StaffId, ...]


@dataclass(frozen=True)
class DelegationRecord:
    """A role lent for a stretch of time. `grantor_roles` are those that the grantor holds themselves, now."""

    id: int
    grantor_id: StaffId
    grantor: str
    delegate_id: StaffId
    delegate: str
    role: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    revoked_at: datetime | None
    grantor_roles: tuple[str, ...]


@dataclass(frozen=True)
class BrokenGlass:
    """A role that somebody took in an emergency; `alarmed` is how many were told at once."""

    id: int
    staff_id: StaffId
    name: str
    role: str
    reason: str
    opened_at: datetime
    ends_at: datetime
    closed_at: datetime | None
    alarmed: int
    action_id: ActionId


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
class AuditHead:
    """Where one audit chain ended at some moment; kept out of the owner's reach, it shows a cut or a whole chain made anew."""

    stream: str
    seq: int
    hash: str


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
