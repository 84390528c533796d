"""May this person rule on this action? Pure. Atlas's gate asks the same again, under the row's lock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from atlas.principal import Role
from governance.decide import Answer, Verdict
from governance.facts import Facts

# Long enough to read one approval with care, short enough that an unlocked desk is of no use to a passer-by.
FRESH_SIGN_IN: Final = timedelta(minutes=5)
# A fortnight's leave. Whoever is away for longer gives up the role, and somebody else is given it.
LONGEST_DELEGATION: Final = timedelta(days=14)


class Why(StrEnum):
    """Why a ruling is or is not taken; the console words it."""

    PERMITTED = "permitted"
    NOT_WAITING = "not_waiting"
    EXPIRED = "expired"
    WRONG_ROLE = "wrong_role"
    IS_PROPOSER = "is_proposer"
    IS_BENEFICIARY = "is_beneficiary"
    STANDS_IN = "stands_in"
    HAS_RULED = "has_ruled"
    ROLE_ALREADY_GIVEN = "role_already_given"
    NOT_SIGNED_IN = "not_signed_in"
    SIGN_IN_TOO_OLD = "sign_in_too_old"
    CARD_IS_STALE = "card_is_stale"


@dataclass(frozen=True)
class Delegation:
    """`grantor` lends one role for a stretch of time. `grantor_roles` are those they hold themselves, as of now."""

    grantor: str
    role: Role
    starts_at: datetime
    ends_at: datetime
    grantor_roles: frozenset[Role]

    def lends(self, now: datetime) -> bool:
        """A role that was itself only lent is not lent on, and none for longer than `LONGEST_DELEGATION`."""
        is_boxed = self.ends_at - self.starts_at <= LONGEST_DELEGATION
        return is_boxed and self.role in self.grantor_roles and self.starts_at <= now < self.ends_at


@dataclass(frozen=True)
class Approver:
    """Somebody who wants to rule. `also_known_as` are their other references, such as their own `customer:12`.

    `stands_with`: whoever stood in for them, or they for those, at any moment since it was asked.
    `signed_in_ago`: since they proved who they are; None where the door named no sign-in.
    """

    reference: str
    roles: frozenset[Role]
    signed_in_ago: timedelta | None
    also_known_as: frozenset[str] = frozenset()
    stands_with: frozenset[str] = frozenset()
    delegations: tuple[Delegation, ...] = ()


@dataclass(frozen=True)
class Approval:
    """One approval that was given: by whom, with which role's authority, and whose that authority was."""

    by: str
    role: Role
    on_behalf_of: str
    facts_digest: str


@dataclass(frozen=True)
class Asked:
    """An action that waits: what governance said of it, who gains by it, and the approvals so far."""

    facts: Facts
    verdict: Verdict
    asked_at: datetime
    beneficiaries: frozenset[str] = frozenset()
    approvals: tuple[Approval, ...] = ()

    @property
    def lapses_at(self) -> datetime:
        return self.asked_at + self.verdict.approve_within


@dataclass(frozen=True)
class Ruling:
    """Whether it may be given, why not, and if so in which role and on whose behalf (their own, unless it was lent)."""

    permitted: bool
    why: Why
    role: Role | None = None
    on_behalf_of: str | None = None


@dataclass(frozen=True)
class Authority:
    role: Role
    holder: str


def may_rule(approver: Approver, asked: Asked, *, seen_digest: str, now: datetime) -> Ruling:
    """Whether `approver`, having seen the facts with `seen_digest`, may approve or reject what was asked."""
    why = _why_not_now(asked, seen_digest, now) or _why_not_they(approver, asked)
    if why:
        return Ruling(False, why)
    held = [authority for authority in authorities(approver, now) if authority.role in asked.verdict.approvers]
    if not held:
        return Ruling(False, Why.WRONG_ROLE)
    free = [authority for authority in held if _why_not_by(authority, asked) is None]
    if not free:
        return Ruling(False, _why_not_by(held[0], asked) or Why.WRONG_ROLE)
    wanted = missing_roles(asked)
    useful = [authority for authority in free if authority.role in wanted]
    if not useful:
        return Ruling(False, Why.ROLE_ALREADY_GIVEN)
    # Rows name the rarer role last: whoever holds several gives that one, and leaves the other to the many.
    chosen = max(useful, key=lambda authority: asked.verdict.approvers.index(authority.role))
    return Ruling(True, Why.PERMITTED, chosen.role, chosen.holder)


