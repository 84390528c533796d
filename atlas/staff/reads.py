"""Questions about the people who work here."""

from datetime import datetime

from atlas.errors import NotFound
from atlas.identity import StaffId
from atlas.staff.records import (
    ApiToken,
    Credentials,
    Factors,
    Member,
    OnShift,
    Passkey,
    Purpose,
    Session,
    SignedIn,
    TokenHolder,
    TotpKept,
    Unfinished,
)
from atlas.staff.rules import GIVEN_PASSWORD_LIVES, SESSION_IDLES
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def member(conn: Connection, staff_id: StaffId) -> Member:
    """Raises NotFound for someone who no longer works here."""
    found = await SQL.first(conn, Member, "members", staff_id=staff_id, email=None, role=None)
    if found is None:
        raise NotFound("member of staff", staff_id)
    return found


async def member_by_email(conn: Connection, email: str) -> Member | None:
    return await SQL.first(conn, Member, "members", staff_id=None, email=email.strip().lower(), role=None)


async def members(conn: Connection) -> list[Member]:
    """Everybody who works here, by name."""
    return await SQL.all(conn, Member, "members", staff_id=None, email=None, role=None)


async def members_holding(conn: Connection, role: str) -> list[Member]:
    """Everybody who holds `role` now, by name."""
    return await SQL.all(conn, Member, "members", staff_id=None, email=None, role=role)


async def credentials(conn: Connection, email: str) -> Credentials | None:
    """What to check a password against; None where nobody active has this address."""
    return await SQL.first(conn, Credentials, "credentials", email=email.strip().lower(), lives=GIVEN_PASSWORD_LIVES)


async def signed_in(conn: Connection, token_hash: bytes) -> SignedIn | None:
    """Whose browser holds this token, if it has neither lapsed nor lain idle and they still work here."""
    return await SQL.first(conn, SignedIn, "signed_in", token_hash=token_hash, idles=SESSION_IDLES)


async def sessions_of(conn: Connection, staff_id: StaffId) -> list[Session]:
    """Their signed-in browsers, the one used last first."""
    return await SQL.all(conn, Session, "sessions_of", staff_id=staff_id, idles=SESSION_IDLES)


async def unfinished(conn: Connection, token_hash: bytes, purpose: Purpose) -> Unfinished | None:
    """What was begun under this token, if it has not lapsed; it stays, for another try."""
    return await SQL.first(conn, Unfinished, "unfinished", token_hash=token_hash, purpose=purpose)


async def totp_of(conn: Connection, staff_id: StaffId) -> TotpKept | None:
    return await SQL.first(conn, TotpKept, "totp_of", staff_id=staff_id)


async def totp_held(conn: Connection, staff_id: StaffId) -> TotpKept | None:
    """The same, locked: two browsers that show one code at once are asked one after the other."""
    return await SQL.first(conn, TotpKept, "totp_held", staff_id=staff_id)


async def passkeys_of(conn: Connection, staff_id: StaffId) -> list[Passkey]:
    return await SQL.all(conn, Passkey, "passkeys_of", staff_id=staff_id)


async def passkey_held(conn: Connection, credential_id: bytes) -> Passkey | None:
    """The key with this id, locked, if whoever holds it still works here."""
    return await SQL.first(conn, Passkey, "passkey_held", credential=credential_id)


async def factors_of(conn: Connection, staff_id: StaffId) -> Factors:
    return await SQL.one(conn, Factors, "factors_of", staff_id=staff_id)


async def staff_of_outside_account(conn: Connection, issuer: str, subject: str) -> StaffId | None:
    """Who works here under that account of another house; None where nobody linked it."""
    found = await SQL.value(conn, "staff_of_outside_account", issuer=issuer, subject=subject)
    return None if found is None else StaffId(found)


async def token_holder(conn: Connection, token_hash: bytes) -> TokenHolder | None:
    """Whose key this is; None where it lapsed, was revoked, or its owner no longer works here."""
    return await SQL.first(conn, TokenHolder, "token_holder", token_hash=token_hash)


async def api_tokens(conn: Connection) -> list[ApiToken]:
    """Every machine's key, the newest first, also those that open nothing any more."""
    return await SQL.all(conn, ApiToken, "api_tokens")


async def on_shift(conn: Connection, at: datetime) -> list[OnShift]:
    """Everybody at work at that moment, by name."""
    return await SQL.all(conn, OnShift, "on_shift", at=at)
