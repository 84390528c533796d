"""The one way for a person to rule on an action, and what they are shown before they do."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg

from atlas.actions import reads, writes
from atlas.actions.records import ActionRecord, ActionState, DelegationRecord, RulingRecord, Standing
from atlas.actions.rules import reference
from atlas.errors import NotPermitted
from atlas.identity import ActionId, CorrelationId, IncidentId
from atlas.principal import NotPermittedHere, Principal, Role
from atlas.statements import Connection
from forge.action import Difference
from forge.carry_out import expire_overdue
from forge.propose import Forge, defer_carrying_out
from forge.register import ActionUnreadable, read_facts
from governance.approvers import Approval, Approver, Asked, Delegation, Ruling, Why, may_rule
from governance.decide import Answer, Verdict
from governance.facts import Facts

__all__ = ["Card", "Ruled", "RulingRefused", "approve", "card", "expire_overdue", "reject", "waiting_for"]

SAID: Final = {
    Why.NOT_WAITING: "it is no longer waiting",
    Why.EXPIRED: "the request has lapsed",
    Why.WRONG_ROLE: "it needs somebody of another role",
    Why.IS_PROPOSER: "whoever proposed it may not rule on it",
    Why.IS_BENEFICIARY: "whoever gains by it may not rule on it",
    Why.STANDS_IN: "whoever stands in for the proposer or for somebody who gains by it, or has them stand in, may not rule on it",
    Why.HAS_RULED: "you have ruled on it already",
    Why.ROLE_ALREADY_GIVEN: "your role has been given already; the other one is missing",
    Why.NOT_SIGNED_IN: "a ruling is given by somebody who is signed in",
    Why.SIGN_IN_TOO_OLD: "sign in again first: money or a disconnection is at stake",
    Why.CARD_IS_STALE: "what you saw is no longer what is asked; look at it again",
}


class RulingRefused(NotPermitted):
    """This person may not rule on this action now; `why` says which condition is unmet."""

    def __init__(self, action_id: ActionId, why: Why, remark: str = "") -> None:
        super().__init__(f"{reference(action_id)}: {remark or SAID.get(why, why.value)}")
        self.action_id = action_id
        self.why = why


@dataclass(frozen=True)
class Ruled:
    """What became of the action: still waiting for a second person, approved (and about to be carried out), or rejected."""

    action_id: ActionId
    reference: str
    state: ActionState


@dataclass(frozen=True)
class Card:
    """One waiting action as an approver is shown it: facts from Atlas first. `digest` is what a ruling must carry back."""

    action_id: ActionId
    reference: str
    name: str
    digest: str
    facts: Facts
    proposer: str
    asked_at: datetime
    lapses_at: datetime
    rule: str
    rule_reason: str
    reason: str
    evidence: Sequence[Any]
    approver_roles: tuple[str, ...]
    approvals_needed: int
    rulings: tuple[RulingRecord, ...]
    customers_would_see: tuple[str, ...]
    differences: tuple[Difference, ...]
    incident_id: IncidentId | None
    correlation_id: CorrelationId


async def approve(forge: Forge, principal: Principal, action_id: ActionId, *, digest_seen: str, note: str = "") -> Ruled:
    """Approves exactly what was shown (its digest, as on the card); once enough people did, it is carried out. Raises RulingRefused.

    `principal` names the sign-in (`atlas.principal.in_session`): Atlas knows how fresh it is; money or a disconnection needs a fresh one.
    """
    return await _rule(forge, principal, action_id, digest_seen, note, is_approval=True)


async def reject(forge: Forge, principal: Principal, action_id: ActionId, *, digest_seen: str, note: str = "") -> Ruled:
    """Ends the request: one rejection is enough. Raises RulingRefused."""
    return await _rule(forge, principal, action_id, digest_seen, note, is_approval=False)


async def _rule(forge: Forge, principal: Principal, action_id: ActionId, digest_seen: str, note: str, *, is_approval: bool) -> Ruled:
    if principal.staff_id is None:
        raise NotPermittedHere("only a signed-in member of staff may rule")
    try:
        async with forge.atlas.transaction(principal) as conn:
            row = await reads.action(conn, action_id)
            given = await reads.rulings(conn, [action_id])
            standing, lent = await reads.standing(conn, action_id), await reads.delegations(conn, principal.staff_id)
            ruling = _explained(principal, row, given, digest_seen, standing, lent, await reads.clock(conn))
            if not ruling.permitted:
                raise RulingRefused(action_id, ruling.why)
            state = await writes.rule(conn, action_id, is_approval=is_approval, digest_seen=_octets(digest_seen), note=note)
            if state is not ActionState.WAITING:
                await defer_carrying_out(conn, action_id)
    except (psycopg.errors.ObjectNotInPrerequisiteState, psycopg.errors.UniqueViolation) as error:
        # Somebody ruled, or it lapsed, between our look and the gate's.
        why = Why.HAS_RULED if isinstance(error, psycopg.errors.UniqueViolation) else Why.NOT_WAITING
        raise RulingRefused(action_id, why) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise RulingRefused(action_id, Why.WRONG_ROLE, error.diag.message_primary or "") from error
    return Ruled(action_id, reference(action_id), state)


def _octets(digest: str) -> bytes:
    """What the approver saw, as the gate compares it itself; what is no digest is nobody's."""
    try:
        return bytes.fromhex(digest)
    except ValueError:
        return b""