def authorities(approver: Approver, now: datetime) -> list[Authority]:
    """The roles a person may rule with now: their own first, then those lent to them."""
    own = [Authority(role, approver.reference) for role in sorted(approver.roles)]
    return own + [Authority(lent.role, lent.grantor) for lent in approver.delegations if lent.lends(now)]


def missing_roles(asked: Asked) -> frozenset[Role]:
    """The roles of which one more approval would still help; none when enough approved.

    Every role named must give one; where more approvals than roles are asked for, any of the roles fills the rest.
    """
    roles = frozenset(asked.verdict.approvers)
    given = [approval.role for approval in asked.approvals if approval.role in roles]
    unfilled = roles.difference(given)
    still = max(asked.verdict.how_many - len(given), len(unfilled))
    if still <= 0:
        return frozenset()
    return unfilled if len(unfilled) == still else roles


def may_carry_out(asked: Asked, facts_now: Facts, approved_at: datetime | None, now: datetime) -> bool:
    """Allowed alone, or approved by enough different people of the right roles; and in either case in time and unmoved."""
    if facts_now.digest != asked.facts.digest:
        return False
    if asked.verdict.answer.is_alone:
        return now < asked.asked_at + asked.verdict.execute_within
    if asked.verdict.answer is not Answer.NEEDS_APPROVAL or approved_at is None:
        return False
    in_time = asked.asked_at <= approved_at < asked.lapses_at and approved_at <= now < approved_at + asked.verdict.execute_within
    return in_time and _is_settled(asked)


def _is_settled(asked: Asked) -> bool:
    approvals = asked.approvals
    people = {approval.by for approval in approvals} | {approval.on_behalf_of for approval in approvals}
    holders = {approval.on_behalf_of for approval in approvals}
    is_bound = all(approval.facts_digest == asked.facts.digest for approval in approvals)
    are_outsiders = people.isdisjoint({asked.facts.proposed_by} | asked.beneficiaries)
    are_different = len(holders) == len(approvals) == len({approval.by for approval in approvals})
    return asked.verdict.how_many > 0 and is_bound and are_outsiders and are_different and not missing_roles(asked)


def _why_not_now(asked: Asked, seen_digest: str, now: datetime) -> Why | None:
    if asked.verdict.answer is not Answer.NEEDS_APPROVAL or not missing_roles(asked):
        return Why.NOT_WAITING
    if not asked.asked_at <= now < asked.lapses_at:
        return Why.EXPIRED
    return None if seen_digest == asked.facts.digest else Why.CARD_IS_STALE


def _why_not_they(approver: Approver, asked: Asked) -> Why | None:
    names = {approver.reference} | approver.also_known_as
    if asked.facts.proposed_by in names:
        return Why.IS_PROPOSER
    if names & asked.beneficiaries:
        return Why.IS_BENEFICIARY
    if approver.stands_with & (asked.beneficiaries | {asked.facts.proposed_by}):
        return Why.STANDS_IN
    if names & _people(asked.approvals):
        return Why.HAS_RULED
    if approver.signed_in_ago is None:
        return Why.NOT_SIGNED_IN
    is_grave = bool(asked.facts.money) or asked.facts.is_disconnection
    is_fresh = timedelta(0) <= approver.signed_in_ago <= FRESH_SIGN_IN
    return Why.SIGN_IN_TOO_OLD if is_grave and not is_fresh else None


def _why_not_by(authority: Authority, asked: Asked) -> Why | None:
    """Why this authority is not free: a delegate may do no more than whoever lent the role."""
    if authority.holder == asked.facts.proposed_by:
        return Why.IS_PROPOSER
    if authority.holder in asked.beneficiaries:
        return Why.IS_BENEFICIARY
    return Why.HAS_RULED if authority.holder in _people(asked.approvals) else None


def _people(approvals: Iterable[Approval]) -> set[str]:
    """Whoever ruled, and whoever lent them the role: one authority counts once."""
    return {name for approval in approvals for name in (approval.by, approval.on_behalf_of)}
