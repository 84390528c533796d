"""What the operator does for people who work here: a first password, a lost phone, an account at another house."""

import secrets
from typing import Final

import psycopg

from atlas.connection import Atlas
from atlas.errors import Conflict, NotFound
from atlas.identity import StaffId
from atlas.staff import writes
from atlas.staff.reads import member_by_email
from forge.sign_in.limits import DOOR
from forge.sign_in.passwords import hashed
from forge.sign_in.sessions import happened

GIVEN_BYTES: Final = 15


class AlreadyLinked(Conflict):
    """That account of another house is somebody's."""


async def member_at(atlas: Atlas, email: str) -> StaffId:
    """Raises NotFound."""
    async with atlas.transaction(DOOR) as conn:
        known = await member_by_email(conn, email)
    if known is None:
        raise NotFound("member of staff", email)
    return known.staff_id


async def give_password(atlas: Atlas, email: str) -> str:
    """A first password, or another one, by chance: they change it at their first sign-in, within three days. Every browser is signed out.

    Raises NotFound.
    """
    staff_id, password = await member_at(atlas, email), secrets.token_urlsafe(GIVEN_BYTES)
    password_hash = await hashed(password)
    async with atlas.transaction(DOOR) as conn:
        await writes.record_given_password(conn, staff_id, password_hash)
        await writes.end_sessions(conn, staff_id)
        await happened(conn, staff_id, "password_set_by_operator")
    return password


async def forget_factors(atlas: Atlas, email: str) -> None:
    """For whoever lost every second factor, after the operator has seen who they are: app, codes and passkeys go, and every session."""
    staff_id = await member_at(atlas, email)
    async with atlas.transaction(DOOR) as conn:
        await writes.forget_totp(conn, staff_id)
        await writes.record_recovery_codes(conn, staff_id, [])
        await writes.forget_passkeys(conn, staff_id)
        await writes.end_sessions(conn, staff_id)
        await happened(conn, staff_id, "factors_forgotten_by_operator")


async def sign_out_everywhere(atlas: Atlas, email: str) -> int:
    """Ends every session of theirs; how many there were. Raises NotFound."""
    staff_id = await member_at(atlas, email)
    async with atlas.transaction(DOOR) as conn:
        ended = await writes.end_sessions(conn, staff_id)
        await happened(conn, staff_id, "sessions_ended_by_operator", sessions=ended)
    return ended


async def link(atlas: Atlas, email: str, issuer: str, subject: str, linked_by: str) -> None:
    """That account of another house is this person from now on. Raises NotFound and AlreadyLinked."""
    staff_id = await member_at(atlas, email)
    try:
        async with atlas.transaction(DOOR) as conn:
            await writes.link_outside_account(conn, issuer, subject, staff_id, linked_by)
            await happened(conn, staff_id, "outside_account_linked", issuer=issuer)
    except psycopg.errors.UniqueViolation:
        raise AlreadyLinked(f"{subject} of {issuer} is somebody's already") from None


async def unlink(atlas: Atlas, email: str) -> int:
    """None of the accounts of other houses is this person any more; how many there were. Raises NotFound."""
    staff_id = await member_at(atlas, email)
    async with atlas.transaction(DOOR) as conn:
        gone = await writes.unlink_outside_accounts(conn, staff_id)
        await writes.end_sessions(conn, staff_id)
        await happened(conn, staff_id, "outside_accounts_unlinked", accounts=gone)
    return gone
