"""Whose browser is signed in: a token that the browser keeps, and of which Atlas keeps only the hash."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import structlog

from atlas.connection import Atlas
from atlas.errors import NotFound
from atlas.identity import StaffId
from atlas.staff import reads, writes
from atlas.staff.records import Session, SignedIn
from atlas.statements import Connection
from forge.sign_in.caller import Caller
from forge.sign_in.limits import DOOR

log = structlog.get_logger()


@dataclass(frozen=True)
class Token:
    """What the browser keeps: 256 random bits. Atlas knows only `fingerprint`."""

    secret: str

    @classmethod
    def new(cls) -> Self:
        return cls(secrets.token_urlsafe(32))

    @property
    def fingerprint(self) -> bytes:
        return hashlib.sha256(self.secret.encode()).digest()


async def begin_session(atlas: Atlas, staff_id: StaffId, proved_by: Sequence[str], caller: Caller, before: Token | None = None) -> Token:
    """A new session under a new token, whatever token the browser came with; that one, if it was signed in, ends."""
    token = Token.new()
    async with atlas.transaction(DOOR) as conn:
        if before is not None:
            await writes.record_sign_out(conn, before.fingerprint)
        await writes.record_sign_in(conn, token.fingerprint, staff_id, proved_by, caller.address, caller.browser)
        await happened(conn, staff_id, "signed_in", proved_by=list(proved_by), address=caller.address)
    return token


async def begun(atlas: Atlas, staff_id: StaffId) -> Token:
    """A session for somebody whom the caller has itself proven; rulings name it (`atlas.principal.in_session`)."""
    return await begin_session(atlas, staff_id, ["operator"], Caller())


async def signed_in(atlas: Atlas, token: Token) -> SignedIn | None:
    """Who is at this browser; asking is not using."""
    async with atlas.transaction(DOOR) as conn:
        return await reads.signed_in(conn, token.fingerprint)


async def used(atlas: Atlas, token: Token) -> SignedIn | None:
    """Who is at this browser and has just done something there: it is not idle."""
    async with atlas.transaction(DOOR) as conn:
        known = await reads.signed_in(conn, token.fingerprint)
        if known is not None:
            await writes.record_use(conn, token.fingerprint)
        return known


async def proved_again(atlas: Atlas, token: Token, staff_id: StaffId, proved_by: Sequence[str]) -> Token:
    """The session, fresh, under a new token. Raises NotFound where it ended meanwhile."""
    new = Token.new()
    async with atlas.transaction(DOOR) as conn:
        if not await writes.record_proof(conn, token.fingerprint, new.fingerprint, proved_by):
            raise NotFound("session", "of this browser")
        await happened(conn, staff_id, "proved_again", proved_by=list(proved_by))
    return new


async def sign_out(atlas: Atlas, token: Token) -> None:
    async with atlas.transaction(DOOR) as conn:
        known = await reads.signed_in(conn, token.fingerprint)
        await writes.record_sign_out(conn, token.fingerprint)
        if known is not None:
            await happened(conn, known.staff_id, "signed_out")


async def sessions_of(atlas: Atlas, staff_id: StaffId) -> list[Session]:
    async with atlas.transaction(DOOR) as conn:
        return await reads.sessions_of(conn, staff_id)


async def end_session(atlas: Atlas, staff_id: StaffId, session_id: int) -> None:
    """Signs one of their browsers out. Raises NotFound, also for somebody else's."""
    async with atlas.transaction(DOOR) as conn:
        if not await writes.end_session(conn, staff_id, session_id):
            raise NotFound("session", session_id)
        await happened(conn, staff_id, "session_ended", session_id=session_id)


async def end_other_sessions(atlas: Atlas, staff_id: StaffId, here: Token | None) -> int:
    """Signs them out everywhere but here; how many browsers that were."""
    async with atlas.transaction(DOOR) as conn:
        ended = await writes.end_sessions(conn, staff_id, here.fingerprint if here else None)
        await happened(conn, staff_id, "sessions_ended", sessions=ended)
    return ended


async def happened(conn: Connection, staff_id: StaffId, event: str, **detail: Any) -> None:
    """On the audit trail and in the log, without a name or a number of anybody but the one concerned."""
    await writes.record_event(conn, f"staff:{staff_id}", event, detail)
    log.info(event, staff_id=staff_id, **detail)
