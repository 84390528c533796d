"""Questions about the people who work here."""

from datetime import datetime

from atlas.errors import NotFound
from atlas.identity import StaffId
from atlas.staff.records import Credentials, Member, OnShift, SignedIn
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


async def members_holding(conn: Connection, role: str) -> list[Member]:
    """Everybody who holds `role` now, by name."""
    return await SQL.all(conn, Member, "members", staff_id=None, email=None, role=role)


async def credentials(conn: Connection, email: str) -> Credentials | None:
    """What to check a password against; None where nobody active has this address."""
    return await SQL.first(conn, Credentials, "credentials", email=email.strip().lower())


async def signed_in(conn: Connection, token_hash: bytes) -> SignedIn | None:
    """Whose browser holds this token, if it has not lapsed and they still work here."""
    return await SQL.first(conn, SignedIn, "signed_in", token_hash=token_hash)


async def on_shift(conn: Connection, at: datetime) -> list[OnShift]:
    """Everybody at work at that moment, by name."""
    return await SQL.all(conn, OnShift, "on_shift", at=at)
