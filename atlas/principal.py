"""Who acts, for whom, and how surely we know it. The door sets it; nothing else ever does."""

from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Final
from uuid import UUID

from atlas.errors import NotPermitted
from atlas.identity import CustomerId, StaffId


class NotPermittedHere(NotPermitted):
    """Asked as the wrong kind of principal."""


class Zone(StrEnum):
    """A trust zone: its own PostgreSQL login and its own pool. Nothing crosses from one to another.

    `governance` puts an escalation matrix in force and can do nothing else; nobody keeps a pool for it. `radius` is FreeRADIUS' own: it
    has no principal, sees no table, and calls the functions of schema radius, one name at a time.
    """

    CUSTOMER = "customer"
    STAFF = "staff"
    INTAKE = "intake"
    EXECUTOR = "executor"
    GOVERNANCE = "governance"
    RADIUS = "radius"


class Assurance(IntEnum):
    """How surely the door knows who speaks."""

    UNKNOWN = 0
    ADDRESS_ON_FILE = 1
    VERIFIED = 2
    CONFIRMED_BY_STAFF = 3


class Role(StrEnum):
    """What a member of staff may rule on. One person may hold several."""

    NOC_ENGINEER = "noc_engineer"
    NOC_LEAD = "noc_lead"
    BILLING_LEAD = "billing_lead"
    CUSTOMER_CARE = "customer_care"
    CARE_LEAD = "care_lead"
    FIELD_ENGINEER = "field_engineer"
    FIELD_LEAD = "field_lead"
    OPERATIONS_DIRECTOR = "operations_director"
    AUDITOR = "auditor"


@dataclass(frozen=True)
class Principal:
    """A customer, a member of staff, or a part of the system, in one trust zone.

    `may`: what somebody else, whom the customer lets act for them, may do.
    `session`: the fingerprint (hex) of the sign-in, named only by the door at which a person rules; an agent that speaks for them has none.
    """

    zone: Zone
    name: str
    customer_id: CustomerId | None = None
    staff_id: StaffId | None = None
    roles: frozenset[Role] = frozenset()
    assurance: Assurance = Assurance.UNKNOWN
    session: str = ""
    # What somebody who acts for the customer may do; None: it is the customer.
    may: frozenset[str] | None = None

    @property
    def reference(self) -> str:
        """How the audit trail names this principal, as in `staff:7` or `system:cortex`; the database's `actions.actor()` says the same."""
        if self.staff_id is not None:
            return f"staff:{self.staff_id}"
        if self.customer_id is not None:
            return f"customer:{self.customer_id}"
        if self.zone in (Zone.CUSTOMER, Zone.STAFF):
            return f"{self.zone}:stranger"
        return f"system:{self.name}"


def customer(customer_id: CustomerId, assurance: Assurance = Assurance.ADDRESS_ON_FILE) -> Principal:
    return Principal(Zone.CUSTOMER, "customer", customer_id=customer_id, assurance=assurance)


def stranger() -> Principal:
    """Someone whose address is on nobody's file: sees public facts only."""
    return Principal(Zone.CUSTOMER, "stranger")


def staff(staff_id: StaffId, name: str, roles: frozenset[Role]) -> Principal:
    return Principal(Zone.STAFF, name, staff_id=staff_id, roles=roles, assurance=Assurance.CONFIRMED_BY_STAFF)


def in_session(principal: Principal, fingerprint: bytes) -> Principal:
    """The same person, with the sign-in that brought them here: the gate asks Atlas how fresh it is before they rule."""
    return replace(principal, session=fingerprint.hex())


def in_conversation(principal: Principal, thread: UUID) -> Principal:
    """The same customer or stranger, with the conversation they came by: what is theirs without anybody knowing who they are."""
    return replace(principal, session=thread.hex) if principal.zone is Zone.CUSTOMER else principal


def intake(door: str) -> Principal:
    """A door for machines: may record facts that arrive, and read what it needs to name them."""
    return Principal(Zone.INTAKE, door)


def governor() -> Principal:
    """Whoever puts the operator's matrix in force, at a start or at an edit."""
    return Principal(Zone.GOVERNANCE, "matrix")


def executor(part: str) -> Principal:
    """Cortex looking, Forge acting, the outbox sending: the only zone that carries out actions."""
    return Principal(Zone.EXECUTOR, part)


# The zones that somebody works in all day.
WORKING: Final = tuple(zone for zone in Zone if zone not in (Zone.GOVERNANCE, Zone.RADIUS))
