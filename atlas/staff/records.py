"""Who works here, what each may rule on, and whose browser is signed in."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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
    """What a sign-in is checked against; `password_hash` is argon2id's own encoding, None where nobody may sign in with one.

    `has_lapsed`: somebody else chose it, and it was not changed in time.
    """

    staff_id: StaffId
    password_hash: str | None
    has_lapsed: bool


@dataclass(frozen=True)
class SignedIn:
    """A browser that is signed in: who, with what they proved it, and how lately (by the database's clock).

    `has_given_password`: they came in with one that somebody else chose, and choose another before anything else.
    """

    session_id: int
    staff_id: StaffId
    name: str
    email: str
    roles: tuple[Role, ...]
    proved_by: tuple[str, ...]
    fresh_at: datetime
    expires_at: datetime
    now: datetime
    has_given_password: bool


@dataclass(frozen=True)
class Session:
    """One signed-in browser of somebody's, as they are shown it."""

    session_id: int
    started_at: datetime
    last_used_at: datetime
    expires_at: datetime
    proved_by: tuple[str, ...]
    address: str
    browser: str


class Purpose(StrEnum):
    """What an unfinished proof was begun for; one begun for one thing finishes no other."""

    SECOND_FACTOR = "second_factor"
    PASSKEY_SIGN_IN = "passkey_sign_in"
    PASSKEY_AGAIN = "passkey_again"
    PASSKEY_NEW = "passkey_new"
    TOTP_NEW = "totp_new"
    OIDC = "oidc"


@dataclass(frozen=True)
class Unfinished:
    """A proof of which the second half is missing; `sealed` is for whoever began it."""

    staff_id: StaffId | None
    sealed: bytes


@dataclass(frozen=True)
class TotpKept:
    """Somebody's authenticator app; `last_step` is the time step of the last code that was taken."""

    sealed_secret: bytes
    last_step: int


@dataclass(frozen=True)
class Passkey:
    """A key that somebody's device or security key holds; ours is the public half."""

    passkey_id: int
    credential_id: bytes
    staff_id: StaffId
    public_key: bytes
    sign_count: int
    name: str
    is_backed_up: bool
    added_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class Factors:
    """What somebody can prove themselves with, besides a password."""

    has_password: bool
    has_totp: bool
    passkeys: int
    recovery_codes: int


@dataclass(frozen=True)
class ApiToken:
    """A machine's key, as its list shows it; of the key itself only a hash is kept."""

    token_id: int
    name: str
    owner: str
    scopes: tuple[str, ...]
    made_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True)
class TokenHolder:
    """Whose key it is that a machine showed, and what it opens."""

    token_id: int
    name: str
    staff_id: StaffId
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class OnShift:
    """Someone at work at a moment."""

    staff_id: StaffId
    name: str
    roles: tuple[Role, ...]
    ends_at: datetime
