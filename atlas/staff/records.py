"""Who works here, what each may rule on, and whose browser is signed in."""

from dataclasses import dataclass
from datetime import datetime

from atlas.identity import StaffId
from atlas.principal import Role


@dataclass(frozen=True)
class Member:
    """Someone who works here, with the roles they hold now."""

    staff_id: StaffId
    name: str
    email: str
    roles: tuple[Role, ...]


@dataclass(frozen=True)
class Credentials:
    """What a sign-in is checked against; `password_hash` is argon2id's own encoding, None where nobody may sign in with one."""

    staff_id: StaffId
    password_hash: str | None


@dataclass(frozen=True)
class SignedIn:
    """A browser that is signed in: who, and how lately they proved it (by the database's clock)."""

    staff_id: StaffId
    name: str
    roles: tuple[Role, ...]
    fresh_at: datetime
    expires_at: datetime
    now: datetime


@dataclass(frozen=True)
class OnShift:
    """Someone at work at a moment."""

    staff_id: StaffId
    name: str
    roles: tuple[Role, ...]
    ends_at: datetime
