"""Proves who sits at the console: a password against argon2id, then a token of which Atlas keeps only the hash."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from atlas.connection import Atlas
from atlas.errors import NotPermitted
from atlas.identity import StaffId
from atlas.principal import executor
from atlas.staff import reads, writes
from atlas.staff.records import SignedIn
from atlas.staff.rules import session_ends

DOOR: Final = executor("sign_in")
# OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# What nobody's password is checked against, so that an unknown address takes as long as a known one.
NOBODY: Final = HASHER.hash(secrets.token_hex(16))
# Each check holds 19 MiB and a core; a flood of sign-ins queues here and not in memory.
CHECKING: Final = asyncio.Semaphore(4)


class SignInRefused(NotPermitted):
    """The address and the password do not belong together; which of the two is wrong is not said."""

    def __init__(self) -> None:
        super().__init__("that e-mail and password do not belong together")


@dataclass(frozen=True)
class Token:
    """What the browser keeps. Atlas knows only `fingerprint`."""

    secret: str

    @property
    def fingerprint(self) -> bytes:
        return hashlib.sha256(self.secret.encode()).digest()


async def sign_in(atlas: Atlas, email: str, password: str) -> Token:
    """A new session. Raises SignInRefused."""
    async with atlas.transaction(DOOR) as conn:
        known = await reads.credentials(conn, email)
    await _checked(known.password_hash if known else None, password)
    assert known is not None, "nobody's password was checked and refused"
    return await begun(atlas, StaffId(known.staff_id))


async def begun(atlas: Atlas, staff_id: StaffId) -> Token:
    """A session for somebody who has just proved who they are; rulings name it (`atlas.principal.in_session`)."""
    token = Token(secrets.token_urlsafe(32))
    async with atlas.transaction(DOOR) as conn:
        await writes.record_sign_in(conn, token.fingerprint, staff_id, session_ends(datetime.now(UTC)))
    return token


async def prove_again(atlas: Atlas, token: Token, email: str, password: str) -> None:
    """The same person's password once more, before money or a disconnection is ruled on. Raises SignInRefused."""
    async with atlas.transaction(DOOR) as conn:
        known, here = await reads.credentials(conn, email), await reads.signed_in(conn, token.fingerprint)
    if known is None or here is None or known.staff_id != here.staff_id:
        raise SignInRefused
    await _checked(known.password_hash, password)
    async with atlas.transaction(DOOR) as conn:
        await writes.record_proof(conn, token.fingerprint)


async def signed_in(atlas: Atlas, token: Token) -> SignedIn | None:
    async with atlas.transaction(DOOR) as conn:
        return await reads.signed_in(conn, token.fingerprint)


async def email_of(atlas: Atlas, staff_id: StaffId) -> str:
    async with atlas.transaction(DOOR) as conn:
        return (await reads.member(conn, staff_id)).email


async def sign_out(atlas: Atlas, token: Token) -> None:
    async with atlas.transaction(DOOR) as conn:
        await writes.record_sign_out(conn, token.fingerprint)


async def _checked(password_hash: str | None, password: str) -> None:
    async with CHECKING:
        try:
            await asyncio.to_thread(HASHER.verify, password_hash or NOBODY, password)
        except (VerificationError, InvalidHashError):
            raise SignInRefused from None
    if password_hash is None:
        raise SignInRefused