def _explained(
    principal: Principal,
    row: ActionRecord,
    given: Sequence[RulingRecord],
    digest_seen: str,
    standing: Standing,
    lent: Iterable[DelegationRecord],
    now: datetime,
) -> Ruling:
    """Governance's answer, which says why; the database's gate asks the same again and has the last word."""
    if row.state is not ActionState.WAITING:
        return Ruling(False, Why.NOT_WAITING)
    asked = _asked(row, given, standing)
    seen = asked.facts.digest if digest_seen == row.digest.hex() else "another"
    return may_rule(_approver(principal, standing, lent), asked, seen_digest=seen, now=now)


def _approver(principal: Principal, standing: Standing, lent: Iterable[DelegationRecord]) -> Approver:
    return Approver(
        principal.reference,
        principal.roles | frozenset(Role(role) for role in standing.own_roles),
        standing.signed_in_ago,
        also_known_as=frozenset() if standing.household is None else frozenset({f"customer:{standing.household}"}),
        stands_with=frozenset(f"staff:{one}" for one in standing.stands_with),
        delegations=tuple(
            Delegation(
                f"staff:{one.grantor_id}", Role(one.role), one.starts_at, one.ends_at, frozenset(Role(held) for held in one.grantor_roles)
            )
            for one in lent
        ),
    )


def _asked(row: ActionRecord, given: Iterable[RulingRecord], standing: Standing) -> Asked:
    asked_at = row.judged_at or row.proposed_at
    roles = tuple(Role(role) for role in row.approver_roles)
    within = (row.approve_by or asked_at) - asked_at
    verdict = Verdict(Answer.NEEDS_APPROVAL, row.rule or "", row.verdict_reason or "", roles, row.approvals_needed, within)
    gaining = {f"staff:{one}" for one in standing.gaining} | ({f"customer:{row.proposed_for}"} if row.proposed_for else set())
    facts = read_facts(row.facts)
    return Asked(facts, verdict, asked_at, frozenset(gaining), tuple(_approvals(facts, roles, given)))


def _approvals(facts: Facts, roles: Sequence[Role], given: Iterable[RulingRecord]) -> list[Approval]:
    approvals: list[Approval] = []
    for ruling in given:
        held = [role for role in roles if role.value in ruling.roles]
        missing = [role for role in held if role not in {approval.role for approval in approvals}]
        if ruling.is_approval and held:
            # Rows name the rarer role last; whoever holds several gave that one.
            approvals.append(Approval(f"staff:{ruling.staff_id}", (missing or held)[-1], f"staff:{ruling.on_behalf_of}", facts.digest))
    return approvals


async def waiting_for(forge: Forge, conn: Connection, roles: Collection[str] | None = None) -> list[Card]:
    """What waits for these roles (None: for anybody), what lapses first first. `conn`: a transaction of staff or of the executor."""
    rows = await reads.waiting(conn, roles)
    given = await reads.rulings(conn, [row.id for row in rows])
    return [await _card(forge, conn, row, given) for row in rows]


async def card(forge: Forge, conn: Connection, action_id: ActionId) -> Card:
    """One action as an approver is shown it. Raises NotFound."""
    row = await reads.action(conn, action_id)
    return await _card(forge, conn, row, await reads.rulings(conn, [action_id]))


async def _card(forge: Forge, conn: Connection, row: ActionRecord, given: Iterable[RulingRecord]) -> Card:
    asked_at = row.judged_at or row.proposed_at
    would_see, differences = await _shown(forge, conn, row)
    return Card(
        action_id=row.id,
        reference=reference(row.id),
        name=row.name,
        digest=row.digest.hex(),
        facts=read_facts(row.facts),
        proposer=row.proposer,
        asked_at=asked_at,
        lapses_at=row.approve_by or asked_at,
        rule=row.rule or "",
        rule_reason=row.verdict_reason or "",
        reason=row.reason,
        evidence=row.evidence,
        approver_roles=row.approver_roles,
        approvals_needed=row.approvals_needed,
        rulings=tuple(ruling for ruling in given if ruling.action_id == row.id),
        customers_would_see=would_see,
        differences=differences,
        incident_id=row.incident_id,
        correlation_id=row.correlation_id,
    )


async def _shown(forge: Forge, conn: Connection, row: ActionRecord) -> tuple[tuple[str, ...], tuple[Difference, ...]]:
    try:
        action = forge.register.decoded(row.name, row.arguments)
    except ActionUnreadable as error:
        return (str(error),), ()
    return await action.preview(conn, forge.now()), await action.differences(conn, forge.now())
